/**
 * Window pacing: a program on the device lowers the receive window of outgoing TCP segments, so that no sender
 * has more in flight than its share of the line, and what comes in all the same waits in a flow queue of ours
 * (on an ifb) instead of the provider's. docs/pacing.md tells why and with what effect. Pure.
 */
import type { Action, HtbClass, ProgramFilter, TcObject } from '../tc/objects.ts';
import { fqCodelParameters, htbBurstBytes, htbQuantumBytes } from './arithmetic.ts';
import { stabFor } from './egress.ts';
import { framedBytes, kernelRateBitPerSec, type Framing } from './framing.ts';
import { linkHeaderBytes, type KernelFacts, type LinkFacts } from './link.ts';
import type { ShaperSettings } from './settings.ts';

/** Both hooks of a clsact qdisc, as parents of filters. */
export const HOOK = { ingress: 'ffff:fff2', egress: 'ffff:fff3' } as const;

export interface PacingPlan {
  /** The ifb that holds the local queue. */
  queueDevice: string;
  objectFile: string;
  /** Ends the names of the program's maps, so that two devices do not share them. */
  mapSuffix: string;
  config: PacingConfig;
}

/** What is set in the program before it is loaded; the layout is `struct config` in bpf/pacing.c. */
export interface PacingConfig {
  /** User data that full segments carry when the large packets' share of the line is full. */
  payloadBytesPerSec: number;
  /** How much of its share a flow may have standing in the local queue. */
  queueUs: number;
  linkHeaderBytes: number;
  /** Where a SYN names none. */
  defaultMssBytes: number;
  maxRttUs: number;
  minSegments: number;
}

/**
 * What large packets get of the downlink on the ifb; small ones pass in a class of their own. Above 98 %, so that
 * the user data of a full line is kept; below 100 %, so that the provider's queue drains.
 */
const LARGE_SHARE = 0.985;

/** Enough to bridge the jitter of acknowledgements; each ms more is a ms more of queue (docs/pacing.md). */
const LOCAL_QUEUE_US = 20_000;

/** TCP over IPv4 with timestamps, which nearly all long downloads have. */
const TCP_HEADER_BYTES = 52;

export const PACING_ACTION = { toQueue: 0, rewritten: 1 } as const;
export type PacingActionName = keyof typeof PACING_ACTION;

/** As in ingress.ts, with a prefix of its own ("IP"): 0x4950 << 16 | ifindex << 3 | n. */
export function pacingActionIndex(ifindex: number, name: PacingActionName): number {
  return 0x4950_0000 + ((ifindex & 0x1fff) << 3) + PACING_ACTION[name];
}

/** `igw-ppp0`; names beyond the kernel's 15 characters end in a hash of the whole. */
export function queueDeviceName(device: string): string {
  if (device.length <= 11) return `igw-${device}`;
  let hash = 0x811c_9dc5; // FNV-1a
  for (const char of device) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x0100_0193) >>> 0;
  return `igw-${device.slice(0, 4)}${hash.toString(16).padStart(8, '0').slice(1)}`;
}

/** Undefined where pacing is not wanted or the program cannot be loaded. */
export function pacingPlan(
  settings: ShaperSettings,
  link: LinkFacts,
  framing: Framing,
  kernel: KernelFacts,
): PacingPlan | undefined {
  if (settings.pacing === 'off' || kernel.pacingObjectFile === undefined) return undefined;
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec) * LARGE_SHARE;
  const share = (link.mtuBytes - TCP_HEADER_BYTES) / framedBytes(framing, link.mtuBytes);
  return {
    queueDevice: queueDeviceName(link.device),
    objectFile: kernel.pacingObjectFile,
    mapSuffix: link.ifindex.toString(16).padStart(8, '0'),
    config: {
      payloadBytesPerSec: Math.floor((rateBitPerSec / 8) * share),
      queueUs: LOCAL_QUEUE_US,
      linkHeaderBytes: linkHeaderBytes(link.kind),
      defaultMssBytes: link.mtuBytes - 40,
      maxRttUs: 1_000_000,
      minSegments: 2,
    },
  };
}

/** The two programs: what they match they have rewritten, so the action behind the second one counts that. */
export function programFilters(link: LinkFacts, pacing: PacingPlan): ProgramFilter[] {
  const program = (section: keyof typeof HOOK, actions: readonly Action[]): ProgramFilter => ({
    type: 'program',
    dev: link.device,
    parent: HOOK[section],
    pref: 1,
    objectFile: pacing.objectFile,
    section,
    config: { ...pacing.config },
    actions,
  });
  return [
    program('ingress', []),
    program('egress', [{ kind: 'ok', index: pacingActionIndex(link.ifindex, 'rewritten') }]),
  ];
}

/**
 * The local queue: small packets first, up to the whole downlink, large ones behind them, one queue per flow.
 * Its codel steps in late: windows bound what paced flows have here, and dropping does not make that less. It is
 * for those that windows do not bind.
 */
export function queueObjects(
  settings: ShaperSettings,
  link: LinkFacts,
  framing: Framing,
  kernel: KernelFacts,
  pacing: PacingPlan,
): TcObject[] {
  const dev = pacing.queueDevice;
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec);
  const htbClass = (
    minor: string,
    parent: HtbClass['parent'],
    rate: number,
    ceil: number,
    prio: number,
  ): HtbClass => ({
    type: 'class',
    dev,
    parent,
    classId: `1:${minor}`,
    rateBitPerSec: Math.floor(rate),
    ceilBitPerSec: Math.floor(ceil),
    burstBytes: htbBurstBytes(framing, rate, link.mtuBytes),
    cburstBytes: htbBurstBytes(framing, ceil, link.mtuBytes),
    quantumBytes: htbQuantumBytes(framing, rate, link.mtuBytes),
    prio,
  });
  const parameters = fqCodelParameters(framing, rateBitPerSec, link.mtuBytes);
  const leaf = (minor: string, late: boolean): TcObject => ({
    type: 'qdisc',
    dev,
    parent: `1:${minor}`,
    handle: `${minor}:`,
    spec:
      kernel.leafQdisc === 'sfq'
        ? { kind: 'sfq', limitPackets: 127, quantumBytes: link.mtuBytes + 14, perturbSec: 10 }
        : {
            kind: 'fq_codel',
            ...parameters,
            ...(late
              ? {
                  limitPackets: Math.max(parameters.limitPackets, 1000),
                  quantumBytes: link.mtuBytes + 14,
                  targetUs: Math.max(parameters.targetUs, LATE_TARGET_US),
                  intervalUs: 4 * Math.max(parameters.targetUs, LATE_TARGET_US),
                }
              : {}),
          },
  });
  return [
    {
      type: 'qdisc',
      dev,
      parent: 'root',
      handle: '1:',
      spec: { kind: 'htb', defaultMinor: '20' },
      stab: stabFor(framing, link),
    },
    htbClass('1', '1:', rateBitPerSec, rateBitPerSec, 0),
    htbClass('10', '1:1', rateBitPerSec * 0.3, rateBitPerSec, 0),
    leaf('10', false),
    htbClass('20', '1:1', rateBitPerSec * 0.7, rateBitPerSec * LARGE_SHARE, 1),
    leaf('20', true),
    { type: 'small', dev, parent: '1:', pref: 1, protocol: 'ip', classId: '1:10' },
    { type: 'small', dev, parent: '1:', pref: 2, protocol: 'ipv6', classId: '1:10' },
  ];
}

/** 16 flows with two segments each are 250 ms of a 1750 kbit/s line: codel must leave those alone. */
const LATE_TARGET_US = 500_000;
