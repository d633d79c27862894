/** Puts a plan's numbers into the pacing program's object file. Pure. */
import type { PacingConfig } from './pacing.ts';
import { CONFIG_LAYOUT, STATE_LAYOUT } from './pacingLayout.ts';

/** Begins `struct config` in bpf/config.h, and occurs nowhere else. */
const MAGIC = 'inetgw-pacing-1\0';
/** The fields of a plan's settings as `struct config` names them. */
const FIELD = {
  payloadBytesPerSec: 'payload_bytes_per_sec_lo',
  queueUs: 'queue_us',
  linkHeaderBytes: 'link_header',
  defaultMssBytes: 'default_mss',
  maxRttUs: 'max_rtt_us',
  minSegments: 'min_segments',
  mostQueueUs: 'most_queue_us',
  byHost: 'by_host',
  numberedPriority: 'numbered',
  synPriority: 'syn_class',
  lineBytesPerSec: 'line_bytes_per_sec',
  overheadBytes: 'overhead',
  cells: 'cells',
  rebuilt: 'rebuilt',
  follows: 'follows',
} as const satisfies Record<keyof PacingConfig, keyof typeof CONFIG_LAYOUT.at>;

const placeOf = (name: keyof PacingConfig): number => CONFIG_LAYOUT.at[FIELD[name]];

/** As the maps are named in the object file; the zeros are replaced by the plan's suffix. */
const MAP_PREFIXES = [
  'igf_',
  'igs_',
  'igh_',
  'igb_',
  'igc_',
  'igr_',
  'igt_',
  'iga_',
  'igu_',
  'igx_',
] as const;
const SUFFIX_PLACEHOLDER = '00000000';

/** The maps of a device, as they are named below /sys/fs/bpf. */
export function mapNames(mapSuffix: string): string[] {
  return MAP_PREFIXES.map((prefix) => `${prefix}${mapSuffix}`);
}

export const stateMapName = (mapSuffix: string): string => `igs_${mapSuffix}`;

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

/**
 * @param value `struct state` in bpf/flow.h, whole
 * @param nowNs CLOCK_MONOTONIC, as the program's own clock
 */
export function parsePacingState(value: Buffer, nowNs: bigint): PacingState {
  const { at } = STATE_LAYOUT;
  const stale = isStale(value, nowNs);
  const weight = value.readUInt32LE(at.weight_before) + value.readUInt32LE(at.joined);
  return {
    activeFlows: stale ? 0 : Math.round((weight / WEIGHT_ONE) * 10) / 10,
    windowBytes: value.readUInt32LE(at.last_window),
    rttMs: value.readUInt32LE(at.last_rtt_us) / 1000,
  };
}

const isStale = (value: Buffer, nowNs: bigint): boolean =>
  nowNs - value.readBigUInt64LE(STATE_LAYOUT.at.epoch_ns) > STALE_NS;

/** Whether something went in this epoch, the one in force or the one before; parameters as above. */
export function activeEpochs(value: Buffer, nowNs: bigint): (epoch: number) => boolean {
  if (isStale(value, nowNs)) return () => false;
  const now = value.readUInt32LE(STATE_LAYOUT.at.epoch);
  return (epoch) => epoch !== 0 && now - epoch <= 1;
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
  object.writeBigUInt64LE(BigInt(payloadBytesPerSec), at + placeOf('payloadBytesPerSec'));
  for (const [name, value] of Object.entries(words) as [keyof typeof words, number][]) {
    object.writeUInt32LE(value, at + placeOf(name));
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
