/** What a dry run begins with. */
import { expect, it } from 'vitest';
import { planJson, planSummary, type Outlook } from '../../../../src/report/statistics/planSummary.ts';
import type { KernelFacts } from '../../../../src/plan/input/link.ts';
import { makePlan } from '../../../../src/plan/plan.ts';
import {
  DEFAULT_SETTINGS,
  type FirewallBackend,
  type ShaperSettings,
} from '../../../../src/plan/input/settings.ts';
import { firewallSteps, tcStep } from '../../../../src/plan/steps.ts';

function outlook(
  changes: Partial<ShaperSettings>,
  kernel: Partial<KernelFacts> = {},
  backend: FirewallBackend = 'nft',
): Outlook {
  const rates = { upBitPerSec: 10_000_000, downBitPerSec: 50_000_000 };
  const settings = { ...DEFAULT_SETTINGS, device: 'eth1', ...rates, ...changes };
  const link = { device: 'eth1', ifindex: 3, kind: 'ethernet', mtuBytes: 1500 } as const;
  const plan = makePlan(settings, link, { leafQdisc: 'cake', ...kernel }, backend);
  const common = { how: 'anew' as const, steps: [tcStep(['x'])], deviceExists: true, notices: [] };
  return { settings, plan, ...common, program: undefined };
}

it('tells rates, classes, framing with its reason, ingress, pacing, firewall and programs', async () => {
  const text = planSummary(outlook({ pacing: 'off' }));
  await expect(text).toMatchFileSnapshot('../../../golden/files/plan-summary.txt');
});

it('tells what is shaped where, and that framing was said', () => {
  const framing = { name: 'raw', linkLayer: 'ethernet', overheadBytes: 0, mpuBytes: 0 } as const;
  const shaped = outlook({ ingress: 'shape-cake', framing }, { ingress: 'cake' });
  expect(planSummary(shaped)).toContain('  downlink  50 Mbit/s, shaped by cake on igw-eth1\n');
  expect(planSummary(shaped)).toContain('(raw)\n            as was said\n');
  expect(planJson(shaped)).toMatchObject({ ingress: 'cake', queueDevice: 'igw-eth1', framingFrom: 'said' });
});

it.each([
  ['nft', / comment "(.+)"$/gm],
  ['iptables', /--comment (\S+)/g],
] as const)('counts the rules that %s is given', (backend, names) => {
  const { plan, ...rest } = outlook({}, {}, backend);
  const [step] = firewallSteps(plan, 'nothing', ['ipv4']);
  const given = new Set([...(step?.input ?? '').matchAll(names)].map(([, name]) => name));
  expect(planJson({ plan, ...rest }).firewallRules).toBe(given.size);
  expect(given.size).toBeGreaterThan(20);
});

it('tells that nothing is to be run, and that a kernel cannot pace', () => {
  const none = { ...outlook({}), how: 'in place' as const, steps: [] };
  expect(planSummary(none)).toContain('  programs  none: all of it is in force\n');
  expect(planSummary(none)).toContain('  pacing    none: this kernel or tc cannot\n');
  expect(planJson(none).programs).toEqual([]);
});
