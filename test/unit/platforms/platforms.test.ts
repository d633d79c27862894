/** docs/platforms.md: its tables, and what is run in clean roots. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { CELLS, firstDifference, reasonIn } from '../../../scripts/platforms/cells.ts';
import { COMBINATIONS, nameOf, ofTheDay } from '../../../scripts/platforms/combinations.ts';
import { DOCUMENT_FILE, documentOf } from '../../../scripts/platforms/document.ts';
import { judged } from '../../../scripts/platforms/judge.ts';
import { readResults, sorted, type Results } from '../../../scripts/platforms/results.ts';
import { SYSTEMS } from '../../../scripts/platforms/systems.ts';
import { COLUMNS, filledIn, rootTable, systemTable, versionTable } from '../../../scripts/platforms/table.ts';

const RESULTS: Results = {
  systems: {
    trixie: {
      versions: { kernel: '6.12.1', nft: '1.1.3' },
      cells: {
        demo: { works: true, note: '1886 → 44 ms', day: '2026-01-02' },
        apply: { works: false, note: '--firewall nft: a | b\nand more', day: '2026-01-02' },
      },
    },
  },
  roots: { 'trixie 20 demo': { works: true, note: '1886 → 44 ms', day: '2026-01-02' } },
};

describe('the tables', () => {
  test('every cell is yes, no with its reason below, or not run', () => {
    const text = systemTable(SYSTEMS, RESULTS);
    const row = text.split('\n').find((line) => line.startsWith('| Debian 13 |')) ?? '';
    expect(row.split(' | ').slice(2, 6)).toEqual(['yes', 'not run', '**no** (1)', 'not run']);
    expect(text).toContain('1. Debian 13, apply: --firewall nft: a \\| b and more');
    for (const { name } of SYSTEMS) expect(text).toContain(`| ${name} | \``);
  });

  test('versions that are not known are left open', () => {
    const row = versionTable(SYSTEMS, RESULTS)
      .split('\n')
      .find((line) => line.startsWith('| Debian 13 |'));
    expect(row).toBe('| Debian 13 | 6.12.1 | – | 1.1.3 | – | – | – |');
  });

  test('each combination has its command', () => {
    const text = rootTable(COMBINATIONS.map(nameOf), RESULTS);
    expect(text).toContain(
      '| trixie 20 demo | 1886 → 44 ms | 2026-01-02 | `npm run roots -- --suite trixie --node 20 --run demo` |',
    );
    expect(text).toContain('| bookworm 24 test | not run | – |');
  });

  test('a table is put between its markers, and a document without them is refused', () => {
    expect(filledIn('a\n<!-- t -->\nold\n<!-- end of t -->\nb', { t: 'new' })).toBe(
      'a\n<!-- t -->\n\nnew\n\n<!-- end of t -->\nb',
    );
    expect(() => filledIn('a', { t: 'new' })).toThrow("the table 't'");
  });

  test('every column is a cell that can be run', () => {
    expect(Object.keys(CELLS)).toEqual(COLUMNS);
  });

  test('docs/platforms.md is what its results make (npm run platforms or roots writes it)', async () => {
    const document = await readFile(DOCUMENT_FILE, 'utf8');
    expect(await documentOf(document, await readResults())).toBe(document);
  });
});

test('results are written with their keys in order', () => {
  expect(JSON.stringify(sorted({ b: 1, a: { d: [2, 1], c: null } }))).toBe(
    '{"a":{"c":null,"d":[2,1]},"b":1}',
  );
});

test('as many days in a row as there are short combinations give each of them once', () => {
  const days = Array.from({ length: 18 }, (_, day) => nameOf(ofTheDay(new Date(2026, 0, day + 1, 12))));
  expect(new Set(days).size).toBe(18);
  expect(days.filter((name) => name.endsWith(' test'))).toEqual([]);
  expect(days).toContain('trixie 20 demo');
});

test('why a cell fails is one line, without the script that was run', () => {
  expect(reasonIn("in the guest, 'sh -c\n  set -e\n' ended with 127: sh: 4: inetgw: not found\nmore")).toBe(
    'ended with 127: sh: 4: inetgw: not found',
  );
  expect(reasonIn('no window was lowered\n')).toBe('no window was lowered');
});

test('what differs between two snapshots is named by its first line', () => {
  expect(firstDifference('a\nb', 'a\nb\n  c')).toBe('c');
  expect(firstDifference('a\nb', 'a')).toBe('without: b');
  expect(firstDifference('a\nb', 'b\na')).toBe('another order of lines');
});

describe('a run in a clean root', () => {
  const table = (average: string): string =>
    `x\n                 average  median\nwithout inetgw      1886    1900\n${average}\n`;

  test('demo: the row with inetgw, below 100 ms', () => {
    expect(judged('demo', 0, table('with inetgw           44      40'))).toBe('1886 → 44 ms');
    expect(() => judged('demo', 0, table('with inetgw          144      40'))).toThrow('144 ms');
    expect(() => judged('demo', 0, table(''))).toThrow('its table has no row');
  });

  test('test: the line that stands alone at the end', () => {
    expect(judged('test', 0, '…\n700 passed, 0 failed\n')).toBe('700 passed, 0 failed');
    expect(() => judged('test', 0, '700 passed, 1 failed\n')).toThrow('no line');
  });

  test('one that fails is told by the last line that speaks of an error', () => {
    const output = '\u001b[31mError: no such file\u001b[0m\n    at somewhere\n';
    expect(() => judged('apply', 1, output)).toThrow('ended with 1: Error: no such file');
  });
});
