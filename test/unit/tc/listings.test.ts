import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countersBatch, listingsBatch, takeApart, takeJsonApart } from '../../../src/tc/listings.ts';

const folder = new URL('../../fixtures/tc/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

it('asks for the root before each list', () => {
  expect(
    listingsBatch([
      ['filter', 'show', 'dev', 'ppp0', 'ingress'],
      ['class', 'show', 'dev', 'ifb0'],
    ]),
  ).toBe('qdisc show dev ppp0\nfilter show dev ppp0 ingress\nqdisc show dev ifb0\nclass show dev ifb0\n');
});

describe.each(readdirSync(folder))('the text of iproute2 %s', (version) => {
  const roots = ['pacing/qdisc.txt', 'pacing/qdisc-statistics.txt', 'shape-htb/qdisc-statistics.txt'];
  const lists = [
    'pacing/ingress.txt',
    'police/ingress.txt',
    'shape-htb/class.txt',
    'shape-htb/ifb-filter.txt',
  ];
  const of = (path: string): string => read(`${version}/${path}`);

  it('is taken apart into its lists, whatever their order, empty ones as well', () => {
    const asked = fc.record({
      root: fc.constantFrom(...roots.map(of)),
      list: fc.constantFrom('', ...lists.map(of)),
    });
    fc.assert(
      fc.property(fc.array(asked), (all) => {
        const output = all.map(({ root, list }) => root + list).join('');
        expect(takeApart(output, all.length)).toEqual(all.map(({ list }) => list));
      }),
    );
  });

  it('is not taken apart where a device, or all, is missing', () => {
    const output = of('pacing/qdisc.txt') + of('pacing/ingress.txt');
    expect(takeApart(output, 2)).toBeUndefined();
    expect(takeApart(of('pacing/ingress.txt') + output, 1)).toBeUndefined();
    expect(takeApart('', 1)).toBeUndefined();
  });

  it('of JSON, each list is a line, or none of it is taken', () => {
    const lists = ['pacing/qdisc.json', 'pacing/ingress.json', 'pacing/statistics.json'].map(of);
    const isWhole = lists.every((list) => list.trimEnd().split('\n').length === 1 && list.startsWith('['));
    // 5.10 prints actions as text in the midst of it.
    expect(isWhole).toBe(version !== '5.10');
    const expected = isWhole ? lists.map((list) => list.trimEnd()) : undefined;
    expect(takeJsonApart(lists.join(''), lists.length)).toEqual(expected);
    expect(takeJsonApart(lists.slice(1).join(''), lists.length)).toBeUndefined();
  });
});

it('asks for counters list by list, and takes empty ones', () => {
  const [one, other] = [
    ['qdisc', 'show', 'dev', 'ppp0'],
    ['filter', 'show', 'dev', 'ppp0', 'egress'],
  ] as const;
  expect(countersBatch([one, other])).toBe('qdisc show dev ppp0\nfilter show dev ppp0 egress\n');
  expect(takeJsonApart('[]\n[{"kind":"x"}]\n', 2)).toEqual(['[]', '[{"kind":"x"}]']);
  expect(takeJsonApart('', 0)).toEqual([]);
  expect(takeJsonApart('[]\nError: x\n', 1)).toBeUndefined();
});
