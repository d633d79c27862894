import { describe, expect, it } from 'vitest';
import { AnswerSpan } from '../../../../src/report/watch/answerSpan.ts';
import { figuresOf, type WatchReading } from '../../../../src/report/watch/figures.ts';
import { withNames } from '../../../../src/report/watch/hosts.ts';
import { hostName } from '../../../../src/report/statistics/hostName.ts';
import { screen, type ScreenOptions } from '../../../../src/report/watch/screen.ts';
import { someStatistics, type Line } from '../someStatistics.ts';

const reading = (times: number, atMs: number, line: Line = {}): WatchReading => ({
  ...{ device: 'ppp0', atMs, conditions: [], isWhole: true },
  statistics: someStatistics({ ...line, times }),
});

describe('hosts between two readings', () => {
  it('have rates of what was added, and whoever takes most comes first', () => {
    const [one, other] = figuresOf(reading(1, 0), reading(2, 1000)).line?.hosts ?? [];
    expect(one).toMatchObject({
      ...{ addresses: ['192.168.1.20'], downBitPerSec: 2_400_000, upBitPerSec: 32_000 },
      ...{ flows: 2, activeFlows: 1 },
    });
    expect(other).toMatchObject({ number: 7, addresses: [], downBitPerSec: 160_000, upBitPerSec: 800_000 });
  });
  it('have no rates at first', () => {
    const [host] = figuresOf(undefined, reading(1, 0)).line?.hosts ?? [];
    expect(host).toMatchObject({ downBitPerSec: null, upBitPerSec: null, answers: null });
  });
  it('have the answer times that were added since the reading that is named', () => {
    const [host] = figuresOf(reading(2, 9000), reading(3, 10_000), reading(1, 0)).line?.hosts ?? [];
    expect(host?.answers?.count).toBe(60);
    expect(host?.answers?.p50Ms).toBeGreaterThan(20);
  });
  it('cannot be told where connections share', () => {
    const line = { options: { fair: 'flow' } } as const;
    expect(figuresOf(reading(1, 0, line), reading(2, 1000, line)).line?.hosts).toBeNull();
  });
});

it('hosts have their names beside the address, for whoever asks for names', () => {
  const figures = figuresOf(reading(1, 0), reading(2, 1000));
  const named = withNames(figures, new Map([['192.168.1.20', 'a-phone-with-a-rather-long-name']]));
  expect(figures.line?.hosts?.map(({ name }) => name)).toEqual([null, null]);
  expect(named.line?.hosts?.map(({ name }) => name)).toEqual(['a-phone-with-a-rather-long-name', null]);
  expect(named.line?.hosts?.map(hostName)).toEqual(['a-phone-with-a-rather-l… 192.168.1.20', 'host 7']);
  expect(withNames(figures, undefined)).toBe(figures);
});

it('hosts by the key that was pressed', () => {
  const figures = figuresOf(reading(1, 0), reading(2, 1000));
  const options: ScreenOptions = {
    ...{ columns: 80, colour: false, sort: 'u', hostSort: 'T', help: false, keys: true },
  };
  const order = (hostSort: ScreenOptions['hostSort']): string[] =>
    screen(figures, { ...options, hostSort }).flatMap(
      (line) => /^(?:192\.168\.1\.20|host 7)\b/.exec(line) ?? [],
    );
  expect(order('D')).toEqual(['192.168.1.20', 'host 7']);
  expect(order('U')).toEqual(['host 7', '192.168.1.20']);
  expect(order('A')).toEqual(['host 7', '192.168.1.20']);
});

it('answer times are those of 10 s, or of all there is', () => {
  const span = new AnswerSpan();
  const all = Array.from({ length: 15 }, (_, n) => reading(n + 1, n * 1000));
  expect(all.map((each) => span.take(each)?.atMs)).toEqual([
    ...[undefined, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ...[1000, 2000, 3000, 4000],
  ]);
});
