import { expect, test } from 'vitest';
import { decide, startFollowing } from '../../../../src/follow/decide/decide.ts';
import { decisionText } from '../../../../src/follow/decide/decisionText.ts';
import { LIMITS } from './fluidLine.ts';

test('a rate that changes is told with why, one that stays is not', () => {
  const before = startFollowing({ downBitPerSec: 20e6, upBitPerSec: 5e6 }, 0);
  const sample = {
    atMs: 50,
    spanMs: 50,
    downBitPerSec: 10e6,
    upBitPerSec: 0,
    downQueueMs: 60,
    roundTripMs: 60,
  };
  const { decision } = decide(before, sample, LIMITS);
  expect(decisionText(before, decision, sample)).toMatch(/^down 20 Mbit\/s → .* a queue stands .*\(60 ms\)$/);
  const idle = { atMs: 50, spanMs: 50, downBitPerSec: 0, upBitPerSec: 0 };
  expect(decisionText(before, decide(before, idle, LIMITS).decision, idle)).toBeUndefined();
});
