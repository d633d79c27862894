/** From one plan to the next: what changes in place, and what must be made anew. */
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import type { ShaperOptions } from '../../../src/config/keys.ts';
import { makePlan } from '../../../src/plan/plan.ts';
import { changeLines, setUpLines, tearDownLines } from '../../../src/tc/batch.ts';
import type { TcObject } from '../../../src/tc/objects.ts';
import { sameValue } from '../../../src/tc/sameValue.ts';

const LINK = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;

function objects(up: string, down: string, options: ShaperOptions = {}): readonly TcObject[] {
  const { settings } = settingsFromArguments('ppp0', up, down, { pacing: 'off', ...options });
  return makePlan(settings, LINK, { leafQdisc: 'cake', pacingObjectFile: '/run/o' }, undefined).tc;
}

const plain = objects('210', '1710');
const paced = objects('210', '1710', { pacing: 'bpf' });
/** Both, so that every type of object is there. */
const all = [...plain, ...paced];

/** `object` with one of its members changed. */
const changed = (object: TcObject, key: string, value: unknown): TcObject =>
  Object.assign({}, object, { [key]: value });

describe('from a plan to the same plan', () => {
  it('nothing is done', () => {
    expect(changeLines(plain, objects('210', '1710'))).toEqual([]);
    expect(changeLines(paced, objects('210', '1710', { pacing: 'bpf' }))).toEqual([]);
  });
});

describe('from a plan to one with other rates', () => {
  // Made within each test: what is made outside, mutation testing does not see.
  const changes = (): string[] => changeLines(plain, objects('300', '3mbit')) ?? [];
  it('classes, queues and police actions change in place, and nothing is added or taken away', () => {
    const lines = changes();
    expect(lines.length).toBeGreaterThan(6);
    for (const line of lines) {
      expect(line).toMatch(
        /^(?:class change dev ppp0 |qdisc change dev ppp0 |actions change action police rate )/,
      );
    }
    expect(lines.filter((line) => line.startsWith('class change'))).toHaveLength(4);
  });
  it('every rate that is set up anew is among what is changed, to the letter', () => {
    const lines = changes();
    const anew = setUpLines(objects('300', '3mbit'));
    for (const line of lines.filter((each) => each.startsWith('class '))) {
      expect(anew).toContain(line.replace('change', 'add'));
    }
    const police = anew.filter((line) => line.startsWith('actions change action police rate'));
    expect(police.length).toBeGreaterThan(2);
    for (const line of police) expect(lines).toContain(line);
  });
  it('set up anew, all that an index does not tell by itself is said again', () => {
    for (const set of [plain, paced]) {
      const lines = setUpLines(set);
      const added = lines.filter((line) => line.startsWith('filter add')).join(' action ');
      const actions = added.split(' action ').filter((text) => /^(?:police|skbedit|mirred) /.test(text));
      expect(actions.length).toBeGreaterThan(5);
      for (const text of actions) expect(lines).toContain(`actions change action ${text}`);
    }
  });
});

describe('what cannot be changed in place is made anew', () => {
  it.each([
    ['another framing', objects('210', '1710', { framing: 'docsis' })],
    ['pacing', paced],
    ['fewer objects', plain.slice(1)],
    ['fewer objects at the end', plain.slice(0, -1)],
    ['more objects', [...plain, ...plain.slice(-1)]],
    ['other objects', plain.toReversed()],
  ])('%s', (_what, to) => {
    expect(changeLines(plain, to)).toBeUndefined();
  });

  it('an object of another identity, whatever it is', () => {
    const identities = {
      class: ['dev', 'parent', 'classId'],
      qdisc: ['dev', 'parent', 'handle'],
      filter: ['dev', 'parent', 'pref'],
      program: ['dev', 'parent', 'pref', 'actions'],
      small: ['dev', 'parent', 'pref', 'classId', 'protocol'],
      udp: ['dev', 'parent', 'pref', 'classId', 'protocol'],
    };
    const types = new Set<string>();
    for (const object of all) {
      types.add(object.type);
      for (const key of identities[object.type]) {
        const other = changed(object, key, key === 'actions' ? [{ kind: 'drop', index: 77 }] : 'other');
        expect(changeLines([object], [other])).toBeUndefined();
      }
      expect(
        changeLines([object], all.filter(({ type }) => type !== object.type).slice(0, 1)),
      ).toBeUndefined();
    }
    expect([...types].sort()).toEqual(['class', 'filter', 'program', 'qdisc', 'small', 'udp']);
  });

  it('a queue of another kind, or the root', () => {
    for (const object of all) {
      if (object.type !== 'qdisc') continue;
      const { kind } = object.spec;
      const other = changed(object, 'spec', { ...object.spec, limitPackets: 7, kind });
      const isLeaf = ['cake', 'fq_codel', 'sfq'].includes(kind);
      expect(changeLines([object], [other]) !== undefined).toBe(isLeaf);
      expect(
        changeLines([object], [changed(object, 'spec', { kind: kind === 'sfq' ? 'fq_codel' : 'sfq' })]),
      ).toBeUndefined();
    }
  });

  it('a filter with another number, kind, order or index of actions', () => {
    const filter = plain.find((object) => object.type === 'filter' && object.actions.length > 1);
    if (filter?.type !== 'filter') throw new Error('no filter with two actions');
    const [first, second] = filter.actions;
    for (const actions of [
      [],
      [first],
      [second, first],
      filter.actions.map((action) => ({ ...action, index: 99 })),
    ]) {
      expect(changeLines([filter], [changed(filter, 'actions', actions)])).toBeUndefined();
    }
  });

  it('but a program of the same place is replaced in place', () => {
    const program = paced.find((object) => object.type === 'program');
    if (program === undefined) throw new Error('no program');
    const [line, ...more] = changeLines([program], [changed(program, 'section', 'other')]) ?? [];
    expect(line).toMatch(
      /^filter replace dev ppp0 parent \S+ protocol all pref \d+ handle 1 bpf object-file \S+ section other/,
    );
    expect(more).toEqual([]);
  });
});

describe('taking away', () => {
  it('names what stands there and nothing else', () => {
    const root = { kind: 'htb', handle: '1:' };
    const ingress = { kind: 'clsact', handle: 'ffff:' };
    expect(tearDownLines('ppp0', { root: undefined, ingress: undefined })).toEqual([]);
    expect(tearDownLines('ppp0', { root, ingress: undefined })).toEqual(['qdisc del dev ppp0 root']);
    expect(tearDownLines('ppp0', { root: undefined, ingress })).toEqual(['qdisc del dev ppp0 clsact']);
    expect(tearDownLines('ppp0', { root, ingress })).toHaveLength(2);
  });
});

describe('setting up with pacing', () => {
  it('renders every kind of object', () => {
    const text = setUpLines(paced).join('\n');
    expect(text).toMatch(
      /^filter add dev \S+ parent 1: protocol ip pref \d+ u32 match u16 0 0xff00 at 2 flowid 1:10$/m,
    );
    expect(text).toMatch(
      /^filter add dev \S+ parent 1: protocol ipv6 pref \d+ u32 match u16 0 0xff00 at 4 flowid 1:10$/m,
    );
    expect(text).toMatch(/action mirred egress redirect dev \S+ index \d+/);
    expect(text).toMatch(/^filter add .* bpf object-file \/run\/o section \S+/m);
  });
});

describe('equality of plain values', () => {
  it.each([
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
    [{ a: 1 }, { a: 2 }, false],
    [{ a: 1 }, {}, false],
    [{}, { a: 1 }, false],
    [null, {}, false],
    [{}, null, false],
    [1, {}, false],
    ['1', 1, false],
    [[1], [1, 2], false],
    [Number.NaN, Number.NaN, true],
  ])('of %j and %j', (a, b, same) => {
    expect(sameValue(a, b)).toBe(same);
  });
});
