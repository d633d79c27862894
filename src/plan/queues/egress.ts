/** Egress: HTB with three priority classes, a flow queue in each. */
import type { ClassId, HtbClass, Qdisc, QdiscSpec, Stab, TcObject } from '../../tc/objects.ts';
import {
  cakeMemoryBytes,
  cakeRttUs,
  fqCodelParameters,
  htbBurstBytes,
  htbQuantumBytes,
  type FqCodelParameters,
} from '../numbers/arithmetic.ts';
import { kernelRateBitPerSec, type Framing } from '../input/framing.ts';
import { linkHeaderBytes, type KernelFacts, type LinkFacts } from '../input/link.ts';
import type { PlanContext } from '../input/context.ts';
import type { ShaperSettings } from '../input/settings.ts';
import { isNarrowUplink } from './acknowledgements.ts';
import {
  DEFAULT_EGRESS_CLASS,
  EGRESS_CLASSES,
  EGRESS_CLASS_NAMES,
  type EgressClass,
} from './egressClasses.ts';

const ROOT_HANDLE = '1:';
const PARENT_CLASS = '1:1';

/** The objects in the order in which they are made. */
export function egressObjects({ settings, link, framing, kernel }: PlanContext): TcObject[] {
  const dev = link.device;
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.upBitPerSec);
  const root: Qdisc = {
    type: 'qdisc',
    dev,
    parent: 'root',
    handle: ROOT_HANDLE,
    spec: { kind: 'htb', defaultMinor: EGRESS_CLASSES[DEFAULT_EGRESS_CLASS].id.slice(ROOT_HANDLE.length) },
    // On the root, so that everything below it counts what the line sees.
    stab: stabFor(framing, link, linkHeaderBytes(link.kind)),
  };
  const kind = leafKind(settings, kernel);
  const parameters = fqCodelParameters(framing, rateBitPerSec, link.mtuBytes);
  const leaf = leafSpec(kind, 'source', parameters, link.mtuBytes);
  const isNarrow = isNarrowUplink({ ...settings, framing, mtuBytes: link.mtuBytes });
  const htb = htbClasses(dev, link, framing);
  const parent = htb(PARENT_CLASS, ROOT_HANDLE, rateBitPerSec, rateBitPerSec, 0);
  return [root, parent, ...EGRESS_CLASS_NAMES.flatMap((name, prio) => classObjects(name, prio))];

  function classObjects(name: EgressClass, prio: number): TcObject[] {
    const { id, leafHandle, share } = EGRESS_CLASSES[name];
    return [
      htb(id, PARENT_CLASS, Math.floor(rateBitPerSec * share), rateBitPerSec, prio),
      {
        type: 'qdisc',
        dev,
        parent: id,
        handle: leafHandle,
        spec: name === 'interactive' && isNarrow ? thinning(leaf) : leaf,
      },
    ];
  }
}

/**
 * Of acknowledgements of a connection that wait, the last says what all do. cake takes none that says something of its own:
 * duplicates, SACK, ECN, other options, flags, data (cake_ack_filter in net/sched/sch_cake.c). All are in the class that goes
 * first.
 */
function thinning(spec: QdiscSpec): QdiscSpec {
  return spec.kind === 'cake' && 'hosts' in spec ? { ...spec, ackFilter: 'aggressive' } : spec;
}

/** Whether the plan's queues do that. */
export function thinsAcks(objects: readonly TcObject[]): boolean {
  return objects.some((object) => object.type === 'qdisc' && 'ackFilter' in object.spec);
}

/** Makes the HTB classes of a device; rates in bit/s, bursts and quanta by arithmetic.ts. */
export function htbClasses(dev: string, { mtuBytes }: LinkFacts, framing: Framing) {
  return (
    classId: ClassId,
    parent: HtbClass['parent'],
    rateBitPerSec: number,
    ceilBitPerSec: number,
    prio: number,
  ): HtbClass => ({
    type: 'class',
    dev,
    parent,
    classId,
    rateBitPerSec: Math.floor(rateBitPerSec),
    ceilBitPerSec: Math.floor(ceilBitPerSec),
    burstBytes: htbBurstBytes(framing, rateBitPerSec, mtuBytes),
    cburstBytes: htbBurstBytes(framing, ceilBitPerSec, mtuBytes),
    quantumBytes: htbQuantumBytes(framing, rateBitPerSec, mtuBytes),
    prio,
  });
}

/**
 * For a qdisc that sees packets with a link header: egress, and an ifb behind ingress.
 * @param headerBytes of that header
 */
export function stabFor(framing: Framing, { mtuBytes }: LinkFacts, headerBytes: number): Stab {
  return {
    linkLayer: framing.linkLayer === 'atm' ? 'atm' : 'ethernet',
    overheadBytes: framing.overheadBytes - headerBytes,
    mpuBytes: framing.mpuBytes,
    mtuBytes: stabMtuBytes(mtuBytes + headerBytes),
  };
}

/** The queue in a class: where flows share the line, cake has nothing that fq_codel has not. */
export function leafKind({ fair }: ShaperSettings, { leafQdisc }: KernelFacts): KernelFacts['leafQdisc'] {
  return leafQdisc === 'cake' && fair === 'flow' ? 'fq_codel' : leafQdisc;
}

/**
 * The queue of that kind in a class.
 * @param hosts which end of a packet is the host behind the gateway
 * @param parameters what fq_codel is given; the others wait as long, and hold as much as they can of it
 */
export function leafSpec(
  kind: KernelFacts['leafQdisc'],
  hosts: 'source' | 'destination',
  parameters: FqCodelParameters,
  mtuBytes: number,
): QdiscSpec {
  switch (kind) {
    case 'cake':
      return {
        kind,
        hosts,
        rttUs: cakeRttUs(parameters.targetUs),
        memoryBytes: cakeMemoryBytes(parameters.limitPackets),
      };
    case 'fq_codel':
      return { kind, ...parameters };
    case 'sfq':
      return sfqSpec(parameters.limitPackets, mtuBytes);
  }
}

/** sfq holds at most 127 packets per flow; perturb as its manual page advises for long-lived flows. */
export function sfqSpec(limitPackets: number, mtuBytes: number): QdiscSpec {
  return {
    kind: 'sfq',
    limitPackets: Math.min(limitPackets, 127),
    quantumBytes: mtuBytes + 14,
    perturbSec: 10,
  };
}

/**
 * The size table of a stab covers packets up to its mtu in 512 steps, doubled until it fits; a segment
 * that GSO left whole (64 KB) is estimated from the table's end by the kernel.
 */
function stabMtuBytes(longestBytes: number): number {
  return Math.max(2047, 2 ** Math.ceil(Math.log2(longestBytes + 1)) - 1);
}
