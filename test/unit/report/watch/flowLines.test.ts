/** Flows on the screen of `inetgw watch`, to the letter at three widths, and within its terminal at any. */
import fc from 'fast-check';
import truncatedWidth from 'fast-string-truncated-width';
import { describe, expect, it } from 'vitest';
import { figuresOf, type Figures } from '../../../../src/report/watch/figures.ts';
import type { FlowSort } from '../../../../src/report/watch/flowLines.ts';
import { screen, type ScreenOptions } from '../../../../src/report/watch/screen.ts';
import { noFlows, type FlowFigures, type FlowsFigures } from '../../../../src/report/flows/flows.ts';
import { someStatistics } from '../someStatistics.ts';

const flow = (changes: Partial<FlowFigures>): FlowFigures => ({
  ...{ protocol: 'tcp', port: 443, openedBy: 'host', connections: 1, pacedConnections: 0 },
  host: { name: null, address: '192.168.77.2' },
  remote: { name: null, address: '203.0.113.5' },
  ...{ downBitPerSec: 0, upBitPerSec: 0, downBytes: 0, upBytes: 0 },
  ...changes,
});
const DOWNLOAD = flow({
  ...{ downBitPerSec: 1_367_000, upBitPerSec: 23_400, downBytes: 12_300_000, upBytes: 210_000 },
  ...{ connections: 4, pacedConnections: 4 },
});
const PARTLY = flow({
  host: { name: null, address: '192.168.78.2' },
  ...{ downBitPerSec: 220_000, upBitPerSec: 9000, downBytes: 900_000, upBytes: 30_000 },
  ...{ connections: 3, pacedConnections: 1 },
});
const SERVED = flow({
  ...{ port: 22, openedBy: 'remote', downBitPerSec: 3000, upBitPerSec: 90_000, upBytes: 44_000_000 },
});
const PING = flow({ protocol: 'icmp', port: null, upBitPerSec: 672, downBitPerSec: 672, upBytes: 840 });
const QUIC = flow({
  ...{ protocol: 'udp', downBitPerSec: 512_000, upBitPerSec: 8000, downBytes: 3e9, pacedConnections: null },
  host: { name: 'a-phone-with-a-rather-long-name', address: '2001:db8:1111:2222:3333:4444:5555:6666' },
  remote: { name: 'edge.example.net', address: '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff' },
});

const told = (flows: FlowFigures[], changes: Partial<FlowsFigures> = {}): FlowsFigures => ({
  ...{ overMs: 1004, connections: 340, activeConnections: 12, uncountedConnections: 0 },
  ...{ flows, moreFlows: 0, leftOut: null, reason: null },
  ...changes,
});
const KINDS: [string, FlowsFigures][] = [
  ['nat', told([DOWNLOAD, PARTLY, SERVED, PING])],
  ['names', told([DOWNLOAD, QUIC])],
  [
    'part',
    told([SERVED], {
      ...{ connections: 210_000, activeConnections: 5000, uncountedConnections: 1, moreFlows: 2100 },
      leftOut: 'of 5,000 active connections the 1,024 that took most were looked at',
    }),
  ],
  ['none', noFlows('connections cannot be read: perl was not found')],
];

const reading = (times: number, atMs: number) => ({
  ...{ device: 'ppp0', atMs, conditions: [], isWhole: true },
  statistics: someStatistics({ up: '2mbit', times }),
});
const FIGURES: Figures = figuresOf(reading(1, 0), reading(1.02, 1000));
const shown = (
  figures: FlowsFigures,
  changes: Partial<ScreenOptions> = {},
  { sort = 'T', alone = true }: { sort?: FlowSort; alone?: boolean } = {},
): string[] =>
  screen(FIGURES, {
    ...{ columns: 80, rows: 24, colour: false, sort: 'u', hostSort: 'T', help: false, keys: true },
    flows: { figures, sort, alone },
    ...changes,
  });

describe.each([40, 80, 200])('at %i columns', (columns) => {
  it.each(KINDS)('%s', async (name, figures) => {
    const text = `${shown(figures, { columns }).join('\n')}\n`;
    await expect(text).toMatchFileSnapshot(`../../../golden/files/watch-flows-${name}-${columns}.txt`);
  });
});

it.each([
  ['T', ['443', '443', '22']],
  ['D', ['443', '443', '22']],
  ['U', ['22', '443', '443']],
  ['C', ['443', '443', '22']],
  ['B', ['22', '443', '443']],
] as const)('in the order of the key %s', (sort, order) => {
  const lines = shown(told([SERVED, PARTLY, DOWNLOAD]), {}, { sort });
  expect(lines.flatMap((line) => /tcp\/(\d+)/.exec(line)?.[1] ?? [])).toEqual(order);
});

it('below the hosts are eight of them, and how many more there are', () => {
  const many = Array.from({ length: 20 }, (_, n) => flow({ port: n + 1, downBitPerSec: 1000 - n }));
  const lines = shown(told(many, { moreFlows: 3 }), { columns: 200, rows: 60 }, { alone: false });
  expect(lines.filter((line) => line.includes('tcp/'))).toHaveLength(8);
  expect(lines).toContain('and 15 more');
  expect(lines.some((line) => line.startsWith('interactive'))).toBe(true);
  expect(shown(told(many), { columns: 200, rows: 60 }).filter((line) => line.includes('tcp/'))).toHaveLength(
    20,
  );
});

it('what is not in force hides neither the warning nor why there are no flows', () => {
  const text = screen(
    { ...FIGURES, line: null, isWhole: false },
    {
      ...{ columns: 80, rows: 24, colour: false, sort: 'u', hostSort: 'T', help: false, keys: true },
      flows: { figures: noFlows('nothing is in force on ppp0'), sort: 'T', alone: true },
    },
  );
  expect(text).toContain('flows: nothing is in force on ppp0');
});

it('no line is wider than the terminal, and nothing steers it, whatever names there are', () => {
  const sign = fc.constantFrom(
    '\u4e00',
    '\u{1f468}',
    '\u200d',
    '\u0301',
    'a',
    ' ',
    '\x1b',
    '\x9b',
    '[',
    '\n',
    '\u202e',
  );
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(sign, { maxLength: 60 }).map((signs) => signs.join('')),
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ name, rate: fc.nat(), bytes: fc.nat() }), { maxLength: 30 }),
      name,
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      (ends, words, columns, rows, alone) => {
        const flows = ends.map((end, n) =>
          flow({
            remote: { name: end.name, address: n % 2 === 0 ? '203.0.113.5' : QUIC.remote.address },
            ...{ downBitPerSec: end.rate, downBytes: end.bytes },
          }),
        );
        for (const figures of [told(flows, { leftOut: words }), noFlows(words)]) {
          const lines = shown(figures, { columns, rows }, { alone });
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const each of lines) {
            expect(truncatedWidth(each).width).toBeLessThanOrEqual(columns);
            expect(each).not.toMatch(/[\p{Cc}\u202e]/u);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
