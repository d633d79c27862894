import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  quantile,
  sideOfLimit,
  standardError,
  summarize,
  trend,
} from '../../../../src/line/samples/statistics.ts';

const values = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('summaries', () => {
  it('gives what a person computes by hand', () => {
    expect(summarize([30, 10, 20, 40])).toEqual({
      count: 4,
      min: 10,
      avg: 25,
      median: 25,
      p95: 38.5,
      max: 40,
    });
    expect(summarize([])).toBeUndefined();
  });

  it('keeps min ≤ median ≤ p95 ≤ max and the average between the ends', () => {
    fc.assert(
      fc.property(values, (list) => {
        const summary = summarize(list);
        if (summary === undefined) throw new Error('no summary');
        expect(summary.min).toBeLessThanOrEqual(summary.median);
        expect(summary.median).toBeLessThanOrEqual(summary.p95);
        expect(summary.p95).toBeLessThanOrEqual(summary.max);
        expect(summary.avg).toBeGreaterThanOrEqual(summary.min - 1e-9);
        expect(summary.avg).toBeLessThanOrEqual(summary.max + 1e-9);
      }),
    );
  });

  it('reads quantiles between two ranks', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
  });
});

describe('how sure an average is', () => {
  it('counts answers that follow a slow wave as fewer than independent ones', () => {
    const wave = Array.from({ length: 100 }, (_, index) => 50 + 20 * Math.sin(index / 16));
    const mixed = wave.map((_, index) => wave[(index * 37) % 100] ?? 0);
    expect(standardError(wave)).toBeGreaterThan(2 * standardError(mixed));
  });

  it('leaves open what lies close to the limit, and decides what is far from it', () => {
    const around = (centre: number): number[] => Array.from({ length: 20 }, (_, i) => centre + (i % 5) - 2);
    expect(sideOfLimit(around(40), 100, 2.6)).toBe('below');
    expect(sideOfLimit(around(400), 100, 2.6)).toBe('above');
    expect(sideOfLimit(around(98), 100, 2.6)).toBe('open');
    expect(sideOfLimit([1], 100, 2.6)).toBe('open');
  });
});

describe('trend', () => {
  it('finds a queue that fills by 30 ms a second under noise', () => {
    const points = Array.from({ length: 25 }, (_, i) => ({ x: i * 200, y: 20 + i * 6 + ((i * 7) % 5) }));
    const { rise, sigmas } = trend(points);
    expect(rise).toBeGreaterThan(130);
    expect(rise).toBeLessThan(160);
    expect(sigmas).toBeGreaterThan(10);
  });

  it('sees none in answers that only scatter', () => {
    const points = Array.from({ length: 25 }, (_, i) => ({ x: i * 200, y: 20 + ((i * 7) % 5) }));
    expect(Math.abs(trend(points).sigmas)).toBeLessThan(2);
  });
});
