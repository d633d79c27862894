import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Holding } from '../../../../src/relay/share/holding.ts';
import { KEEP_MS } from '../../../../src/relay/share/script.ts';

const both = (value: number): { up: number; down: number } => ({ up: value, down: value });
const answer = (share: number, limit: number, relays = 4, weights = 4) => ({
  relays,
  weights,
  share: both(share),
  limit: both(limit),
});

describe('what a relay may send', () => {
  it('its share while the engine answers, its part by weight from 700 ms after the last report that was answered', () => {
    const holding = new Holding();
    expect(holding.answered(answer(900, 1000, 4, 10), 0, 5)).toBe(true);
    expect(holding.at(KEEP_MS - 1, both(1000), 3, 0)).toEqual(both(900));
    expect(holding.at(KEEP_MS, both(1000), 3, 0)).toEqual(both(300));
  });

  it('an answer that comes so late is none', () => {
    const holding = new Holding();
    expect(holding.answered(answer(900, 1000), 0, KEEP_MS)).toBe(false);
    expect(holding.at(KEEP_MS, both(1000), 1, 5)).toEqual(both(200));
  });

  it('without any answer its part of the relays that there are said to be', () => {
    expect(new Holding().at(0, both(1000), 1, 4)).toEqual(both(250));
  });

  it('those that were seen count for 2 s after the engine has forgotten them', () => {
    const holding = new Holding();
    holding.answered(answer(250, 1000, 4, 4), 0, 5);
    holding.answered(answer(250, 1000, 1, 1), 1000, 1005);
    expect(holding.at(1000 + KEEP_MS, both(1000), 1, 0)).toEqual(both(250));
    holding.answered(answer(1000, 1000, 1, 1), 3000, 3005);
    expect(holding.at(3000 + KEEP_MS, both(1000), 1, 0)).toEqual(both(1000));
  });

  it('a limit that is lower than what the engine has heard of counts at once', () => {
    const holding = new Holding();
    holding.answered(answer(900, 1000), 0, 5);
    expect(holding.at(10, both(100), 1, 0)).toEqual(both(100));
  });

  it('is never without a limit where there is one, nor above it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ share: fc.nat(2000), limit: fc.nat(2000), atMs: fc.nat(5000), lateMs: fc.nat(1000) }),
        ),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.nat(1000),
        fc.nat(10_000),
        (answers, limit, weight, atLeast, nowMs) => {
          const holding = new Holding();
          for (const { share, limit: told, atMs, lateMs } of answers)
            holding.answered(answer(share, told, 3, weight + 2), atMs, atMs + lateMs);
          const { up } = holding.at(nowMs, both(limit), weight, atLeast);
          expect(up).toBeGreaterThanOrEqual(1);
          expect(up).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });
});
