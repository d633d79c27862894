/** What a trial that came to nothing says of the kernel: nothing. What the kernel said no to is remembered. */
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../../src/config/fromArguments.ts';
import type { KernelFacts } from '../../../../src/plan/input/link.ts';
import { makePlan, type Plan } from '../../../../src/plan/plan.ts';
import {
  modulesOf,
  rehearse,
  rehearseQueueDevice,
  type Rehearsal,
} from '../../../../src/system/apply/rehearse.ts';
import { ProgramError, type Runner } from '../../../../src/system/exec/run.ts';
import { without } from '../../../../src/system/apply/fallbacks.ts';

const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
const kernel: KernelFacts = { leafQdisc: 'cake', pacingObjectFile: '/run/inetgw/ppp0.pacing.o' };
const paced = makePlan(settings, link, kernel, 'nft');

/** Every program ends like this. */
const endingWith =
  (code: number, stderr: string): Runner =>
  (argv) =>
    Promise.reject(new ProgramError(argv, { code, stdout: '', stderr }, `'${argv.join(' ')}' failed`));

function planAfter(rehearsal: Rehearsal): Plan {
  expect(rehearsal.ok).toBe(false);
  if (rehearsal.ok) return paced;
  const next = without(rehearsal, paced, kernel, settings);
  expect(next?.notice).toContain('no window pacing here');
  return makePlan(settings, link, next?.kernel ?? kernel, 'nft');
}

describe('window pacing after a rehearsal that failed', () => {
  const program = paced.tc.findIndex(({ type }) => type === 'program') + 1;

  it('is not tried again where tc named the line', async () => {
    expect(program).toBeGreaterThan(0);
    const stderr = `Error: bpf: Unable to load.\nCommand failed -:${program}\n`;
    const plan = planAfter(await rehearse(paced.tc, endingWith(1, stderr)));
    expect([plan.pacing, plan.pacingMissing]).toEqual([undefined, true]);
  });

  it.each([
    ['hung or was killed', -1, ''],
    ['could not make a namespace', 1, 'unshare: unshare failed: No space left on device\n'],
  ])('is left out this time only, where the program %s', async (_, code, stderr) => {
    const plan = planAfter(await rehearse(paced.tc, endingWith(code, stderr)));
    expect([plan.pacing, plan.pacingMissing]).toEqual([undefined, undefined]);
  });

  it('the same of the device of its queue', async () => {
    const no = await rehearseQueueDevice(endingWith(2, 'Error: Unknown device type.\n'));
    const hung = await rehearseQueueDevice(endingWith(-1, ''));
    // On a machine whose kernel has the module there is nothing to try.
    if (no.ok || hung.ok) return;
    expect(planAfter(no).pacingMissing).toBe(true);
    expect(planAfter(hung).pacingMissing).toBeUndefined();
  });
});

it.each([
  ['TC classifier not found.', ['cls_matchall']],
  ['Failed to load TC action module.', ['act_police', 'act_mirred']],
  ['RTNETLINK answers: No such file or directory', ['cls_matchall', 'act_police', 'act_mirred']],
])('names the modules that "%s" is about', (reason, modules) => {
  const stage = paced.tc.find((object) => object.type === 'filter' && object.actions[0]?.kind === 'police');
  expect(stage === undefined ? undefined : modulesOf(stage, reason)).toEqual(modules);
});
