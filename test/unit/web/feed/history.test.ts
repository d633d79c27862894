/** History is bounded, whatever the clock does, and survives a restart. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histories, historyFileText, parseHistoryFile } from '../../../../src/web/feed/histories.ts';
import { History, type Point } from '../../../../src/web/feed/history.ts';
import type { Snapshot } from '../../../../src/web/feed/snapshot.ts';
import { someSnapshot } from '../someSnapshot.ts';

const START_MS = Date.parse('2026-11-27T12:00:00Z');
const point = (atMs: number, downBitPerSec: number | null = 1e6, overMs = 1000): Point => ({
  ...{ atMs, overMs, upBitPerSec: 1e5, downBitPerSec, upSetBitPerSec: 2e5, downSetBitPerSec: 2e6 },
  rttMs: 20,
});

function historyOf(points: readonly Point[]): History {
  const history = new History('ppp0');
  for (const each of points) history.add(each);
  return history;
}

describe('a day of samples, one a second for the last hour', () => {
  const points = [
    ...Array.from({ length: (23 * 3600) / 5 }, (_, n) => point(START_MS + n * 5000)),
    ...Array.from({ length: 3600 }, (_, n) => point(START_MS + 23 * 3_600_000 + n * 1000)),
    // And a second of the next day.
    point(START_MS + 86_400_000),
  ];
  const { seconds, minutes } = historyOf(points).toJSON();

  it('keeps ten minutes by seconds and 24 hours by minutes', () => {
    expect([seconds.atMs.length, seconds.atMs[0]]).toEqual([601, START_MS + 86_400_000 - 600_000]);
    expect([minutes.atMs.length, minutes.atMs[0]]).toEqual([1441, START_MS]);
  });

  it('takes less than 200 kB in the file', () => {
    expect(JSON.stringify({ seconds, minutes }).length).toBeLessThan(200_000);
  });
});

it('a minute has the mean of its samples by how long they are, and the most of them', () => {
  const { minutes } = historyOf([
    point(START_MS + 5000, 1e6, 5000),
    point(START_MS + 6000, 4e6, 1000),
    point(START_MS + 7000, null, 0),
  ]).toJSON();
  expect([minutes.downBitPerSec, minutes.downMostBitPerSec]).toEqual([[1.5e6], [4e6]]);
});

it('times rise and memory is bounded, whatever the clock does', () => {
  const steps = fc.array(fc.integer({ min: -100_000_000, max: 100_000_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (changes) => {
      let atMs = START_MS;
      const history = historyOf(changes.map((change) => point((atMs += change))));
      for (const { atMs: times } of [history.toJSON().seconds, history.toJSON().minutes])
        expect([...new Set(times)].toSorted((a, b) => a - b)).toEqual(times);
      expect(history.toJSON().seconds.atMs.at(-1)).toBe(changes.length === 0 ? undefined : atMs);
    }),
  );
  const fast = historyOf(Array.from({ length: 2000 }, (_, n) => point(START_MS + n)));
  expect(fast.toJSON().seconds.atMs.length).toBe(700);
});

describe('the file', () => {
  const histories = new Histories();
  for (let n = 1; n < 100; n++) histories.add(someSnapshot(START_MS + n * 1000));
  histories.decide({ kind: 'decision', device: 'ppp0', atMs: START_MS, text: 'down 20 Mbit/s → 4 Mbit/s' });
  const text = historyFileText(histories);

  it('has all that is known', () => {
    expect(parseHistoryFile(text).all()).toEqual(histories.all());
    expect(histories.get('ppp0')?.seconds.atMs.length).toBe(99);
  });

  it('that is cut, edited or of another program is no file, or what is right in it', () => {
    expect(parseHistoryFile(text.slice(0, 1000)).all()).toEqual([]);
    expect(parseHistoryFile('{"format":"inetgw-history","version":2,"devices":[]}').all()).toEqual([]);
    const [device] = histories.all();
    const seconds = { ...device?.seconds, rttMs: ['<script>', null] };
    const edited = { format: 'inetgw-history', version: 1, devices: [null, 7, { ...device, seconds }] };
    const [read] = parseHistoryFile(JSON.stringify(edited)).all();
    expect(read?.seconds.rttMs.every((each) => each === null)).toBe(true);
    expect(read?.minutes).toEqual(device?.minutes);
  });
});

it('many devices do not take memory without end, and one of yesterday is forgotten', () => {
  const histories = new Histories();
  const of = (device: string, atMs: number): Snapshot => {
    const [known] = someSnapshot(atMs).devices;
    return { kind: 'snapshot', atMs, devices: known === undefined ? [] : [{ ...known, device }] };
  };
  for (let n = 0; n < 100; n++) histories.add(of(`wan${String(n)}`, START_MS + n));
  expect(histories.all().length).toBe(32);
  histories.add(of('ppp0', START_MS + 90_000_000));
  histories.add(of('ppp0', START_MS + 90_001_000));
  expect(histories.all().map(({ device }) => device)).toEqual(['ppp0']);
});
