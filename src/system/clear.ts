/** Taking away everything that inetgw has put on a device. */
import { tearDownLines } from '../tc/batch.ts';
import { tcStep } from '../shaper/steps.ts';
import { ifindexesOf, readCurrent, withoutForeign } from './device.ts';
import { removeFirewall } from './firewall.ts';
import { findLink } from './link.ts';
import { removeProgram } from './pacing.ts';
import { removeQueueDevice } from './queueDevice.ts';
import type { Runner } from './run.ts';
import { runStep } from './runStep.ts';
import { removeState, writeState } from './state.ts';
import { removeStrayActions } from './strayActions.ts';

export interface ClearOutcome {
  /** False: there was nothing of ours. */
  cleared: boolean;
  deviceGone: boolean;
  /** Queues that somebody else has put there: left alone. */
  leftAlone: readonly string[];
}

/**
 * Clearing what is not there is fine, and so is a device that is gone: its queues went with it, its
 * firewall rules did not. The caller holds the device's lock.
 */
export async function clear(device: string, run: Runner): Promise<ClearOutcome> {
  const current = await readCurrent(device, run);
  const { view, record } = current;
  const leftAlone: string[] = [];
  if (record !== undefined && record.phase === 'active') {
    // Killed from here on, the next run knows that something may be missing.
    await writeState(device, { phase: 'changing', plan: record.plan, since: record.since });
  }
  // Where somebody else has taken the root, the ingress may still be ours.
  const ours = current.ours ? view : await withoutForeign(current, record?.plan, run);
  const lines = tearDownLines(device, ours);
  if (lines.length > 0) {
    try {
      await runStep(tcStep(lines), run);
    } catch (error) {
      // It may have gone away since we looked.
      if ((await findLink(device)) !== undefined) throw error;
    }
  }
  const { root, ingress } = view;
  if (root !== undefined && ours.root === undefined) leftAlone.push(`root qdisc ${root.kind} ${root.handle}`);
  if (ingress !== undefined && ours.ingress === undefined) leftAlone.push(`ingress qdisc ${ingress.kind}`);
  if (record !== undefined) await removeStrayActions(record.plan, run);
  await removeQueueDevice(device, run);
  await removeProgram(device, ifindexesOf(current));
  await removeFirewall(device, record?.plan.firewall?.backend, run);
  await removeState(device);
  return {
    cleared: current.ours || record !== undefined,
    deviceGone: current.link === undefined,
    leftAlone,
  };
}
