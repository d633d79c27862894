/** Filters beside those of others: behind all of theirs, and without a queue that is not ours. */
import { expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { freeFirstPref } from '../../../src/plan/sharedClsact.ts';
import { makePlan } from '../../../src/plan/plan.ts';
import { setUpLines, tearDownLines } from '../../../src/tc/batch.ts';
import { parseFilters } from '../../../src/tc/parse.ts';

const planWith = (options: object, sharedClsact?: { firstPref: number; madeByUs: boolean }) =>
  makePlan(
    settingsFromArguments('ppp0', '210', '1710', options).settings,
    { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'cake', pacingObjectFile: '/run/p.o', sharedClsact },
    'nft',
  );

it.each([
  [[], 60_000],
  [[1, 49_152], 60_000],
  [[60_000], 60_001],
  [[65_518], 65_519],
  [[65_519], undefined],
  [[65_535], undefined],
])('of %j, the first free preference behind is %s', (taken, expected) => {
  expect(freeFirstPref(taken)).toBe(expected);
});

it.each([['auto'], ['off']])('the same filters in the same order, no qdisc; pacing %s', (pacing) => {
  const shared = { firstPref: 60_000, madeByUs: false };
  const [alone, beside] = [planWith({ pacing }), planWith({ pacing }, shared)].map(({ tc }) =>
    setUpLines(tc).filter((line) => /ffff:|clsact|ingress/.test(line)),
  );
  expect(beside?.join()).not.toMatch(/qdisc/);
  const filters = (alone ?? []).filter((line) => line.startsWith('filter'));
  expect(beside).toEqual(
    filters.map((line) =>
      line
        .replace(/pref (\d+)/, (_, pref) => `pref ${60_000 + Number(pref)}`)
        .replace('parent ffff: ', 'parent ffff:fff2 '),
    ),
  );
});

it('where others use the qdisc, our filters are taken away and not the qdisc', () => {
  const ownFilters = [{ parent: 'ffff:fff2', pref: 60_001 }];
  const ingress = { kind: 'clsact', handle: 'ffff:', ownFilters };
  expect(tearDownLines('ppp0', { root: undefined, ingress })).toEqual([
    'filter del dev ppp0 parent ffff:fff2 protocol all pref 60001',
  ]);
});

it.each([
  ["bpf chain 0 handle 0x1 bytecode '1,6 0 0 0' direct-action not_in_hw id 3", true],
  [
    'matchall chain 0 handle 0x1 \n  not_in_hw\n\taction order 1: gact action pass\n\t random type none',
    true,
  ],
  ['matchall chain 0 handle 0x1 \n  not_in_hw\n\taction order 1: gact action continue\n\t random', false],
  ['u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 *flowid 1:10 not_in_hw', true],
  [
    'flower chain 0 handle 0x1 \n  eth_type ipv4\n\taction order 1: mirred (Egress Redirect to device x) stolen',
    true,
  ],
  [
    'matchall chain 0 handle 0x1 \n\taction order 1:  police 0x1 rate 1Mbit burst 4Kb mtu 2Kb action continue/continue overhead 0b',
    false,
  ],
  [
    'matchall chain 0 handle 0x1 \n\taction order 1:  police 0x1 rate 1Mbit burst 4Kb mtu 2Kb action continue/pipe overhead 0b',
    true,
  ],
])('a filter has the last word: %j %s', (text, ends) => {
  expect(parseFilters(`filter protocol all pref 9 ${text}\n`)).toMatchObject([{ pref: 9, ends }]);
});
