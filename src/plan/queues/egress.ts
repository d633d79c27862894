/** Egress: HTB with three priority classes, a flow queue in each. */
import type { ClassId, HtbClass, Qdisc, QdiscSpec, Stab, TcObject } from '../../tc/objects.ts';
import { fqCodelParameters, htbBurstBytes, htbQuantumBytes } from '../numbers/arithmetic.ts';
import { kernelRateBitPerSec, type Framing } from '../input/framing.ts';
import { linkHeaderBytes, type KernelFacts, type LinkFacts } from '../input/link.ts';
import type { ShaperSettings } from '../input/settings.ts';

export const EGRESS_CLASSES = ['interactive', 'normal', 'bulk'] as const;
export type EgressClass = (typeof EGRESS_CLASSES)[number];

const ROOT_HANDLE = '1:';
const PARENT_CLASS = '1:1';

export const CLASS_IDS: Readonly<Record<EgressClass, ClassId>> = {
  interactive: '1:10',
  normal: '1:20',
  bulk: '1:30',
};

/**
 * What each class gets when all want everything. Above that a class borrows what others leave, the most urgent class
 * first (prio), so the shares only say that nobody starves: a flood of small packets leaves normal traffic its share,
 * and a mail upload still moves. The acknowledgements of full downloads and a call together need more than half of an
 * ADSL uplink: with 40, 40 and 20 % the call waited 115 ms on 640 kbit/s, with these 2 ms (docs/benchmarks/adsl6.md).
 */
const SHARE: Readonly<Record<EgressClass, number>> = { interactive: 0.7, normal: 0.2, bulk: 0.1 };

const LEAF_HANDLES = { interactive: '10:', normal: '20:', bulk: '30:' } as const;

/** The objects in the order in which they are made. */
export function egressObjects(
  settings: ShaperSettings,
  link: LinkFacts,
  framing: Framing,
  kernel: KernelFacts,
): TcObject[] {
  const dev = link.device;
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.upBitPerSec);
  const root: Qdisc = {
    type: 'qdisc',
    dev,
    parent: 'root',
    handle: ROOT_HANDLE,
    spec: { kind: 'htb', defaultMinor: '20' },
    // On the root, so that everything below it counts what the line sees.
    stab: stabFor(framing, link),
  };
  const htb = htbClasses(dev, link, framing);
  const parent = htb(PARENT_CLASS, ROOT_HANDLE, rateBitPerSec, rateBitPerSec, 0);
  return [root, parent, ...EGRESS_CLASSES.flatMap((name, prio) => classObjects(name, prio))];

  function classObjects(name: EgressClass, prio: number): TcObject[] {
    const share = Math.floor(rateBitPerSec * SHARE[name]);
    return [
      htb(CLASS_IDS[name], PARENT_CLASS, share, rateBitPerSec, prio),
      {
        type: 'qdisc',
        dev,
        parent: CLASS_IDS[name],
        handle: LEAF_HANDLES[name],
        spec: leafSpec(kernel.leafQdisc, framing, rateBitPerSec, link.mtuBytes),
      },
    ];
  }
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

/** For a qdisc that sees packets with the device's link header: egress, and an ifb behind its ingress. */
export function stabFor(framing: Framing, link: LinkFacts): Stab {
  return {
    linkLayer: framing.linkLayer === 'atm' ? 'atm' : 'ethernet',
    overheadBytes: framing.overheadBytes - linkHeaderBytes(link.kind),
    mpuBytes: framing.mpuBytes,
    mtuBytes: stabMtuBytes(link.mtuBytes + linkHeaderBytes(link.kind)),
  };
}

function leafSpec(
  kind: KernelFacts['leafQdisc'],
  framing: Framing,
  rateBitPerSec: number,
  mtuBytes: number,
): QdiscSpec {
  const parameters = fqCodelParameters(framing, rateBitPerSec, mtuBytes);
  switch (kind) {
    case 'fq_codel':
      return { kind, ...parameters };
    case 'sfq':
      // sfq holds at most 127 packets per flow; perturb as its manual page advises for long-lived flows.
      return {
        kind,
        limitPackets: Math.min(parameters.limitPackets, 127),
        quantumBytes: mtuBytes + 14,
        perturbSec: 10,
      };
  }
}

/**
 * The size table of a stab covers packets up to its mtu in 512 steps, doubled until it fits; a segment
 * that GSO left whole (64 KB) is estimated from the table's end by the kernel.
 */
function stabMtuBytes(longestBytes: number): number {
  return Math.max(2047, 2 ** Math.ceil(Math.log2(longestBytes + 1)) - 1);
}
