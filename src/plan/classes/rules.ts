/** Which packets go to which egress class, and which downloads give way first. */
import type { Match, PortOrRange, Rule } from '../../firewall/rules.ts';
import { EGRESS_CLASSES, type EgressClass } from '../queues/egressClasses.ts';
import type { ClassSettings, LargeDownloadSettings, ShaperSettings } from '../input/settings.ts';

/** OpenSSH's marks of an interactive session: AF21 (RFC 4594), and the old TOS bit "low delay". */
const SSH_INTERACTIVE_DSCP = [18, 4];

const dscp = (values: readonly number[]): Match => ({ kind: 'dscp', values });

/** A TCP segment without data: 20 + 20 bytes of header and up to 60 of options, over IPv6 20 more. */
const PURE_ACK_BYTES = 128;
/** VoIP (20 ms of G.711 is 200 bytes, 214 with SRTP), game and DNS packets are smaller than this. */
const SMALL_PACKET_BYTES = 256;

const port = (
  protocol: 'tcp' | 'udp',
  side: 'source' | 'destination' | 'either',
  ports: readonly PortOrRange[],
): Match => ({
  kind: 'port',
  protocol,
  side,
  ports,
});
const tcp: Match = { kind: 'protocol', protocol: 'tcp' };

/** The egress rules in order; what none of them names is normal. */
export function egressRules(settings: Pick<ShaperSettings, 'interactive' | 'bulk'>): Rule[] {
  const { interactive, bulk } = settings;
  const to = (egressClass: EgressClass, name: string, ...matches: Match[]): Rule => ({
    name,
    matches,
    verdict: { kind: 'class', classId: EGRESS_CLASSES[egressClass].id },
  });
  /** Ports and hosts that the administrator has named for a class. */
  const chosen = (
    egressClass: 'interactive' | 'bulk',
    { tcpPorts, udpPorts, hosts }: ClassSettings,
  ): Rule[] => [
    ...(tcpPorts.length > 0
      ? [to(egressClass, `${egressClass}-tcp-ports`, port('tcp', 'either', tcpPorts))]
      : []),
    ...(udpPorts.length > 0
      ? [to(egressClass, `${egressClass}-udp-ports`, port('udp', 'either', udpPorts))]
      : []),
    ...(hosts.length > 0 ? [to(egressClass, `${egressClass}-hosts`, { kind: 'host', hosts })] : []),
  ];
  return [
    // Opening and closing a connection, and acknowledging a download, must not wait behind an upload,
    // whatever the connection carries. Acknowledgements are most of what leaves, and match none of the others.
    to(
      'interactive',
      'tcp-ack',
      tcp,
      { kind: 'tcpFlags', mask: ['syn', 'ack', 'fin', 'rst'], set: ['ack'] },
      { kind: 'maxIpBytes', bytes: PURE_ACK_BYTES },
    ),
    to('interactive', 'tcp-syn', tcp, { kind: 'tcpFlags', mask: ['syn'], set: ['syn'] }),
    to(
      'interactive',
      'tcp-fin',
      tcp,
      { kind: 'tcpFlags', mask: ['fin'], set: ['fin'] },
      { kind: 'maxIpBytes', bytes: SMALL_PACKET_BYTES },
    ),
    to('interactive', 'tcp-rst', tcp, { kind: 'tcpFlags', mask: ['rst'], set: ['rst'] }),
    to('interactive', 'icmp', { kind: 'icmp' }),
    // What asks to wait, waits, small or not.
    ...(bulk.dscp.length > 0 ? [to('bulk', 'dscp-bulk', dscp(bulk.dscp))] : []),
    ...chosen('interactive', interactive),
    ...chosen('bulk', bulk),
    to('interactive', 'dns-udp', port('udp', 'either', [53])),
    to('interactive', 'dns-tcp', port('tcp', 'either', [53, 853])),
    to('interactive', 'ntp', port('udp', 'either', [123])),
    // OpenSSH marks interactive sessions AF21 since 7.8, low delay before; its bulk is CS1 or unmarked.
    to('interactive', 'ssh', port('tcp', 'either', [22]), dscp(SSH_INTERACTIVE_DSCP)),
    ...(interactive.dscp.length > 0 ? [to('interactive', 'dscp-realtime', dscp(interactive.dscp))] : []),
    to('interactive', 'small', { kind: 'maxIpBytes', bytes: SMALL_PACKET_BYTES }),
    // An upload is large whoever opened the connection.
    ...(['original', 'reply'] as const).map((direction) =>
      to(
        'bulk',
        `large-upload-${direction}`,
        { kind: 'direction', direction },
        { kind: 'carried', direction, moreThanBytes: bulk.uploadThresholdBytes },
      ),
    ),
  ];
}

/** Ports from which an FTP server opens the data connection itself: there the data is not the reply. */
const ACTIVE_FTP_PORTS = [20, 989];

/**
 * What happens to packets that carry the mark of stage 1: those of large downloads are dropped; the others
 * lose the mark, so that it reaches no rule of the administrator's. Where somebody else's rules save a mark of this
 * value with connections, what they restore is not stage 1's: dropped for it, a download would stop for ever.
 */
export function ingressRules(settings: Pick<ShaperSettings, 'mark' | 'largeDownloads'>): Rule[] {
  const marked: Match = { kind: 'mark', mark: settings.mark };
  const { mark } = settings;
  return [
    { name: 'mark-of-others', matches: [marked, { kind: 'savedMark', mark }], verdict: { kind: 'leave' } },
    ...(settings.largeDownloads === undefined ? [] : largeDownloadRules(marked, settings.largeDownloads)),
    { name: 'mark-done', matches: [marked], verdict: { kind: 'unmark' } },
  ];
}

function largeDownloadRules(marked: Match, large: LargeDownloadSettings): Rule[] {
  const covers = (each: PortOrRange, port: number): boolean =>
    typeof each === 'number' ? each === port : each.from <= port && port <= each.to;
  const activeFtp = ACTIVE_FTP_PORTS.filter((port) => large.tcpPorts.some((each) => covers(each, port)));
  const drop = (name: string, direction: 'original' | 'reply', ...matches: Match[]): Rule => ({
    name: `large-download-${name}`,
    matches: [marked, ...matches, { kind: 'carried', direction, moreThanBytes: large.thresholdBytes }],
    verdict: { kind: 'drop' },
  });
  const ftpData = (direction: 'original' | 'reply'): Rule =>
    drop(`ftp-${direction}`, direction, { kind: 'helper', helper: 'ftp' }, { kind: 'direction', direction });
  return [
    ...(large.tcpPorts.length > 0 ? [drop('tcp', 'reply', port('tcp', 'source', large.tcpPorts))] : []),
    ...(large.udpPorts.length > 0 ? [drop('udp', 'reply', port('udp', 'source', large.udpPorts))] : []),
    // Active FTP by its port; passive FTP where the administrator has assigned conntrack's helper.
    ...(activeFtp.length > 0
      ? [
          drop('ftp-active', 'original', port('tcp', 'source', activeFtp)),
          ftpData('original'),
          ftpData('reply'),
        ]
      : []),
  ];
}
