/** Rates follow from two readings of the same counters, and from nothing else. */
import { describe, expect, it } from 'vitest';
import { figuresOf, type WatchReading } from '../../../../src/report/watch/figures.ts';
import { someStatistics, type Line } from '../someStatistics.ts';

/** 1 % of 1000, 2000 and 3000 packets of 500 bytes, in half a second. */
const UP_BIT_PER_SEC = (6000 * 0.01 * 500 * 8) / 0.5;

/** Floating point. */
const near = (value: number, digits = 2): number => expect.closeTo(value, digits) as number;

const reading = (times: number, atMs: number, line: Line = {}): WatchReading => ({
  ...{ device: 'ppp0', atMs, conditions: [], isWhole: true },
  statistics: someStatistics({ ...line, times }),
});

type Figures = NonNullable<ReturnType<typeof figuresOf>['line']>;

/** By the name of the class: there may be more of them one day. */
const byClass = <T>(
  line: Figures | null | undefined,
  of: (each: Figures['classes'][number]) => T,
): Record<string, T> => Object.fromEntries((line?.classes ?? []).map((each) => [each.class, of(each)]));

describe('from one reading to the next', () => {
  // 1 % of the counters in half a second.
  const { line, overMs } = figuresOf(reading(1, 1000), reading(1.01, 1500));
  it('what the line carries, framing included', () => {
    expect(overMs).toBe(500);
    expect(line?.up).toEqual({
      setBitPerSec: 210_000,
      nowBitPerSec: near(UP_BIT_PER_SEC, -1),
      isEstimated: false,
    });
    expect(line?.down).toMatchObject({ setBitPerSec: 1_710_000, isEstimated: false });
  });
  it('classes, stages, the local queue, pacing', () => {
    expect(byClass(line, ({ droppedPerSec }) => Math.round((droppedPerSec ?? 0) * 10))).toMatchObject({
      interactive: 2,
      normal: 4,
      bulk: 6,
    });
    expect(line?.stages?.map(({ seenPerSec }) => Math.round(seenPerSec ?? 0))).toEqual([160, 14, 10]);
    expect(line?.queue).toMatchObject({
      backlogPackets: 4,
      backlogBytes: 4000,
      passedPerSec: near(100),
    });
    expect(line?.pacing).toMatchObject({ activeFlows: 3.5, rttMs: 41.5, loweredPerSec: near(50) });
  });
});

it('where nothing counts framing, it is reckoned from bytes and packets, and said', () => {
  const policed: Line = { options: { pacing: 'off' }, ingress: 'police' };
  const { line } = figuresOf(reading(1, 0, policed), reading(1.01, 1000, policed));
  // 90 packets/s of 505 bytes each: 545 with the overhead are 12 cells.
  expect(line?.down).toEqual({
    setBitPerSec: 1_710_000,
    nowBitPerSec: near(90 * 12 * 53 * 8, -3),
    isEstimated: true,
  });
  const idle = figuresOf(reading(1, 0, policed), reading(1, 1000, policed));
  expect(idle.line?.down.nowBitPerSec).toBe(0);
});

it.each<[string, WatchReading | undefined]>([
  ['the first reading', undefined],
  ['queues made anew: counters go back', reading(2, 0)],
  ['no time has passed', reading(1, 1000)],
  ['nothing was in force', { ...reading(1, 0), statistics: undefined }],
  ['another device', { ...reading(1, 0), device: 'eth1' }],
])('no rate after: %s', (_, before) => {
  const { line, overMs } = figuresOf(before, reading(1, 1000));
  expect(overMs).toBeNull();
  expect([line?.up.nowBitPerSec, line?.down.nowBitPerSec]).toEqual([null, null]);
  expect(new Set(line?.classes.map(({ nowBitPerSec }) => nowBitPerSec))).toEqual(new Set([null]));
  // Levels are known all the same.
  const backlogs = byClass(line, ({ backlogPackets }) => backlogPackets);
  expect(backlogs).toMatchObject({ interactive: 0, normal: 3, bulk: 12 });
});

it('nothing in force: no figures', () => {
  expect(figuresOf(reading(1, 0), { ...reading(1, 1000), statistics: undefined, isWhole: false })).toEqual({
    ...{ device: 'ppp0', isWhole: false, overMs: null, line: null, ping: null, conditions: [] },
  });
});
