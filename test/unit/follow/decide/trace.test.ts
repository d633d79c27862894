/** Recorded samples, and that replaying them decides the same. */
import { expect, test } from 'vitest';
import {
  parseTrace,
  parseTraces,
  replay,
  traceLine,
  type TraceHead,
} from '../../../../src/follow/decide/trace.ts';
import { follow, LIMITS } from './fluidLine.ts';

const HEAD: TraceHead = {
  ...{ format: 'inetgw-trace', version: 1, limits: LIMITS },
  ...{ downBitPerSec: 20e6, upBitPerSec: 5e6 },
};

const lived = follow(
  {
    downBitPerSec: (atMs) => (atMs < 2000 ? 20e6 : 5e6),
    upBitPerSec: () => 3e6,
    isLoaded: (atMs) => atMs < 6000,
  },
  8000,
);
const text = [HEAD, ...lived.map(({ sample }) => sample)].map(traceLine).join('');

test('a trace that is replayed decides what was decided', () => {
  expect(replay(parseTrace(text))).toEqual(lived.map(({ decision }) => decision));
});

test('one that was cut off is a trace up to its last whole line', () => {
  expect(parseTrace(text.slice(0, -5)).samples).toEqual(lived.slice(0, -1).map(({ sample }) => sample));
});

test('a device that was set up anew begins another', () => {
  const other = { ...HEAD, downBitPerSec: 10e6 };
  const traces = parseTraces(text + traceLine(other) + text);
  expect(traces.map(({ head, samples }) => [head.downBitPerSec, samples.length])).toEqual([
    ...[[20e6, lived.length]],
    ...[[10e6, 0]],
    ...[[20e6, lived.length]],
  ]);
  expect(parseTrace(text + traceLine(other)).head).toEqual(other);
});

test.each([
  ['nothing', '', /line 1/],
  ['another version', traceLine({ ...HEAD, version: 2 } as unknown as TraceHead), /line 1/],
  ['no rate', traceLine({ ...HEAD, downBitPerSec: 0 }), /line 1/],
  ['no JSON', `${traceLine(HEAD)}{\n`, /line 2 is no JSON/],
  ['no sample', `${traceLine(HEAD)}{"atMs":1}\n`, /line 2 is no sample/],
] as const)('what is no trace is refused with its line: %s', (_, wrong, message) => {
  expect(() => parseTrace(wrong)).toThrow(message);
});
