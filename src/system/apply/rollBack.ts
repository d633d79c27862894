/** Rolling back: what was in force before comes back, or nothing of ours is left. */
import type { UserError } from '../../core/errors.ts';
import type { FirewallBackend } from '../../plan/input/settings.ts';
import type { Plan } from '../../plan/plan.ts';
import { tcStep } from '../../plan/steps.ts';
import { beside, setUpLines, tearDownLines } from '../../tc/batch.ts';
import { foreignRoot, ifindexesOf, readCurrent, withoutForeign, type Current } from '../device/device.ts';
import { removeMaps, removeProgram, writePacingObject } from '../device/pacing.ts';
import { installQueueDevice, removeQueueDevice } from '../device/queueDevice.ts';
import { removeStrayActions } from '../device/strayActions.ts';
import { Parts } from '../exec/parts.ts';
import type { Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';
import { removeState, tablesOf, writeState } from '../record/state.ts';
import { families, installFirewall, removeFirewall } from './firewall.ts';
import { removeMadeTables } from './madeTables.ts';
import { tearDown } from './tearDown.ts';

export interface Earlier {
  plan: Plan;
  since: string;
}

/** What is in force on the device, for a later roll-back. */
export function earlierOf(current: Current): Earlier | undefined {
  const { inForce, record } = current;
  return inForce === undefined || record === undefined ? undefined : { plan: inForce, since: record.since };
}

/** The tools that may carry firewall rules of ours. */
export interface FirewallTools {
  /** Of the plan that stands; undefined: it has none, or is not known. */
  now: FirewallBackend | undefined;
  /** Of the plan before it, if that was another one. */
  before: FirewallBackend | undefined;
}

export interface RolledBack {
  /** The queue of somebody else that stands at root, if one does: it was left alone, and nothing of ours was left. */
  foreign: string | undefined;
  /** Whether the earlier plan's queues stand again. */
  restored: boolean;
  /** What could not be put back or taken away, each with why: everything else was. */
  failures: readonly UserError[];
}

/**
 * Makes `earlier` what is in force on the device, whatever of ours stands there now; undefined: nothing of ours
 * is left. A device that is gone keeps nothing but its firewall rules and its record: those are taken away. So it is
 * where another device has its name meanwhile (a ppp link that came up anew): nothing is put onto that one.
 * Whatever is missing or refuses, the rest is done.
 */
export async function rollBack(
  device: string,
  earlier: Earlier | undefined,
  tools: FirewallTools,
  run: Runner,
): Promise<RolledBack> {
  const parts = new Parts();
  const current = await readCurrent(device, run, (error) => {
    parts.note('see what stands there', error);
  });
  const readable = parts.failures.length === 0;
  const { link, view } = current;
  await removeFirewall(device, tools.now, parts, run);
  const foreign = foreignRoot(current);
  const isSameDevice = link !== undefined && link.ifindex === earlier?.plan.link.ifindex;
  const back = isSameDevice && foreign === undefined && readable ? earlier : undefined;
  const ours = withoutForeign(current);
  if (earlier !== undefined) await parts.do('take away actions', () => removeStrayActions(earlier.plan, run));
  const restored =
    back !== undefined &&
    (await parts.do('put back the earlier queues', async () => {
      if (back.plan.pacing !== undefined) await writePacingObject(back.plan.pacing);
      await installQueueDevice(back.plan, run);
      const setUp = setUpLines(beside(back.plan.tc, device, view));
      await runStep(tcStep([...tearDownLines(device, ours), ...setUp]), run);
    }));
  // Half of the earlier queues would be no better than none.
  const left =
    restored || back === undefined
      ? ours
      : await parts.get('', async () => withoutForeign(await readCurrent(device, run)), ours);
  const gone = restored || ((await tearDown(device, left, parts, run)) && readable);
  await removeUnused(restored ? back.plan : undefined, current, parts, run);
  if (restored) {
    await parts.do('put back the earlier firewall rules', async () =>
      installFirewall(back.plan, 'nothing', await families(), run),
    );
    await parts.do('record the earlier settings', () =>
      writeState(device, { phase: 'active', ...back, ...tablesOf(current.record) }),
    );
  } else {
    // It may not have been asked yet, or have failed: without the record nobody would look for its rules any more.
    if (tools.before !== undefined && tools.before !== tools.now)
      await removeFirewall(device, tools.before, parts, run);
    await removeMadeTables(current.record?.madeTables ?? [], run);
    if (gone) await parts.do('take away the record', () => removeState(device));
  }
  return { foreign, restored, failures: parts.failures };
}

/** Takes away what an earlier plan needed besides queues and filters, and `plan` does not; undefined: all of it. */
export async function removeUnused(
  plan: Plan | undefined,
  current: Current,
  parts: Parts,
  run: Runner,
): Promise<void> {
  const { device } = current;
  if (plan?.queueDevice === undefined) {
    await parts.do('take away the device of the local queue', () => removeQueueDevice(device, run));
  }
  const ifindexes = ifindexesOf(current);
  await parts.do('take away the pacing program', () =>
    plan?.pacing === undefined
      ? removeProgram(device, ifindexes)
      : removeMaps(ifindexes.filter((ifindex) => ifindex !== plan.link.ifindex)),
  );
}
