/** What the pacing program tells of what comes in, and how it is told another rate: bpf/delay.h and bpf/follow.h. Pure. */
import { BUCKET_LAYOUT, FOLLOWING_LAYOUT } from './pacingLayout.ts';

/** The map of buckets, and the one with the rate. */
export const bucketsMapName = (mapSuffix: string): string => `igb_${mapSuffix}`;
export const followingMapName = (mapSuffix: string): string => `igr_${mapSuffix}`;

/** As bpf/delay.h has them. */
export const BUCKET_MS = 50;
export const BUCKETS = 64;

/** What came in during 50 ms. */
export interface Arrivals {
  /** Of the bucket, counted from the beginning of the kernel's monotonic clock. */
  number: number;
  /** Of all protocols, as long as the device counts them. */
  bytes: number;
  /** About as many as there were on the line. */
  packets: number;
  /** By how much the least late segment was later than it can be; undefined: there was none whose clock is known. */
  leastDelayMs?: number;
  /** The same of round trips of connections that receive. */
  leastRoundTripMs?: number;
}

/**
 * The whole buckets, oldest first: from after `after` to the one that ended last.
 * @param values the map's, one after another, BUCKETS × BUCKET_LAYOUT.bytes
 * @param nowNumber the bucket that is being filled
 */
export function arrivalsSince(values: Buffer, after: number, nowNumber: number): Arrivals[] {
  const from = Math.max(after + 1, nowNumber - BUCKETS + 1);
  const count = Math.max(0, nowNumber - from);
  return Array.from({ length: count }, (_, n) => arrivalsIn(values, from + n));
}

const { at } = BUCKET_LAYOUT;

function arrivalsIn(values: Buffer, number: number): Arrivals {
  const value = values.subarray((number % BUCKETS) * BUCKET_LAYOUT.bytes);
  // Nothing has come: it is still that of an earlier round.
  if (value.readBigUInt64LE(at.number) !== BigInt(number)) return { number, bytes: 0, packets: 0 };
  const leastMs = (count: number, least: number): number | undefined =>
    value.readUInt32LE(count) === 0 ? undefined : value.readUInt32LE(least) / 1000;
  const leastDelayMs = leastMs(at.delays, at.least_delay_us);
  const leastRoundTripMs = leastMs(at.round_trips, at.least_round_trip_us);
  return {
    number,
    bytes: Number(value.readBigUInt64LE(at.bytes)),
    packets: value.readUInt32LE(at.packets),
    ...(leastDelayMs === undefined ? {} : { leastDelayMs }),
    ...(leastRoundTripMs === undefined ? {} : { leastRoundTripMs }),
  };
}

/** What is written into the map of the rate. */
export interface Following {
  /** In place of the plan's; 0: that. */
  payloadBytesPerSec: number;
  /** The plan's own, for which it is said: the program goes by the next plan until it is told of that. */
  plannedBytesPerSec: number;
  /** What a flow may have in the local queue at that rate, in place of the plan's. */
  queueUs: number;
  /** Least delays known before this time of the kernel's monotonic clock are forgotten; 0: none. */
  forgetBeforeNs: bigint;
}

export function followingValue(following: Following): Buffer {
  const { at } = FOLLOWING_LAYOUT;
  const value = Buffer.alloc(FOLLOWING_LAYOUT.bytes);
  value.writeBigUInt64LE(BigInt(Math.round(following.payloadBytesPerSec)), at.payload_bytes_per_sec);
  value.writeBigUInt64LE(BigInt(following.plannedBytesPerSec), at.planned_bytes_per_sec);
  value.writeBigUInt64LE(following.forgetBeforeNs, at.forget_before_ns);
  value.writeUInt32LE(following.queueUs, at.queue_us);
  return value;
}
