import { expect, it } from 'vitest';
import { pingFigures } from '../../../../src/report/watch/pings.ts';

const HOST = { host: '203.0.113.1', reason: null };
const at = (seconds: number, roundTripMs: number) => ({ atMs: seconds * 1000, roundTripMs });

it('half and most of the last 10 s, and the last one', () => {
  const answers = [at(0, 500), at(9, 30), at(10, 10), at(11, 20)];
  expect(pingFigures(answers, 12_000, HOST)).toEqual({
    ...HOST,
    ...{ nowMs: 20, p50Ms: 20, mostMs: 30, answers: 3 },
  });
});

it('one that came 3 s ago is not now any longer', () => {
  expect(pingFigures([at(9, 30)], 12_000, HOST)).toMatchObject({ nowMs: null, p50Ms: 30, answers: 1 });
});

it('nothing came', () => {
  expect(pingFigures([at(0, 30)], 12_000, { host: null, reason: 'no host' })).toEqual({
    ...{ host: null, reason: 'no host' },
    ...{ nowMs: null, p50Ms: null, mostMs: null, answers: 0 },
  });
});
