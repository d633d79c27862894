import { expect, test } from 'vitest';
import { followingLines } from '../../../../src/report/statistics/following.ts';

const LIMITS = {
  down: { leastBitPerSec: 3e6, mostBitPerSec: 20e6 },
  up: { leastBitPerSec: 5e6, mostBitPerSec: 5e6 },
};

test('the direction that follows is told with the rate in force, why and since when', () => {
  const down = { bitPerSec: 9_700_000, phase: 'hold', since: '2026-01-02T03:04:05.000Z' } as const;
  expect(followingLines({ limits: LIMITS, pid: 7, down, up: { ...down, bitPerSec: 5e6 } })).toEqual([
    'follows: down within 3000 kbit/s to 20 Mbit/s: 9700 kbit/s now, a queue is gone, just below what the line carried, since 2026-01-02T03:04:05.000Z',
  ]);
});
test('without a service it is said how to start one', () => {
  expect(followingLines({ limits: LIMITS, pid: null }).at(-1)).toMatch(/start inetgw serve$/);
});
