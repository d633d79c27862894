/** Conditions follow from readings, and from nothing that was not read; test/lab/conditions.test.ts makes them. */
import { describe, expect, it } from 'vitest';
import type { ConditionReadings, ClsactHookReading } from '../../../src/conditions/condition.ts';
import { conditionsOf } from '../../../src/conditions/find.ts';
import { CONDITIONS, conditionLine, isBroken } from '../../../src/conditions/table.ts';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import type { LayerFacts } from '../../../src/plan/input/layers.ts';
import { makePlan } from '../../../src/plan/plan.ts';
import type { FilterLine } from '../../../src/tc/parse.ts';

const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
const plan = makePlan(settings, link, { leafQdisc: 'cake', pacingObjectFile: '/run/p.o' }, 'nft');
const record = { phase: 'active', plan, namespace: 'net:[1]' } as const;
const layers: LayerFacts = {
  ...{
    device: 'ppp0',
    arphrdType: 512,
    deviceType: 'ppp',
    isHardware: false,
    isOwnLink: true,
    master: undefined,
  },
  ...{ uppers: [], defaultRoutes: ['ppp0'], pppoeCarriers: ['eth0'], pppDevices: ['ppp0'] },
};
const hook = (
  name: ClsactHookReading['hook'],
  filters: ClsactHookReading['filters'] = [],
  missing = 0,
): ClsactHookReading => ({
  ...{ hook: name, filters, missing, tcxPrograms: 0 },
});
const ours = { protocol: 'all', pref: 2, kind: 'matchall', ends: true, isOurs: true };
const theirs = (pref: number, more: Partial<FilterLine> = {}) => ({
  ...{ protocol: 'ip', pref, kind: 'u32', ends: true, isOurs: false },
  ...more,
});

const paused = {
  ...{ sinceMs: Date.UTC(2026, 10, 28, 9), untilMs: Date.UTC(2026, 10, 28, 10), isOver: false },
  ...{ upBitPerSec: 210_000, downBitPerSec: 1_710_000 },
};
/** All is read, and nothing is the matter. */
const well: ConditionReadings = {
  ...{ device: 'ppp0', link, record, namespace: 'net:[1]', queueDevice: 'whole', layers },
  root: { kind: 'htb', handle: '1:', standing: 'whole', isOurs: true },
  ingress: { kind: 'clsact', actions: 'yes', isOurs: true },
  clsactHooks: [hook('ingress', [ours]), hook('egress', [ours])],
  firewall: { state: 'whole' },
  shapedDevices: ['ppp0'],
};

const ids = (changes: Partial<ConditionReadings>): string[] =>
  conditionsOf({ ...well, ...changes }, CONDITIONS).map(({ id }) => id);

it('none where all is as it was set up, or nothing was read', () => {
  expect(ids({})).toEqual([]);
  expect(conditionsOf({ device: 'ppp0', link: undefined, record: undefined }, CONDITIONS)).toEqual([]);
  expect(conditionsOf({ device: 'ppp0', link, record }, CONDITIONS)).toEqual([]);
});

describe('each', () => {
  const mtu = (mtuBytes: number): Partial<ConditionReadings> => ({ link: { ...link, mtuBytes } });
  it.each<[string, Partial<ConditionReadings>]>([
    ['record-damaged', { record: undefined, recordProblem: 'it is cut off' }],
    ['at-work', { record: { ...record, phase: 'measuring' }, changedBy: 99 }],
    ['run-unfinished', { record: { ...record, phase: 'changing' } }],
    ['paused', { record: undefined, paused }],
    ['other-namespace', { namespace: 'net:[2]' }],
    ['device-renamed', { link: undefined, newName: 'wan0' }],
    ['device-renamed', { record: undefined, oldName: 'ppp1' }],
    ['device-recreated', { link: { ...link, ifindex: 8 } }],
    ['mtu-raised', mtu(1500)],
    ['mtu-lowered', mtu(1400)],
    ['root-replaced', { root: { kind: 'htb', handle: '1:', standing: 'other', isOurs: false } }],
    ['queues-gone', { root: { kind: undefined, handle: '', standing: 'other', isOurs: true } }],
    ['queues-gone', { ingress: { kind: undefined, actions: 'no', isOurs: true } }],
    ['ingress-replaced', { ingress: { kind: 'ingress', actions: 'no', isOurs: false } }],
    ['filters-gone', { ingress: { kind: 'clsact', actions: 'some', isOurs: true } }],
    ['ifb-gone', { queueDevice: 'down' }],
    ['pacing-detached', { clsactHooks: [hook('egress', [], 1)] }],
    ['rules-gone', { firewall: { state: 'gone' } }],
    ['rules-altered', { firewall: { state: 'altered', missing: ['mark-done'] } }],
    ['others-first', { clsactHooks: [hook('egress', [theirs(1), ours])] }],
    ['others-behind', { clsactHooks: [hook('ingress', [ours, theirs(9)])] }],
    ['tcx-first', { clsactHooks: [{ ...hook('ingress', [ours]), tcxPrograms: 1 }] }],
    ['flow-offload', { flowtables: [{ name: 'inet fw4 ft', devices: ['lan0', 'ppp0'] }] }],
    ['flow-offload', { flowtables: [{ name: 'ip x f', devices: ['lan0', 'g0'] }], devicesBelow: ['g0'] }],
    ['wrong-layer', { layers: { ...layers, device: 'eth0' } }],
    ['several-uplinks', { layers: { ...layers, defaultRoutes: ['ppp0', 'wwan0'] } }],
    ['fallback', { record: { ...record, plan: { ...plan, missingKinds: ['police'] } } }],
  ])('%s', (id, changes) => {
    expect(ids(changes)).toEqual([id]);
  });

  it('narrow-uplink, with what the queues do about it', () => {
    const rates = { ...settings, upBitPerSec: 250_000, downBitPerSec: 9_984_000, pacing: 'off' as const };
    const told = (fair: 'host' | 'flow'): string | undefined => {
      const plan = makePlan({ ...rates, fair }, link, { leafQdisc: 'cake' }, 'nft');
      const [found, ...others] = conditionsOf({ ...well, record: { ...record, plan } }, CONDITIONS);
      expect(others).toEqual([]);
      expect(found).toMatchObject({ id: 'narrow-uplink', severity: 'note' });
      return found?.text;
    };
    expect(told('host')).toMatch(
      /312 kbit\/s, and UP is 250 kbit\/s: .* the last of each connection is kept$/,
    );
    expect(told('flow')).toMatch(/: downloads get 8000 kbit\/s at most, and less beside uploads$/);
  });

  it('no-pacing, with why', () => {
    const unpaced = makePlan({ ...settings, pacing: 'off' }, link, { leafQdisc: 'cake' }, 'nft');
    const without = { ...unpaced, pacingMissing: true as const, pacingWhy: 'no cls_bpf' };
    const [found] = conditionsOf({ ...well, record: { ...record, plan: without } }, CONDITIONS);
    expect(found).toMatchObject({ id: 'no-pacing', severity: 'note', text: 'no window pacing: no cls_bpf' });
    expect(ids({ record: { ...record, plan: unpaced } })).toEqual([]);
  });
});

it('what does no harm is not told', () => {
  expect(ids({ clsactHooks: [hook('ingress', [theirs(1, { ends: false }), ours])] })).toEqual([]);
  expect(ids({ clsactHooks: [hook('egress', [ours, theirs(9)])] })).toEqual([]);
  expect(ids({ flowtables: [{ name: 'ip x f', devices: ['lan0', 'lan1'] }], devicesBelow: ['g0'] })).toEqual(
    [],
  );
  // The other line is shaped as well; or this one is not where the internet is.
  const two = { ...layers, defaultRoutes: ['ppp0', 'eth1'] };
  expect(ids({ layers: two, shapedDevices: ['ppp0', 'eth1'] })).toEqual([]);
  expect(ids({ ingress: { kind: 'clsact', actions: 'open', isOurs: true } })).toEqual([]);
});

it('a pause says how long it is, what comes back, and when it should be back', () => {
  const told = (changes: Partial<typeof paused> | { untilMs: null }): string | undefined =>
    conditionsOf(
      { device: 'ppp0', link, record: undefined, paused: { ...paused, ...changes } },
      CONDITIONS,
    )[0]?.text;
  const begun = 'ppp0 was paused by the page of inetgw serve at 2026-11-28T09:00:00.000Z, until';
  const rates = 'up 210 kbit/s, down 1710 kbit/s';
  expect(told({})).toBe(`${begun} 2026-11-28T10:00:00.000Z; then ${rates} come back`);
  expect(told({ untilMs: null })).toBe(`${begun} somebody resumes it; then ${rates} come back`);
  expect(told({ isOver: true })).toContain(`since then ${rates} should be back`);
  expect(ids({ paused })).toEqual([]);
});

it('of a device that is another one, nothing is said of queues', () => {
  const root = { kind: 'pfifo', handle: '5:', standing: 'other', isOurs: false } as const;
  expect(ids({ link: { ...link, ifindex: 9 }, root, queueDevice: 'absent' })).toEqual(['device-recreated']);
});

it('several are told in the order of the table; each line says what to do, and ends in its name', () => {
  const found = conditionsOf(
    { ...well, link: { ...link, mtuBytes: 9000 }, queueDevice: 'absent' },
    CONDITIONS,
  );
  expect(found.map(conditionLine)).toEqual([
    'the MTU of ppp0 is 9000 and was 1492 when it was set up: longer packets are lost; set it up again: inetgw ppp0 UP DOWN [mtu-raised]',
    'igw-ppp0, through which everything that comes in passes, is gone; set it up again: inetgw ppp0 UP DOWN [ifb-gone]',
  ]);
  expect([isBroken(found), isBroken([])]).toEqual([true, false]);
});

it('names are for programs, and no two are alike', () => {
  const names = CONDITIONS.map(({ id }) => id);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
});
