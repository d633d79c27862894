/**
 * Window pacing: a program on the device lowers the receive window of outgoing TCP segments, so that no sender
 * has more in flight than its share of the line, and what comes in all the same waits in a flow queue of ours
 * (on an ifb) instead of the provider's. docs/pacing.md tells why and with what effect. Pure.
 */
import { allowsStages, hasStages } from '../input/ingressKinds.ts';
import { CLSACT_HOOK } from '../../tc/clsact.ts';
import type { Action, ProgramFilter } from '../../tc/objects.ts';
import { framedBytes, kernelRateBitPerSec, serialisationMs, type Framing } from '../input/framing.ts';
import { lineLimits } from '../input/limits.ts';
import { hasHeaderOfBelow, linkHeaderBytes, type KernelFacts, type LinkFacts } from '../input/link.ts';
import { deviceActionIndex } from '../numbers/actionIndex.ts';
import { PACING_DIGEST } from './pacingDigest.ts';
import { isNarrowUplink } from '../queues/acknowledgements.ts';
import { LARGE_SHARE, queueDeviceName } from '../queues/queue.ts';
import { HOST_NUMBERS, OPENING_PRIORITY } from '../queues/egressClasses.ts';
import type { FirewallBackend, ShaperSettings } from '../input/settings.ts';

export interface PacingPlan {
  /** The ifb that holds the local queue. */
  queueDevice: string;
  objectFile: string;
  /** Ends the names of the program's maps, so that two devices do not share them. */
  mapSuffix: string;
  config: PacingConfig;
}

/** What is set in the program before it is loaded; the layout is `struct config` in bpf/config.h. */
export interface PacingConfig {
  /** User data that full segments carry when the large packets' share of the line is full. */
  payloadBytesPerSec: number;
  /** How much of its share a flow may have standing in the local queue, */
  queueUs: number;
  /** and how much where the host behind the gateway answers late, or round trips on the path vary. */
  mostQueueUs: number;
  linkHeaderBytes: number;
  /** Where a SYN names none. */
  defaultMssBytes: number;
  maxRttUs: number;
  minSegments: number;
  /** 1: hosts share the line, and connections their host's share; 0: connections share the line. */
  byHost: 0 | 1;
  /** The priority of a packet that opens a connection of the host with number 0; 0: nobody numbers them. */
  numberedPriority: number;
  /** The priority that such a packet gets instead. */
  synPriority: number;
  /** DOWN, with framing; what comes in beyond it stands in the provider's queue. */
  lineBytesPerSec: number;
  /** What the framing adds to each IP packet, */
  overheadBytes: number;
  /** and whether it then fills ATM's cells. */
  cells: 0 | 1;
  /** 1: what comes in may have the link header of the device below before it: that of IPsec's own devices. */
  rebuilt?: 1;
  /** 1: the rate follows the line, so the program tells what comes in when, and takes another rate from a map. */
  follows?: 1;
}

/**
 * What a flow may have standing in the local queue, so that it does not run empty between two acknowledgements: three
 * packets, within these bounds. Each ms more is a ms more of queue (docs/pacing.md has both ends tried).
 */
const LOCAL_QUEUE_PACKETS = 3;
const LOCAL_QUEUE_US = { least: 5000, most: 20_000 } as const;

/** That of 64 kbit/s: what is learned of longer waits would rather be a queue at the provider's. */
const MOST_UPLINK_WAIT_US = 212_000;

/** TCP over IPv4 with timestamps, which nearly all long downloads have. */
const TCP_HEADER_BYTES = 52;

const PACING_ACTION = { rewritten: 1, beyondStages: 2, slowing: 3, decrypted: 4 } as const;
export type PacingActionName = keyof typeof PACING_ACTION;

export function pacingActionIndex(ifindex: number, name: PacingActionName): number {
  return deviceActionIndex('queue', ifindex, PACING_ACTION[name]);
}

/** Up to here `auto` paces: nobody has measured it on faster lines, and there it costs a processor more. */
const AUTO_MOST_BIT_PER_SEC = 1e9;

/** Who has chosen to shape what comes in has chosen against pacing: that needs the police stages. */
export function isPacingWanted({ pacing, ingress, downBitPerSec }: ShaperSettings): boolean {
  if (pacing !== 'auto') return pacing === 'bpf';
  return allowsStages(ingress) && downBitPerSec <= AUTO_MOST_BIT_PER_SEC;
}

/** Undefined where pacing is not wanted or the program cannot be loaded. */
export function pacingPlan(
  settings: ShaperSettings,
  link: LinkFacts,
  framing: Framing,
  kernel: KernelFacts,
  backend: FirewallBackend | undefined,
): PacingPlan | undefined {
  if (!isPacingWanted(settings) || kernel.pacingObjectFile === undefined) return undefined;
  if (!hasStages(kernel.ingress ?? 'police')) return undefined;
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec) * LARGE_SHARE;
  const share = (link.mtuBytes - TCP_HEADER_BYTES) / framedBytes(framing, link.mtuBytes);
  const byHost = settings.fair === 'host';
  const numbersHosts = byHost && backend === 'nft' && kernel.numbersHosts !== false;
  return {
    queueDevice: queueDeviceName(link.device),
    objectFile: kernel.pacingObjectFile,
    mapSuffix: link.ifindex.toString(16).padStart(8, '0'),
    config: {
      payloadBytesPerSec: Math.floor((rateBitPerSec / 8) * share),
      queueUs: localQueueUs(framing, rateBitPerSec, link.mtuBytes),
      linkHeaderBytes: linkHeaderBytes(link.kind),
      defaultMssBytes: link.mtuBytes - 40,
      maxRttUs: 1_000_000,
      minSegments: 2,
      mostQueueUs: LOCAL_QUEUE_US.most + uplinkWaitUs(settings, link, framing),
      byHost: byHost ? 1 : 0,
      numberedPriority: numbersHosts ? HOST_NUMBERS.first : 0,
      synPriority: OPENING_PRIORITY,
      lineBytesPerSec: Math.floor(kernelRateBitPerSec(framing, settings.downBitPerSec) / 8),
      overheadBytes: Math.max(0, framing.overheadBytes),
      cells: framing.linkLayer === 'atm' ? 1 : 0,
      ...(hasHeaderOfBelow(link) ? { rebuilt: 1 as const } : {}),
      ...(lineLimits(settings.limits, settings) === undefined ? {} : { follows: 1 as const }),
    },
  };
}

function localQueueUs(framing: Framing, rateBitPerSec: number, mtuBytes: number): number {
  const us = LOCAL_QUEUE_PACKETS * 1000 * serialisationMs(framing, mtuBytes, rateBitPerSec);
  return Math.round(Math.min(LOCAL_QUEUE_US.most, Math.max(LOCAL_QUEUE_US.least, us)));
}

/**
 * On a narrow uplink acknowledgements wait for as long as full packets of an upload take, 54 ms each at 250 kbit/s, and windows must
 * last for that: for two of them, one that has begun and one that was due, 2 to 4 % more comes in than for one.
 * Elsewhere the least windows do (docs/pacing.md).
 */
function uplinkWaitUs(settings: ShaperSettings, { mtuBytes }: LinkFacts, framing: Framing): number {
  if (!isNarrowUplink({ ...settings, framing, mtuBytes })) return 0;
  const us = Math.round(2 * 1000 * serialisationMs(framing, mtuBytes, settings.upBitPerSec));
  return Math.min(MOST_UPLINK_WAIT_US, us);
}

/**
 * The programs at the hooks. The one at egress matches what it has rewritten, the one at ingress what a sender is to lose, so the
 * actions behind them count that. What IPsec has decrypted has been counted and has waited in the local queue before: it passes.
 */
export function windowFilters(
  link: LinkFacts,
  pacing: PacingPlan,
  { hasIpsec }: KernelFacts,
): ProgramFilter[] {
  const decrypted: Action = { kind: 'ok', index: pacingActionIndex(link.ifindex, 'decrypted') };
  return [
    ...(hasIpsec === false ? [] : [program(link, pacing, 'again', 1, [decrypted])]),
    program(link, pacing, 'ingress', hasIpsec === false ? 1 : 2, [
      { kind: 'countOnly', index: pacingActionIndex(link.ifindex, 'slowing') },
    ]),
    program(link, pacing, 'egress', 1, [{ kind: 'ok', index: pacingActionIndex(link.ifindex, 'rewritten') }]),
  ];
}

/** Behind the stages: what windows bound goes to the local queue all the same. */
export function boundedFilter(
  link: LinkFacts,
  pacing: PacingPlan,
  pref: number,
  toQueue: Action,
): ProgramFilter {
  const count: Action = { kind: 'count', index: pacingActionIndex(link.ifindex, 'beyondStages') };
  return program(link, pacing, 'bounded', pref, [count, toQueue]);
}

/** The sections of bpf/pacing.c, and where each belongs. */
const SECTION_HOOK = {
  again: CLSACT_HOOK.ingress,
  ingress: CLSACT_HOOK.ingress,
  egress: CLSACT_HOOK.egress,
  bounded: CLSACT_HOOK.ingress,
} as const;

function program(
  link: LinkFacts,
  pacing: PacingPlan,
  section: keyof typeof SECTION_HOOK,
  pref: number,
  actions: readonly Action[],
): ProgramFilter {
  return {
    type: 'program',
    dev: link.device,
    parent: SECTION_HOOK[section],
    pref,
    objectFile: pacing.objectFile,
    digest: PACING_DIGEST,
    section,
    config: { ...pacing.config },
    actions,
  };
}
