/** Conditions of lines with tunnels on them, and of tunnels that are shaped. Pure. */
import type { RuleCounters } from '../firewall/counters.ts';
import { covers } from '../firewall/ports.ts';
import { countsAlike, framedBytes, type Framing } from '../plan/input/framing.ts';
import { resolveFraming } from '../plan/input/framingChoice.ts';
import { setUpCommand } from '../plan/input/setUpCommand.ts';
import type { Plan } from '../plan/plan.ts';
import type { Condition, ConditionReadings } from './condition.ts';

/** Less says nothing: the first minutes of a line, or one that hardly sends. */
const LEAST_BYTES = 500_000;
/** A tunnel that has carried less than this part of what is in tunnels is not the one that is meant. */
const LEAST_SHARE = 0.1;

/** Bytes on the line of what the rules for tunnels have seen: these count IP bytes. */
export function bytesInTunnels({ framing }: Pick<Plan, 'framing'>, rules: RuleCounters): number {
  return [...rules].reduce((sum, [name, { packets, bytes }]) => {
    if (!name.startsWith('tunnel-') || name.startsWith('tunnel-download-') || packets === 0) return sum;
    return sum + packets * framedBytes(framing, Math.round(bytes / packets));
  }, 0);
}

/** Whether so much is in tunnels that it matters, as far as the rules alone tell: else the rest need not be read. */
export const isMuchInTunnels = (inTunnelsBytes: number): boolean => inTunnelsBytes > LEAST_BYTES / 2;

function mostInTunnels({ device, record, tunnels }: ConditionReadings): string[] {
  if (record === undefined || tunnels === undefined) return [];
  const { inTunnelsBytes, sentBytes, own } = tunnels;
  if (sentBytes < LEAST_BYTES || inTunnelsBytes <= sentBytes / 2) return [];
  const busy = own.filter((each) => each.device !== device && each.sentBytes > inTunnelsBytes * LEAST_SHARE);
  const toShape = busy.filter(({ isShaped }) => !isShaped).map((each) => each.device);
  if (busy.length > 0 && toShape.length === 0) return [];
  const most = 'most bytes are in tunnels, and of what is inside, rules and window pacing see nothing here';
  if (toShape.length === 0) return [`${most}: shape it where the tunnel ends, too`];
  const commands = toShape.map((each) => setUpCommand(each, record.plan));
  return [`${most}: shape the tunnel as well, with: ${commands.join('; ')}`];
}

/** Only where the framing below the tunnel was not said, but taken from what carries it. */
function otherLineBelow({ device, record, carrierFraming }: ConditionReadings): string[] {
  const tunnel = record?.plan.link.tunnel;
  if (record === undefined || tunnel?.carrier === undefined || carrierFraming === undefined) return [];
  const { plan } = record;
  const { framing: then, ...carrier } = tunnel.carrier;
  const over = (line: Framing | undefined): Framing =>
    resolveFraming(
      undefined,
      {
        ...plan.link,
        tunnel: { ...tunnel, carrier: line === undefined ? carrier : { ...carrier, framing: line } },
      },
      plan,
    );
  const isSame = (framing: Framing): boolean =>
    framing.name === plan.framing.name && countsAlike(framing, plan.framing);
  if (!isSame(over(then)) || isSame(over(carrierFraming))) return [];
  return [
    `${device} counts ${plan.framing.name}, and ${carrier.device}, which carries it, is set up with ` +
      `${carrierFraming.name} now: ${setUpCommand(device, plan)}`,
  ];
}

/** Ports that no rule for UDP names: one of `--interactive-ports` is as good as one for tunnels. */
function unknownPorts({ device, record, wireGuardPorts = [] }: ConditionReadings): string[] {
  if (record?.plan.firewall === undefined) return [];
  const named = record.plan.firewall.rules.egress.flatMap(({ matches }) =>
    matches.flatMap((match) => (match.kind === 'port' && match.protocol === 'udp' ? match.ports : [])),
  );
  const unknown = wireGuardPorts.filter((port) => !covers(named, port));
  if (unknown.length === 0) return [];
  return [
    `WireGuard on this machine sends from UDP ${unknown.join(', ')}, which the rules of ${device} do not know: ` +
      setUpCommand(device, record.plan),
  ];
}

export const TUNNEL_CONDITIONS: readonly Condition[] = [
  {
    id: 'in-tunnels',
    severity: 'note',
    title: 'most of what leaves is in a tunnel that is not shaped',
    seenIn: 'the counters of the rules for tunnels, `tc -s qdisc show dev DEV`, /sys/class/net',
    meaning:
      'to rules, flow queues and window pacing a tunnel is one connection: pings wait behind uploads inside it',
    remedy: 'shape both, as docs/tunnels.md has it',
    find: mostInTunnels,
  },
  {
    id: 'line-not-shaped',
    severity: 'note',
    title: 'a tunnel is shaped, and the line that carries it is not',
    seenIn: 'the record in /run/inetgw',
    meaning:
      'what else is on the line is not counted: with it the line is full, and its queue is in the modem',
    remedy: 'shape both, as docs/tunnels.md has it',
    find: ({ device, record, shapedDevices }) => {
      const carrier = record?.plan.link.tunnel?.carrier;
      if (record === undefined || carrier === undefined || shapedDevices === undefined) return [];
      // Rates that count no headers of a tunnel are of what is inside, and say nothing of the line.
      if (!record.plan.framing.name.includes(',') || shapedDevices.includes(carrier.device)) return [];
      return [
        `${carrier.device}, which carries ${device}, is not shaped: ${setUpCommand(carrier.device, record.plan)}`,
      ];
    },
  },
  {
    id: 'tunnel-framing',
    severity: 'warning',
    title: 'a tunnel counts another framing than the line that carries it',
    seenIn: 'the records in /run/inetgw',
    meaning:
      'the line was set up after the tunnel, or set up anew: packets in the tunnel are counted too short or too long',
    remedy: 'set the tunnel up after the line: inetgw DEV UP DOWN',
    find: otherLineBelow,
  },
  {
    id: 'tunnel-ports-changed',
    severity: 'note',
    title: 'WireGuard has a port that was not known when the line was set up',
    seenIn: '`wg show all listen-port`, the record in /run/inetgw',
    meaning:
      'the tunnel is one connection to the rules: it becomes bulk, all of it, once it has carried much',
    remedy:
      'set the line up again, and with each coming of the tunnel: PostUp = inetgw apply DEV (docs/tunnels.md)',
    find: unknownPorts,
  },
  {
    id: 'ipsec-twice',
    severity: 'warning',
    title: 'what IPsec brings is counted twice',
    seenIn: '`ip xfrm state`, the record in /run/inetgw',
    meaning:
      'what IPsec decrypts in tunnel mode comes in by the same device once more, and takes its part of DOWN twice: ' +
      'with nothing else on the line it has half of it',
    remedy:
      'have window pacing, which tells the two apart (--pacing auto, --ingress auto), or give IPsec a device of its own, ' +
      'of the kind xfrm (docs/tunnels.md)',
    find: ({ ipsecTunnels = 0, device, record }) =>
      ipsecTunnels === 0
        ? []
        : [
            `associations of IPsec in tunnel mode, without a device of their own, that end here: ${ipsecTunnels}; ` +
              'what comes in by them is counted encrypted, and decrypted once more' +
              (record?.plan.pacing === undefined
                ? ''
                : `; an earlier version has set this up: ${setUpCommand(device, record.plan)}`),
          ],
  },
];
