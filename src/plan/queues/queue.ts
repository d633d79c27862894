/**
 * The local queue for what comes in: an ifb, to which the ingress of the device redirects. Window pacing has one
 * behind its stages (pacing.ts); without stages, it is what shapes the downlink (`--ingress shape`). Pure.
 */
import type { Action, ClassId, Filter, Qdisc, QdiscSpec, TcObject, UdpFilter } from '../../tc/objects.ts';
import { deviceActionIndex } from '../numbers/actionIndex.ts';
import { fqCodelParameters } from '../numbers/arithmetic.ts';
import { htbClasses, leafKind, leafSpec, sfqSpec, stabFor } from './egress.ts';
import { kernelRateBitPerSec, serialisationMs, type Framing } from '../input/framing.ts';
import type { PlanContext } from '../input/context.ts';
import { incomingHeaderBytes, type LinkFacts } from '../input/link.ts';

/** `igw-ppp0`; names beyond the kernel's 15 characters end in a hash of the whole. */
export function queueDeviceName(device: string): string {
  if (device.length <= 11) return `igw-${device}`;
  let hash = 0x811c_9dc5; // FNV-1a
  for (const char of device) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x0100_0193) >>> 0;
  return `igw-${device.slice(0, 4)}${hash.toString(16).padStart(8, '0').slice(1)}`;
}

export function redirectTo(queueDevice: string, link: LinkFacts): Action {
  return { kind: 'redirect', index: redirectIndex(link.ifindex), toDev: queueDevice };
}

export function redirectIndex(ifindex: number): number {
  return deviceActionIndex('queue', ifindex, 0);
}

/**
 * What large packets get of the downlink on the ifb; small ones pass in a class of their own. Above 98 %, so that
 * the user data of a full line is kept; below 100 %, so that the provider's queue drains.
 */
export const LARGE_SHARE = 0.985;

/** HTTP/3. */
const QUIC_PORT = 443;

/** cake's for UDP whose senders take marks; with 100 and 400 ms answers are as fast (docs/pacing.md). */
const MARKED_RTT_US = 300_000;

/** Where nothing polices, it is the share of stage 1: DOWN then means the same. */
export const SHAPE_SHARE = 0.98;

/** Of an sfq on the ifb: all that it can hold. */
const SFQ_PACKETS = 127;

/** Everything that comes in goes to the ifb; that is all there is to do on the device itself. */
export function redirectObjects(link: LinkFacts, queueDevice: string): TcObject[] {
  const dev = link.device;
  const qdisc: Qdisc = { type: 'qdisc', dev, parent: 'ingress', handle: 'ffff:', spec: { kind: 'ingress' } };
  const filter: Filter = {
    type: 'filter',
    dev,
    parent: 'ffff:',
    pref: 1,
    match: 'all',
    actions: [redirectTo(queueDevice, link)],
  };
  return [qdisc, filter];
}

/**
 * Small packets first, up to the whole downlink, large ones behind them, one queue per flow; with `late` and cake, hosts take
 * turns, and then the flows of each. QUIC's packets stay in order, whatever their length: an acknowledgement that overtakes its
 * sender's data makes that seem lost, and when it comes after all, the sender takes back that it has slowed down.
 * @param codel `early`: it drops what has waited for long, as on any shaper. `late`: for paced flows, whose windows
 *   bound what they have here, and dropping does not make that less. UDP whose senders take marks
 *   has a class beside them then, where marks keep its queue short; of others, drops would make room for more to come in.
 */
export function flowQueueObjects(
  codel: 'early' | 'late',
  { settings, link, framing, kernel }: PlanContext,
  dev: string,
): TcObject[] {
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec);
  const htb = htbClasses(dev, link, framing);
  const kind = leafKind(settings, kernel);
  const leaf = (minor: string, spec: QdiscSpec): TcObject => ({
    type: 'qdisc',
    dev,
    parent: `1:${minor}`,
    handle: `${minor}:`,
    spec,
  });
  const parameters = fqCodelParameters(framing, rateBitPerSec, link.mtuBytes);
  const early: QdiscSpec =
    kind === 'sfq' ? sfqSpec(SFQ_PACKETS, link.mtuBytes) : { kind: 'fq_codel', ...parameters };
  const lateUs = lateTargetUs(framing, rateBitPerSec, link.mtuBytes);
  const late = {
    ...parameters,
    limitPackets: Math.max(parameters.limitPackets, 1000),
    quantumBytes: link.mtuBytes + 14,
    targetUs: lateUs,
    intervalUs: 4 * lateUs,
  };
  const large = rateBitPerSec * 0.7;
  const marked = {
    ...parameters,
    limitPackets: late.limitPackets,
    targetUs: Math.max(parameters.targetUs, MARKED_RTT_US / 20),
    intervalUs: MARKED_RTT_US,
  };
  const largeByKind = (): TcObject[] => [
    htb('1:20', '1:1', large / 2, rateBitPerSec * LARGE_SHARE, 1),
    leaf('20', leafSpec(kind, 'destination', late, link.mtuBytes)),
    htb('1:21', '1:1', large / 2, rateBitPerSec * LARGE_SHARE, 1),
    leaf('21', leafSpec(kind, 'destination', marked, link.mtuBytes)),
  ];
  return [
    {
      type: 'qdisc',
      dev,
      parent: 'root',
      handle: '1:',
      spec: { kind: 'htb', defaultMinor: '20' },
      stab: stabFor(framing, link, incomingHeaderBytes(link)),
    },
    htb('1:1', '1:', rateBitPerSec, rateBitPerSec, 0),
    htb('1:10', '1:1', rateBitPerSec * 0.3, rateBitPerSec, 0),
    leaf('10', early),
    ...(codel === 'late'
      ? largeByKind()
      : [htb('1:20', '1:1', large, rateBitPerSec * SHAPE_SHARE, 1), leaf('20', early)]),
    ...classFilters(dev, codel === 'late' ? '1:21' : '1:20'),
  ];
}

/**
 * Which class a packet belongs to.
 * @param markedClass that of UDP whose senders take marks
 */
function classFilters(dev: string, markedClass: ClassId): TcObject[] {
  const FAMILIES = ['ip', 'ipv6'] as const;
  const udp = (which: UdpFilter['which'], classId: ClassId) =>
    FAMILIES.map((protocol) => ({ type: 'udp' as const, protocol, which, classId }));
  const filters = [
    ...udp('ecn', markedClass),
    ...udp({ fromPort: QUIC_PORT }, '1:20'),
    ...FAMILIES.map((protocol) => ({ type: 'small' as const, protocol, classId: '1:10' as const })),
  ];
  return filters.map((filter, index) => ({ ...filter, dev, parent: '1:', pref: index + 1 }));
}

/**
 * codel must leave alone what windows cannot make less, two segments of each flow: a hundred flows are 1.6 s of a
 * 1750 kbit/s line. Within 0.5 to 2 s: what windows do not bind waits here as well, each flow behind itself.
 */
function lateTargetUs(framing: Framing, rateBitPerSec: number, mtuBytes: number): number {
  const hundredFlowsMs = 200 * serialisationMs(framing, mtuBytes, rateBitPerSec);
  return Math.round(1000 * Math.min(2000, Math.max(500, hundredFlowsMs)));
}
