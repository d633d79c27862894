/** One of anything is told in the singular, wherever a count stands before its noun. */
import { describe, expect, it } from 'vitest';
import { statisticsText } from '../../../src/report/statistics/statistics.ts';
import { figuresOf } from '../../../src/report/watch/figures.ts';
import { screen } from '../../../src/report/watch/screen.ts';
import { someStatistics, type Line } from './someStatistics.ts';

/** Every number in it is a one. */
function allOnes<Of>(value: Of): Of {
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => (typeof each === 'number' ? 1 : each)) as Of;
}

const ONE_OF_MANY = /(?<![\d.,])1 (?:small )?(?!ms\b)[a-z]+s\b/g;

describe.each([
  ['paced', {}],
  ['policed', { options: { pacing: 'off' }, ingress: 'police' }],
  ['shaped by a queue', { ingress: 'cake' }],
] satisfies [string, Line][])('a line that is %s', (_, line) => {
  const statistics = someStatistics(line);
  it('in what inetgw DEV tells', () => {
    const text = statisticsText(allOnes(statistics));
    expect(text).toMatch(/\b1 packet\b/);
    expect(text.match(ONE_OF_MANY)).toBeNull();
  });

  it('on the screen of inetgw watch', () => {
    const reading = { device: 'ppp0', conditions: [], isWhole: true, statistics };
    const figures = figuresOf({ ...reading, atMs: 0 }, { ...reading, atMs: 1000 });
    const options = {
      columns: 200,
      colour: false,
      sort: 'u',
      hostSort: 'T',
      help: false,
      keys: false,
    } as const;
    const text = screen(allOnes(figures), options).join('\n');
    expect(text).toContain('1');
    expect(text.match(ONE_OF_MANY)).toBeNull();
  });
});
