/** What `inetgw --help` says around the options. */
import { EGRESS_CLASS_NAMES } from '../../../plan/queues/egressClasses.ts';
import { FRAMING_KEYWORDS, FRAMING_WORDS } from '../../../plan/input/framing.ts';
import { TUNNEL_KEYWORDS } from '../../../plan/input/tunnels.ts';

export const SENTENCE = `Keeps a full internet line answering at once: sorts what leaves by
urgency and keeps what comes in just below the rate of the line, so that no
queue builds up in the modem or at the provider.`;

/** Words in lines of at most 76 columns, set in. */
function inLines(words: readonly string[]): string {
  const lines = [''];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > 72) lines.push(`${word}, `);
    else lines[lines.length - 1] = `${last}${word}, `;
  }
  return lines
    .map((line) => `    ${line.trimEnd()}`)
    .join('\n')
    .replace(/,$/, '');
}

export const HELP_TEXT = `
UP and DOWN are the raw rates of the line, uplink first: plain numbers are
kbit/s; 1.7mbit, 16Mbps and 1gbit are understood too. Take what the modem says,
or let searchbw find them.

Framing is what the line adds to each packet. By what the line is:
${inLines(FRAMING_WORDS)}
or by a name known from cake:
${inLines(FRAMING_KEYWORDS)}
and behind it, with a comma, a tunnel on it (vdsl,wireguard); a 6 behind one of
the first nine (wireguard6) means that it runs over IPv6:
${inLines(TUNNEL_KEYWORDS.filter((keyword) => !keyword.endsWith('6')))}
A device that is a tunnel gets its own by itself.
Unless told otherwise, a ppp device is taken for PPPoE, over ATM at rates that
ADSL can have and over PTM above them, an Ethernet device for one whose provider
counts frames with header and checksum (docsis), a tunnel for what its line
is with the tunnel's headers on top, any other for bare IP (raw).

What leaves is sorted into classes, from the most urgent to the least:
${inLines(EGRESS_CLASS_NAMES)}

Set up once:
  inetgw install-hook ppp ppp0 210 1710     whenever the line comes up; also
                                            networkmanager, ifupdown, systemd
  inetgw config check                       is /etc/inetgw.conf right?
  inetgw config example                     prints one to begin with
  inetgw apply [DEV]                        does what it says
  inetgw heal [DEV]                         puts back what somebody took away,
                                            as a firewall that is reloaded does
  inetgw serve [DEV]                        lets the rates of a line that varies
                                            follow it, from --down-min on
  inetgw serve --listen unix:/run/inetgw/http.sock
                                            and serves a page and an API
  inetgw status                             all devices that are set up or in it
  source <(inetgw completion bash)          the Tab key knows all three; also
                                            zsh, fish
  inetgw rules egress ppp0 --format nft     rules for a firewall of your own;
                                            also ingress, sh
  inetgw metrics [DEV] --output FILE        for Prometheus, by node_exporter's
                                            textfile collector
  inetgw report                             one JSON of this gateway, for
                                            inventories of many
  inetgw clear --all                        clears every device, in every
                                            network namespace
  inetgw uninstall [--purge]                takes away all that was set up, and
                                            the npm package itself

Examples:
  inetgw ppp0 210 1710                           shape an ADSL line
  inetgw ppp0 10mbit 50mbit --framing vdsl       a VDSL line
  inetgw eth1 --up 20mbit --down 100mbit         a cable line, rates by name
  inetgw ppp0                                    show what it does
  inetgw watch                                   see it live, once a second
  inetgw ppp0 clear                              take it away
  inetgw ppp0 210 1710 --dry-run                 see what would be run
  inetgw check [DEV]                             what this machine has and lacks

Exit codes:
  0      done
  1      failed
  2      wrong usage
  3      not in force, or not as configured
  4      no privilege
  5      a program or kernel feature is missing
  6      bad configuration
  128+n  ended by signal n
`;
