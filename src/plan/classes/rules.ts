/** Which packets go to which egress class, and which downloads give way first. */
import { commonPorts, covers } from '../../firewall/ports.ts';
import type { Match, PortOrRange, Rule } from '../../firewall/rules.ts';
import { EGRESS_CLASSES, HOST_NUMBERS, type EgressClass } from '../queues/egressClasses.ts';
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

/** What carries other packets, by IANA's number: IP in IP, IPv6 in IP, GRE, L2TPv3. */
const TUNNEL_PROTOCOLS = [4, 41, 47, 115];
/** ESP and AH. Of IPv6 ESP alone: there AH is an extension header, and what stands behind it is what counts. */
const IPSEC_PROTOCOLS = [50, 51];
/**
 * Tunnels over UDP that bear it when small packets pass large ones: WireGuard takes packets up to some 8000 late
 * (drivers/net/wireguard/messages.h), the others look at no number. OpenVPN drops what is more than 64 packets late, IPsec
 * as its peer was told, with strongSwan 32.
 */
const REORDERED_UDP_PORTS = [51_820, 1701, 4789, 6081];
/** OpenVPN's and IPsec's behind NAT: many have them, so that a WireGuard of ours on one of them does not change what they are. */
const IN_ORDER_UDP_PORTS = [1194, 4500];

type Named = readonly [what: string, match: Match];

/** Tunnels by what their packets look like; those of `inOrder` must not overtake each other. */
interface TunnelMatches {
  inOrder: readonly Named[];
  /** Of `inOrder`, the UDP ports. */
  inOrderPorts: readonly PortOrRange[];
  free: readonly Named[];
  tcp: readonly Named[];
}

function tunnelMatches({ tunnels, wireGuardPorts = [] }: RuleSettings): TunnelMatches {
  const reordered = [
    ...REORDERED_UDP_PORTS,
    ...wireGuardPorts.filter((each) => !IN_ORDER_UDP_PORTS.includes(each)),
  ];
  const isFree = (each: PortOrRange): boolean => typeof each === 'number' && reordered.includes(each);
  const free = tunnels.udpPorts.filter(isFree);
  const own = wireGuardPorts.filter((each) => !free.includes(each));
  const inOrderPorts = tunnels.udpPorts.filter((each) => !isFree(each));
  const ports = (protocol: 'tcp' | 'udp', list: readonly PortOrRange[]): Named[] =>
    list.length === 0 ? [] : [[protocol, port(protocol, 'either', list)]];
  return {
    inOrder: [
      ['ipsec', { kind: 'protocolNumbers', numbers: IPSEC_PROTOCOLS }],
      ...ports('udp', inOrderPorts),
    ],
    inOrderPorts,
    free: [
      ['ip', { kind: 'protocolNumbers', numbers: TUNNEL_PROTOCOLS }],
      ...ports('udp', free),
      // Whatever leaves this machine's WireGuard comes from such a port; what goes to one may be anything.
      ...(own.length === 0 ? [] : [['own', port('udp', 'source', own)] as const]),
    ],
    tcp: ports('tcp', tunnels.tcpPorts),
  };
}

/** What the rules for tunnels follow from. */
interface TunnelRuleSettings extends Pick<ShaperSettings, 'tunnels'> {
  /** UDP ports that WireGuard on this machine listens on, and sends from. */
  wireGuardPorts?: readonly number[];
}

/** What the egress rules follow from. */
export type RuleSettings = Pick<ShaperSettings, 'interactive' | 'bulk' | 'hostLimits'> & TunnelRuleSettings;

const to = (egressClass: EgressClass, name: string, ...matches: Match[]): Rule => ({
  name,
  matches,
  verdict: { kind: 'class', classId: EGRESS_CLASSES[egressClass].id },
});

/**
 * Tunnels whose other end drops what comes late: each in one class, whatever it carries. That of a port or host that the
 * administrator has named, or of a section for its host, else normal; as everywhere, interactive comes before bulk.
 */
function inOrderRules({ inOrder, inOrderPorts }: TunnelMatches, settings: RuleSettings): Rule[] {
  const named = (['interactive', 'bulk'] as const).flatMap((egressClass) => {
    const { udpPorts, hosts } = settings[egressClass];
    const ports = commonPorts(inOrderPorts, udpPorts);
    const rule = (what: string, ...matches: Match[]): Rule =>
      to(egressClass, `tunnel-in-order-${egressClass}-${what}`, ...matches);
    return [
      ...(ports.length > 0 ? [rule('udp-ports', port('udp', 'either', ports))] : []),
      ...(hosts.length > 0
        ? inOrder.map(([what, match]) => rule(`hosts-${what}`, match, { kind: 'host', hosts }))
        : []),
    ];
  });
  const ofHosts = priorities(settings).flatMap(({ name, priority, match: host }) =>
    inOrder.map(([what, match]) => to(priority, `tunnel-in-order-${priority}-${name}-${what}`, match, host)),
  );
  return [
    ...named,
    ...ofHosts,
    ...inOrder.map(([what, match]) => to('normal', `tunnel-in-order-${what}`, match)),
  ];
}

/** Hosts and networks whose section in the file has a priority. */
function priorities({ hostLimits = [] }: RuleSettings) {
  return hostLimits.flatMap(({ name, hosts, priority }) =>
    priority === undefined ? [] : [{ name, priority, match: { kind: 'host', hosts } as const }],
  );
}

/** The rules for the ports and hosts that the administrator has named for a class. */
function chosenRules(
  egressClass: 'interactive' | 'bulk',
  { tcpPorts, udpPorts, hosts }: ClassSettings,
): Rule[] {
  return [
    ...(tcpPorts.length > 0
      ? [to(egressClass, `${egressClass}-tcp-ports`, port('tcp', 'either', tcpPorts))]
      : []),
    ...(udpPorts.length > 0
      ? [to(egressClass, `${egressClass}-udp-ports`, port('udp', 'either', udpPorts))]
      : []),
    ...(hosts.length > 0 ? [to(egressClass, `${egressClass}-hosts`, { kind: 'host', hosts })] : []),
  ];
}

/**
 * Opening and closing a connection, and acknowledging a download, must not wait behind an upload, whatever the
 * connection carries. Acknowledgements are most of what leaves, and match none of the others.
 */
function connectionRules(numbersHosts: boolean): Rule[] {
  const opening = (rule: Rule): Rule =>
    numbersHosts && rule.verdict.kind === 'class'
      ? { ...rule, verdict: { ...rule.verdict, numbered: HOST_NUMBERS } }
      : rule;
  return [
    to(
      'interactive',
      'tcp-ack',
      tcp,
      { kind: 'tcpFlags', mask: ['syn', 'ack', 'fin', 'rst'], set: ['ack'] },
      { kind: 'maxIpBytes', bytes: PURE_ACK_BYTES },
    ),
    opening(to('interactive', 'tcp-syn', tcp, { kind: 'tcpFlags', mask: ['syn'], set: ['syn'] })),
    to(
      'interactive',
      'tcp-fin',
      tcp,
      { kind: 'tcpFlags', mask: ['fin'], set: ['fin'] },
      { kind: 'maxIpBytes', bytes: SMALL_PACKET_BYTES },
    ),
    to('interactive', 'tcp-rst', tcp, { kind: 'tcpFlags', mask: ['rst'], set: ['rst'] }),
  ];
}

/**
 * The egress rules in order; what none of them names is normal.
 * @param numbersHosts packets that open a connection tell the pacing program whose it is (`HOST_NUMBERS`)
 */
export function egressRules(settings: RuleSettings, { numbersHosts = false } = {}): Rule[] {
  const { interactive, bulk } = settings;
  const tunnels = tunnelMatches(settings);
  return [
    ...connectionRules(numbersHosts),
    to('interactive', 'icmp', { kind: 'icmp' }),
    ...inOrderRules(tunnels, settings),
    // What asks to wait, waits, small or not.
    ...(bulk.dscp.length > 0 ? [to('bulk', 'dscp-bulk', dscp(bulk.dscp))] : []),
    ...chosenRules('interactive', interactive),
    ...chosenRules('bulk', bulk),
    ...priorities(settings).map(({ name, priority, match }) =>
      to(priority, `priority-${priority}-${name}`, match),
    ),
    to('interactive', 'dns-udp', port('udp', 'either', [53])),
    to('interactive', 'dns-tcp', port('tcp', 'either', [53, 853])),
    to('interactive', 'ntp', port('udp', 'either', [123])),
    // OpenSSH marks interactive sessions AF21 since 7.8, low delay before; its bulk is CS1 or unmarked.
    to('interactive', 'ssh', port('tcp', 'either', [22]), dscp(SSH_INTERACTIVE_DSCP)),
    ...(interactive.dscp.length > 0 ? [to('interactive', 'dscp-realtime', dscp(interactive.dscp))] : []),
    // Counted by itself: it tells how much of the line is in tunnels.
    ...tunnels.free.map(([what, match]) =>
      to('interactive', `tunnel-small-${what}`, match, { kind: 'maxIpBytes', bytes: SMALL_PACKET_BYTES }),
    ),
    to('interactive', 'small', { kind: 'maxIpBytes', bytes: SMALL_PACKET_BYTES }),
    // To conntrack a tunnel is one connection, however much is in it.
    ...[...tunnels.free, ...tunnels.tcp].map(([what, match]) => to('normal', `tunnel-${what}`, match)),
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
export function ingressRules(
  settings: Pick<ShaperSettings, 'mark' | 'largeDownloads'> & TunnelRuleSettings,
): Rule[] {
  const marked: Match = { kind: 'mark', mark: settings.mark };
  const { mark } = settings;
  return [
    { name: 'mark-of-others', matches: [marked, { kind: 'savedMark', mark }], verdict: { kind: 'leave' } },
    ...(settings.largeDownloads === undefined
      ? []
      : [...tunnelDownloadRules(marked, settings), ...largeDownloadRules(marked, settings.largeDownloads)]),
    { name: 'mark-done', matches: [marked], verdict: { kind: 'unmark' } },
  ];
}

/** A tunnel from port 443, as many have it to get through firewalls, is no large download either, whatever is in it. */
function tunnelDownloadRules(marked: Match, { tunnels, wireGuardPorts = [] }: TunnelRuleSettings): Rule[] {
  const own = wireGuardPorts.filter((port) => !tunnels.udpPorts.includes(port));
  const rule = (name: string, match: Match): Rule => ({
    name: `tunnel-download-${name}`,
    matches: [marked, match],
    verdict: { kind: 'unmark' },
  });
  return [
    ...(own.length > 0 ? [rule('own', port('udp', 'destination', own))] : []),
    ...(tunnels.udpPorts.length > 0 ? [rule('udp', port('udp', 'either', tunnels.udpPorts))] : []),
    ...(tunnels.tcpPorts.length > 0 ? [rule('tcp', port('tcp', 'either', tunnels.tcpPorts))] : []),
  ];
}

function largeDownloadRules(marked: Match, large: LargeDownloadSettings): Rule[] {
  const activeFtp = ACTIVE_FTP_PORTS.filter((port) => covers(large.tcpPorts, port));
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
