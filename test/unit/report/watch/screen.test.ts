/** The screen of `inetgw watch`, to the letter at three widths, and within its terminal at any. */
import fc from 'fast-check';
import truncatedWidth from 'fast-string-truncated-width';
import { describe, expect, it } from 'vitest';
import type { FoundCondition } from '../../../../src/conditions/condition.ts';
import { figuresOf, type Figures } from '../../../../src/report/watch/figures.ts';
import { screen, type ScreenOptions } from '../../../../src/report/watch/screen.ts';
import type { PingFigures } from '../../../../src/report/watch/pings.ts';
import { someStatistics, type Line } from '../someStatistics.ts';

const LOWERED: FoundCondition = {
  ...{ id: 'mtu-lowered', severity: 'warning' },
  ...{
    text: 'the MTU is 1400, it was 1492 when ppp0 was set up',
    remedy: 'set it up again: inetgw ppp0 UP DOWN',
  },
};
const OPTIONS: ScreenOptions = {
  columns: 80,
  rows: 24,
  colour: false,
  sort: 'u',
  hostSort: 'T',
  help: false,
  keys: true,
};

/** Where nothing but a queue shapes, none is sent in the golden screens. */
const PING: PingFigures = {
  ...{ host: '203.0.113.1', nowMs: 12.3, p50Ms: 12.1, mostMs: 34, answers: 10, reason: null },
};

function figures(
  line: Line = {},
  conditions: readonly FoundCondition[] = [LOWERED],
  ping?: PingFigures,
): Figures {
  const reading = (times: number, atMs: number) => ({
    ...{ device: 'ppp0', atMs, conditions, isWhole: true },
    statistics: someStatistics({ up: '2mbit', ...line, conditions, times }),
  });
  return figuresOf(reading(1, 0), { ...reading(1.02, 1000), ping });
}

const KINDS: [string, Line][] = [
  ['pacing', {}],
  ['stages', { options: { pacing: 'off' }, ingress: 'police' }],
  ['cake', { ingress: 'cake' }],
];

describe.each([40, 80, 200])('at %i columns', (columns) => {
  it.each(KINDS)('%s', async (name, line) => {
    const seen = figures(line, [LOWERED], name === 'cake' ? undefined : PING);
    const text = `${screen(seen, { ...OPTIONS, columns }).join('\n')}\n`;
    await expect(text).toMatchFileSnapshot(`../../../golden/files/watch-${name}-${columns}.txt`);
  });
});

it('the help is within 24 lines of 80 columns and names each key', () => {
  const text = screen(figures(), { ...OPTIONS, help: true }).join('\n');
  expect(text).not.toContain('more lines');
  for (const key of ['q ', 'u r w d', 's ', 'f ', 'p ', 'T D U C A', 'T D U C B', '?'])
    expect(text).toContain(key);
});

it('classes by rate, by what waits, by drops', () => {
  const order = (sort: ScreenOptions['sort']): string[] =>
    screen(figures(), { ...OPTIONS, sort }).flatMap(
      (line) => /^(?:interactive|normal|bulk)\b/.exec(line) ?? [],
    );
  expect(order('u')).toEqual(['interactive', 'normal', 'bulk']);
  for (const sort of ['r', 'w', 'd'] as const) expect(order(sort)).toEqual(['bulk', 'normal', 'interactive']);
});

it('what is not in force, and why', () => {
  const text = screen({ ...figures(), line: null, isWhole: false }, OPTIONS).join('\n');
  expect(text).toMatch(/^inetgw ppp0 {2}not in force\n/);
  expect(text.replaceAll(/\s+/g, ' ')).toContain('set it up again: inetgw ppp0 UP DOWN [mtu-lowered]');
});

it('where there is no room for all, how much is left out is said, and the last line stays', () => {
  const lines = screen(figures(), { ...OPTIONS, rows: 8 });
  expect(lines).toHaveLength(8);
  expect(lines.at(-2)).toMatch(/^\.\.\. \d+ more lines$/);
  expect(lines.at(-1)).toContain('q quit');
});

it('full directions and warnings are told by words as well as by colour', () => {
  const coloured = screen(figures(), { ...OPTIONS, colour: true });
  // eslint-disable-next-line no-control-regex -- that is what is looked for
  const SEQUENCE = /\x1b\[\d+m/g;
  expect(coloured.join('')).toMatch(SEQUENCE);
  expect(coloured.map((line) => line.replaceAll(SEQUENCE, '').trimEnd())).toEqual(screen(figures(), OPTIONS));
});

/** Wide, joined, combining, and what begins or ends a control sequence. */
const SIGNS = [
  '\u4e00',
  '\uac00',
  '\u{1f600}',
  '\u{1f468}',
  '\u200d',
  '\ufe0f',
  '\u0301',
  '\u{1f1e9}',
  'a',
  ' ',
  '\x1b',
  '\x9b',
  ']',
  '[',
  'H',
  'm',
];

it('no line is wider than the terminal, nor is there one too many, and nothing steers it, whatever is said', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...SIGNS), { maxLength: 60 }).map((signs) => signs.join('')),
  );
  fc.assert(
    fc.property(
      fc.record({ text: hostile, remedy: hostile }),
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(...KINDS),
      fc.boolean(),
      ({ text, remedy }, columns, rows, [, line], help) => {
        const told = figures(line, [{ id: 'x', severity: 'broken', text, remedy }]);
        const lines = screen(told, { ...OPTIONS, columns, rows, help });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const each of lines) {
          // As one text, and each character by itself, as terminals do that join none.
          expect(truncatedWidth(each).width).toBeLessThanOrEqual(columns);
          expect(
            Array.from(each).reduce((sum, sign) => sum + truncatedWidth(sign).width, 0),
          ).toBeLessThanOrEqual(columns);
          expect(each).not.toMatch(/\p{Cc}/u);
        }
      },
    ),
    { numRuns: 300 },
  );
});

it('a next hop that is looked for, that says nothing, and why there is none', () => {
  const shown = (ping: Partial<PingFigures>): string[] =>
    screen(figures({}, [], { ...PING, ...ping }), OPTIONS).filter((line) => /^next hop|^no pings/.test(line));
  expect(shown({ host: null, nowMs: null, p50Ms: null, mostMs: null, answers: 0 })).toEqual([
    'next hop: looked for',
  ]);
  expect(shown({ nowMs: null })).toEqual(['next hop 203.0.113.1: no answer to pings']);
  expect(shown({ host: null, reason: 'no host answers' })).toEqual(['no pings: no host answers']);
});
