import { describe, expect, it } from 'vitest';
import { bucketMostMs, NO_ANSWERS } from '../../../../src/plan/pacing/accounts.ts';
import { answersSince, answerStatistics } from '../../../../src/report/statistics/answers.ts';

const counts = (of: Readonly<Record<number, number>>): number[] =>
  Array.from({ length: 58 }, (_, bucket) => of[bucket] ?? 0);

describe('answer times', () => {
  it('lie within their bucket, evenly', () => {
    // 20.5 to 24.6 ms, and 98.3 to 114.7 ms.
    const { p50Ms, p95Ms, count } = answerStatistics({ sumUs: 0, counts: counts({ 22: 90, 31: 10 }) });
    expect(count).toBe(100);
    expect(bucketMostMs(22)).toBe(24.576);
    expect(p50Ms).toBeCloseTo(20.48 + (4.096 * 50) / 90, 1);
    expect(p95Ms).toBeCloseTo((bucketMostMs(30) + bucketMostMs(31)) / 2, 1);
  });
  it('are not known where there was none', () => {
    expect(answerStatistics(NO_ANSWERS)).toEqual({
      count: 0,
      sumMs: 0,
      p50Ms: null,
      p95Ms: null,
      buckets: [],
    });
  });
  it('that are longer than all buckets are as long as those, at least', () => {
    const { p50Ms, buckets } = answerStatistics({ sumUs: 9e6, counts: counts({ 57: 1 }) });
    expect(p50Ms).toBeCloseTo(8388.6);
    expect(buckets).toEqual([{ mostMs: null, count: 1 }]);
  });
  it('since a reading are those that it did not have', () => {
    const before = answerStatistics({ sumUs: 20_000, counts: counts({ 1: 20 }) });
    const now = answerStatistics({ sumUs: 140_000, counts: counts({ 1: 20, 22: 4 }) });
    const { count, sumMs, p50Ms } = answersSince(before, now);
    expect({ count, sumMs }).toEqual({ count: 4, sumMs: 120 });
    expect(p50Ms).toBeGreaterThan(20);
    expect(answersSince(undefined, now).count).toBe(24);
  });
});
