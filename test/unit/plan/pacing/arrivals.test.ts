/** What came in, as the pacing program's map holds it. */
import { describe, expect, it } from 'vitest';
import { arrivalsSince, BUCKETS, followingValue } from '../../../../src/plan/pacing/arrivals.ts';
import { BUCKET_LAYOUT, FOLLOWING_LAYOUT } from '../../../../src/plan/pacing/pacingLayout.ts';

const { at, bytes } = BUCKET_LAYOUT;

interface Filled {
  number: number;
  bytes: number;
  packets: number;
  delayUs?: number;
  roundTripUs?: number;
}

function mapOf(filled: readonly Filled[]): Buffer {
  const map = Buffer.alloc(BUCKETS * bytes);
  for (const bucket of filled) {
    const value = map.subarray((bucket.number % BUCKETS) * bytes);
    value.writeBigUInt64LE(BigInt(bucket.number), at.number);
    value.writeBigUInt64LE(BigInt(bucket.bytes), at.bytes);
    value.writeUInt32LE(bucket.packets, at.packets);
    value.writeUInt32LE(bucket.delayUs === undefined ? 0 : 3, at.delays);
    value.writeUInt32LE(bucket.delayUs ?? 0, at.least_delay_us);
    value.writeUInt32LE(bucket.roundTripUs === undefined ? 0 : 1, at.round_trips);
    value.writeUInt32LE(bucket.roundTripUs ?? 0, at.least_round_trip_us);
  }
  return map;
}

describe('the buckets of the map', () => {
  const NOW = 1_000_003;
  it('are given from the one after the last to the one before that which is being filled', () => {
    const map = mapOf([
      { number: NOW - 3, bytes: 9, packets: 9 },
      { number: NOW - 2, bytes: 3000, packets: 2, delayUs: 1500, roundTripUs: 0 },
      { number: NOW - 1, bytes: 60, packets: 1 },
      { number: NOW, bytes: 1, packets: 1 },
    ]);
    expect(arrivalsSince(map, NOW - 3, NOW)).toEqual([
      { number: NOW - 2, bytes: 3000, packets: 2, leastDelayMs: 1.5, leastRoundTripMs: 0 },
      { number: NOW - 1, bytes: 60, packets: 1 },
    ]);
    expect(arrivalsSince(map, NOW - 1, NOW)).toEqual([]);
  });
  it('of an earlier round are empty: nothing has come since', () => {
    const map = mapOf([{ number: NOW - 1 - BUCKETS, bytes: 5000, packets: 4, delayUs: 1 }]);
    expect(arrivalsSince(map, NOW - 2, NOW)).toEqual([{ number: NOW - 1, bytes: 0, packets: 0 }]);
  });
  it('that were overwritten before somebody came to read them are left out', () => {
    const read = arrivalsSince(mapOf([]), NOW - 1000, NOW);
    expect(read.map(({ number }) => number)).toEqual(
      Array.from({ length: BUCKETS - 1 }, (_, n) => NOW - BUCKETS + 1 + n),
    );
  });
});

it('the rate and the time are written where the program reads them', () => {
  const value = followingValue({
    ...{ payloadBytesPerSec: 6_000_000_000.4, plannedBytesPerSec: 7_000_000_000 },
    ...{ queueUs: 9000, forgetBeforeNs: 2n ** 40n },
  });
  expect(value).toHaveLength(FOLLOWING_LAYOUT.bytes);
  expect(value.readBigUInt64LE(FOLLOWING_LAYOUT.at.payload_bytes_per_sec)).toBe(6_000_000_000n);
  expect(value.readBigUInt64LE(FOLLOWING_LAYOUT.at.forget_before_ns)).toBe(2n ** 40n);
  expect(value.readBigUInt64LE(FOLLOWING_LAYOUT.at.planned_bytes_per_sec)).toBe(7_000_000_000n);
  expect(value.readUInt32LE(FOLLOWING_LAYOUT.at.queue_us)).toBe(9000);
});
