/** Puts a plan's numbers into the pacing program's object file. Pure. */
import type { PacingConfig } from './pacing.ts';

/** Begins `struct config` in bpf/pacing.c, and occurs nowhere else. */
const MAGIC = 'inetgw-pacing-1\0';
/** Offsets behind the magic. */
const FIELD = {
  payloadBytesPerSec: 16,
  queueUs: 24,
  linkHeaderBytes: 28,
  defaultMssBytes: 32,
  maxRttUs: 36,
  minSegments: 40,
  mostQueueUs: 44,
} as const satisfies Record<keyof PacingConfig, number>;

/** As the maps are named in the object file; the zeros are replaced by the plan's suffix. */
const MAP_PREFIXES = ['igf_', 'igs_'] as const;
const SUFFIX_PLACEHOLDER = '00000000';

/** The maps of a device, as they are named below /sys/fs/bpf. */
export function mapNames(mapSuffix: string): string[] {
  return MAP_PREFIXES.map((prefix) => `${prefix}${mapSuffix}`);
}

export const stateMapName = (mapSuffix: string): string => `igs_${mapSuffix}`;

/** `struct state` in bpf/pacing.c. */
export const STATE_BYTES = 56;
const STATE = { epochNs: 0, weightBefore: 16, joined: 20, lastWindowBytes: 48, lastRttUs: 52 } as const;
/** What one flow counts for that takes its full share. */
const WEIGHT_ONE = 256;
/** The program's epochs last a second; what is older than two has ended. */
const STALE_NS = 2_000_000_000n;

export interface PacingState {
  /** Flows that take their full share; one that takes less counts for less. */
  activeFlows: number;
  /** The window that was last written, and the round trip of that flow; 0: none so far. */
  windowBytes: number;
  rttMs: number;
}

/** @param nowNs CLOCK_MONOTONIC, as the program's own clock */
export function parsePacingState(value: Buffer, nowNs: bigint): PacingState {
  const stale = nowNs - value.readBigUInt64LE(STATE.epochNs) > STALE_NS;
  const weight = value.readUInt32LE(STATE.weightBefore) + value.readUInt32LE(STATE.joined);
  return {
    activeFlows: stale ? 0 : Math.round((weight / WEIGHT_ONE) * 10) / 10,
    windowBytes: value.readUInt32LE(STATE.lastWindowBytes),
    rttMs: value.readUInt32LE(STATE.lastRttUs) / 1000,
  };
}

/**
 * The object file with configuration and map names set. Throws an Error if it is not the file that this version
 * of inetgw was built with.
 */
export function configuredObject(template: Uint8Array, config: PacingConfig, mapSuffix: string): Buffer {
  const object = Buffer.from(template);
  const at = object.indexOf(MAGIC);
  if (at < 0 || object.indexOf(MAGIC, at + 1) >= 0)
    throw new Error('the pacing program has no place for its settings');
  if (mapSuffix.length !== SUFFIX_PLACEHOLDER.length) throw new Error(`'${mapSuffix}' is no suffix of a map`);
  const { payloadBytesPerSec, ...words } = config;
  object.writeBigUInt64LE(BigInt(payloadBytesPerSec), at + FIELD.payloadBytesPerSec);
  for (const [name, value] of Object.entries(words) as [keyof typeof words, number][]) {
    object.writeUInt32LE(value, at + FIELD[name]);
  }
  for (const prefix of MAP_PREFIXES) {
    const name = `${prefix}${SUFFIX_PLACEHOLDER}`;
    let found = object.indexOf(name);
    if (found < 0) throw new Error(`the pacing program has no map ${name}`);
    for (; found >= 0; found = object.indexOf(name, found + 1))
      object.write(mapSuffix, found + prefix.length, 'ascii');
  }
  return object;
}
