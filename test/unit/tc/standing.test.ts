/** Whose queues and filters stand on a device: on what three versions of iproute2 printed of our plans, and on lookalikes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { makePlan } from '../../../src/plan/plan.ts';
import { parseFilters, parseTcView } from '../../../src/tc/parse.ts';
import { foreignFilters, treeStanding } from '../../../src/tc/standing.ts';

const VERSIONS = ['5.10', '6.1', '6.15'];
const recorded = (version: string, name: string): string =>
  readFileSync(new URL(`../../fixtures/tc/${version}/${name}`, import.meta.url), 'utf8');

const planned = (pacing: 'auto' | 'off') =>
  makePlan(
    settingsFromArguments('ppp0', '210', '1710', { pacing }).settings,
    { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'fq_codel', pacingObjectFile: '/run/inetgw/ppp0.pacing.o' },
    'nft',
  ).tc;
const tc = planned('auto');
const leaf = tc.find((object) => object.type === 'qdisc' && object.spec.kind === 'fq_codel');
const standing = (output: string, exact = true) => treeStanding(parseTcView(output), tc, 'ppp0', exact);
const json = (leaves: readonly object[], root: object = { kind: 'htb', handle: '1:', root: true }): string =>
  JSON.stringify([root, ...leaves]);
const ours = ['10', '20', '30'].map((minor) => ({
  kind: 'fq_codel',
  handle: `${minor}:`,
  parent: `1:${minor}`,
  options:
    leaf?.type === 'qdisc' && leaf.spec.kind === 'fq_codel'
      ? { limit: leaf.spec.limitPackets, quantum: leaf.spec.quantumBytes }
      : {},
}));

describe('the tree at root', () => {
  it.each(VERSIONS)('is ours as tc %s prints it, in JSON and as text', (version) => {
    for (const name of ['qdisc.json', 'qdisc.txt']) {
      const output = recorded(version, `pacing/${name}`);
      expect(standing(output)).toBe('whole');
      expect(standing(output.replace(/("limit":|limit )64/, '$165'))).toBe('part');
      expect(standing(output.replaceAll(/("limit":|limit )64/g, '$165'))).toBe('other');
      // While rates are changed, sizes of queues are, too.
      expect(standing(output.replaceAll(/("limit":|limit )64/g, '$165'), false)).toBe('whole');
    }
  });

  it('of cake, recorded of `inetgw ppp0 215 1600`, is ours by what each queue was given', () => {
    const output = recorded('6.1', 'hosts/qdisc.json');
    const settings = settingsFromArguments('ppp0', '215', '1600', {}).settings;
    const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
    const { tc: ofHosts } = makePlan(settings, link, { leafQdisc: 'cake' }, 'nft');
    const of = (text: string, exact = true) => treeStanding(parseTcView(text), ofHosts, 'ppp0', exact);
    expect(of(output)).toBe('whole');
    for (const [word, other] of [
      ['"unlimited"', '12500'],
      ['dual-srchost', 'triple-isolate'],
      ['1893200', '100000'],
      ['262144', '0'],
      ['"disabled"', '"aggressive"'],
    ] as const) {
      expect(of(output.replace(word, other))).toBe('part');
      expect(of(output.replaceAll(word, other))).toBe('other');
      expect(of(output.replaceAll(word, other), false)).toBe('whole');
    }
    // A version that did not print one of them would not make ours somebody else's.
    expect(of(output.replaceAll(',"memlimit":262144', ''))).toBe('whole');
  });

  it.each(VERSIONS)(
    'is changed where packets without a class go elsewhere, as tc %s prints it',
    (version) => {
      for (const name of ['qdisc.json', 'qdisc.txt']) {
        const changed = recorded(version, `pacing/${name}`).replace(/(default"?[: ]"?)0x20/, '$10x30');
        expect(standing(changed)).toBe('part');
        expect(standing(changed, false)).toBe('whole');
      }
    },
  );

  it('of cake at root is changed where it has another bandwidth', () => {
    const { tc: shaped } = makePlan(
      settingsFromArguments('ppp0', '215', '1500', { ingress: 'shape-cake' }).settings,
      { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 },
      { leafQdisc: 'cake', ingress: 'cake' },
      'nft',
    );
    const root = shaped.find((object) => object.type === 'qdisc' && object.dev === 'igw-ppp0');
    if (root?.type !== 'qdisc' || root.spec.kind !== 'cake' || !('bandwidthBitPerSec' in root.spec))
      throw new Error('there is no cake at root');
    const bytesPerSec = root.spec.bandwidthBitPerSec / 8;
    const of = (bandwidth: unknown) =>
      treeStanding(
        parseTcView(JSON.stringify([{ kind: 'cake', handle: '1:', root: true, options: { bandwidth } }])),
        shaped,
        'igw-ppp0',
        true,
      );
    expect([of(bytesPerSec), of(Math.floor(bytesPerSec)), of(undefined)]).toEqual([
      'whole',
      'whole',
      'whole',
    ]);
    expect([of(12_500), of('unlimited')]).toEqual(['part', 'part']);
  });

  it.each<[string, string, ReturnType<typeof treeStanding>]>([
    ['all queues', json(ours), 'whole'],
    ['one queue gone', json(ours.slice(1)), 'part'],
    ['one queue of theirs', json([...ours.slice(1), { kind: 'sfq', handle: '10:', parent: '1:10' }]), 'part'],
    ['one queue more', json([...ours, { kind: 'sfq', handle: '40:', parent: '1:40' }]), 'part'],
    ['nothing but the root', json([]), 'bare'],
    [
      'the classic script: the same handles, sfq',
      json(ours.map(({ handle, parent }) => ({ kind: 'sfq', handle, parent }))),
      'other',
    ],
    ['queues elsewhere', json(ours.map((each) => ({ ...each, parent: '1:2' }))), 'other'],
    ['another root', json(ours, { kind: 'htb', handle: '2:', root: true }), 'other'],
    ['another kind', json([], { kind: 'hfsc', handle: '1:', root: true }), 'other'],
    ['nothing', '[]', 'other'],
  ])('with %s', (_what, output, expected) => {
    expect(standing(output)).toBe(expected);
  });
});

describe('filters at the hooks', () => {
  const atIngress = (output: string, actionsStand: boolean) =>
    foreignFilters(parseFilters(output), tc, actionsStand);

  it.each(VERSIONS)('are ours as tc %s prints them', (version) => {
    const stages = parseFilters(recorded(version, 'police/ingress.txt'));
    expect(stages).toHaveLength(4);
    expect(foreignFilters(stages, planned('off'), true)).toEqual([]);
    const [program] = parseFilters(recorded(version, 'pacing/ingress.txt'));
    expect(program).toMatchObject({ kind: 'bpf', objectFile: 'ppp0.pacing.o' });
    expect(foreignFilters(program === undefined ? [] : [program], tc, false)).toEqual([]);
  });

  it.each([
    ['filter protocol all pref 49152 bpf chain 0 handle 0x1 cil_from_netdev id 5 direct-action', 'bpf 49152'],
    ['filter protocol all pref 1 bpf chain 0 handle 0x1 cil_from_netdev id 5 direct-action', 'bpf 1'],
    ['filter protocol all pref 1 bpf chain 0 handle 0x1 other.o:[ingress] not_in_hw id 5', 'bpf 1'],
    ['filter parent ffff: protocol ip pref 10 u32 chain 0 fh 800::800 order 2048 key ht 800', 'u32 10'],
    ['filter protocol all pref 9 matchall chain 0 handle 0x1', 'matchall 9'],
  ])('of others are seen: %s', (line, expected) => {
    const found = atIngress(`${line}\n  not_in_hw\n`, true);
    expect(found.map(({ kind, pref }) => `${kind} ${pref}`)).toEqual([expected]);
  });

  it('with the numbers of ours are those of others where no action of ours hangs', () => {
    const line = 'filter protocol all pref 3 matchall chain 0 handle 0x1\n';
    expect(atIngress(line, true)).toEqual([]);
    expect(atIngress(line, false)).toHaveLength(1);
  });
});
