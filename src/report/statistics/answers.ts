/** Answer times: counts in buckets, and what half and 95 of 100 took at most. Pure. */
import { bucketMostMs, type Answers } from '../../plan/pacing/accounts.ts';

export interface AnswerStatistics {
  count: number;
  sumMs: number;
  /** Null: there was none. Known to an eighth or better. */
  p50Ms: number | null;
  p95Ms: number | null;
  /** Those that are not empty, the shortest first; `mostMs` null: longer than all others. */
  buckets: AnswerBucket[];
}

export interface AnswerBucket {
  mostMs: number | null;
  count: number;
}

export function answerStatistics({ sumUs, counts }: Answers): AnswerStatistics {
  const buckets = counts.flatMap((count, n) => {
    const mostMs = bucketMostMs(n);
    return count === 0 ? [] : [{ mostMs: Number.isFinite(mostMs) ? mostMs : null, count }];
  });
  return { ...summary(buckets), sumMs: sumUs / 1000, buckets };
}

function summary(buckets: readonly AnswerBucket[]) {
  return {
    count: buckets.reduce((sum, { count }) => sum + count, 0),
    p50Ms: quantile(buckets, 0.5),
    p95Ms: quantile(buckets, 0.95),
  };
}

/** What was added since `before`, of the same counters. */
export function answersSince(before: AnswerStatistics | undefined, now: AnswerStatistics): AnswerStatistics {
  const earlier = new Map(before?.buckets.map(({ mostMs, count }) => [mostMs, count]));
  const buckets = now.buckets.flatMap(({ mostMs, count }) => {
    const added = count - (earlier.get(mostMs) ?? 0);
    return added > 0 ? [{ mostMs, count: added }] : [];
  });
  return { ...summary(buckets), sumMs: Math.max(0, now.sumMs - (before?.sumMs ?? 0)), buckets };
}

/** Within its bucket they are taken to lie evenly; null: there are none. */
function quantile(buckets: readonly AnswerBucket[], share: number): number | null {
  const wanted = share * buckets.reduce((sum, { count }) => sum + count, 0);
  let passed = 0;
  for (const { mostMs, count } of buckets) {
    if (passed + count >= wanted && count > 0) {
      const leastMs = leastOf(mostMs);
      return rounded(mostMs === null ? leastMs : leastMs + ((mostMs - leastMs) * (wanted - passed)) / count);
    }
    passed += count;
  }
  return null;
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

/** The most of the bucket before. */
function leastOf(mostMs: number | null): number {
  let leastMs = 0;
  for (let bucket = 0; bucketMostMs(bucket) < (mostMs ?? Infinity); bucket++) leastMs = bucketMostMs(bucket);
  return leastMs;
}
