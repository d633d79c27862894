import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../../src/relay/scheduler/bucket.ts';

/** Of 100 000 bytes/s, whose burst is 25 ms worth: 2500 bytes. */
const RATE = 100_000;

function spentBucket(rateBytesPerSec = RATE): TokenBucket {
  const bucket = new TokenBucket(rateBytesPerSec, 0);
  bucket.spend(bucket.creditBytes);
  return bucket;
}

describe('credit', () => {
  it('is 25 ms worth at first, and never more, however long nobody sends', () => {
    const bucket = new TokenBucket(RATE, 0);
    expect(bucket.creditBytes).toBe(2500);
    bucket.settle(60_000, false);
    expect(bucket.creditBytes).toBe(2500);
    bucket.spend(1000);
    bucket.settle(60_005, false);
    expect(bucket.creditBytes).toBe(2000);
  });

  it('of the slowest limits is two of the smallest slices', () => {
    expect(new TokenBucket(100, 0).creditBytes).toBe(32);
    expect(new TokenBucket(1280, 0).creditBytes).toBe(32);
    expect(new TokenBucket(1281, 0).creditBytes).toBeCloseTo(32.025, 9);
  });

  it('is kept for a whole segment, or a second, and 10 ms while somebody waits for it', () => {
    for (const [rate, kept] of [
      [512, 517.12],
      [20_000, 1648],
      [140_000, 3500],
    ] as const) {
      const bucket = spentBucket(rate);
      bucket.settle(60_000, true);
      expect(bucket.creditBytes).toBeCloseTo(kept, 6);
      // Nobody waits any more: what there is stays, but does not grow.
      bucket.settle(120_000, false);
      expect(bucket.creditBytes).toBeCloseTo(kept, 6);
    }
  });

  it('comes with the time that passes, and not twice for the same time', () => {
    const bucket = spentBucket();
    bucket.settle(10, false);
    expect(bucket.creditBytes).toBe(1000);
    bucket.settle(10, false);
    expect(bucket.creditBytes).toBe(1000);
  });

  it('does not come from a clock that steps back, until it is where it was', () => {
    const bucket = spentBucket();
    bucket.settle(10, true);
    bucket.settle(4, true);
    expect(bucket.creditBytes).toBe(1000);
    bucket.settle(11, true);
    expect(bucket.creditBytes).toBe(1100);
  });

  it('without a limit is there for everything at any time', () => {
    const bucket = new TokenBucket(Infinity, 5);
    bucket.spend(1e12);
    bucket.settle(6, true);
    expect([bucket.limited, bucket.creditBytes, bucket.capBytes]).toEqual([false, Infinity, Infinity]);
    expect(bucket.readyAtMs(1e12)).toBe(5);
  });
});

describe('lateness', () => {
  /** A timer that comes 100 ms late while bytes wait: 10 000 bytes earned, of which 2500 are kept. */
  function lateBucket(): TokenBucket {
    const bucket = spentBucket();
    bucket.settle(100, true);
    bucket.spend(2500);
    return bucket;
  }

  it('is paid back with 2 % of the rate while bytes wait', () => {
    const bucket = lateBucket();
    bucket.settle(110, true);
    expect(bucket.creditBytes).toBe(1020);
  });

  it('is paid back once, to the last byte', () => {
    const bucket = lateBucket();
    let sent = 0;
    for (let ms = 101; ms <= 10_100; ms++) {
      bucket.settle(ms, true);
      sent += bucket.creditBytes;
      bucket.spend(bucket.creditBytes);
    }
    expect(sent).toBeCloseTo(10 * RATE + 7500, 3);
  });

  it('is not paid back for time in which nobody waited, nor after it', () => {
    const bucket = lateBucket();
    bucket.settle(105, false);
    bucket.spend(bucket.creditBytes);
    bucket.settle(115, true);
    expect(bucket.creditBytes).toBe(1000);

    const idle = spentBucket();
    idle.settle(100, false);
    idle.spend(2500);
    idle.settle(110, true);
    expect(idle.creditBytes).toBe(1000);
  });

  it('of a machine that was suspended counts as one second', () => {
    const bucket = spentBucket();
    bucket.settle(3_600_000, true);
    let more = 0;
    for (let ms = 3_600_001; ms <= 3_720_000; ms++) {
      bucket.spend(bucket.creditBytes);
      bucket.settle(ms, true);
      more += bucket.creditBytes;
    }
    expect(more).toBeCloseTo(121 * RATE, 3);
  });
});

describe('another limit', () => {
  it('counts from now on: what was earned under the old one stays, as far as the new one allows', () => {
    const bucket = spentBucket();
    bucket.setRate(200_000, 10, true);
    expect([bucket.rateBytesPerSec, bucket.creditBytes]).toEqual([200_000, 1000]);
    bucket.settle(15, true);
    expect(bucket.creditBytes).toBe(2000);
    bucket.setRate(20_000, 15, true);
    // A segment and 10 ms.
    expect(bucket.creditBytes).toBe(1648);
  });

  it('forgets what was owed under the old one', () => {
    const bucket = spentBucket();
    bucket.settle(100, true);
    bucket.setRate(RATE, 100, true);
    bucket.spend(bucket.creditBytes);
    bucket.settle(110, true);
    expect(bucket.creditBytes).toBe(1000);
  });

  it('after none begins without a burst, at this moment', () => {
    const bucket = new TokenBucket(Infinity, 0);
    bucket.setRate(RATE, 1000, true);
    expect(bucket.creditBytes).toBe(0);
    bucket.settle(1010, true);
    expect(bucket.creditBytes).toBe(1000);
  });

  it('is lifted at once', () => {
    const bucket = spentBucket();
    bucket.setRate(Infinity, 0, true);
    expect(bucket.creditBytes).toBe(Infinity);
  });
});

it('tells when there will be credit for so many bytes', () => {
  const bucket = spentBucket();
  bucket.settle(10, true);
  expect(bucket.readyAtMs(999)).toBe(10);
  expect(bucket.readyAtMs(1000)).toBe(10);
  expect(bucket.readyAtMs(1500)).toBe(15);
});
