/** Taking away everything that inetgw has put on a device. */
import type { UserError } from '../../core/errors.ts';
import { ifindexesOf, readCurrent, readRenamed } from '../device/device.ts';
import { removeAllFirewall } from './firewall.ts';
import { removeMadeTables } from './madeTables.ts';
import { removeProgram } from '../device/pacing.ts';
import { Parts } from '../exec/parts.ts';
import { removeQueueDevice } from '../device/queueDevice.ts';
import type { Runner } from '../exec/run.ts';
import { removePaused } from '../record/paused.ts';
import { removeState, writeState } from '../record/state.ts';
import { removeStrayActions } from '../device/strayActions.ts';
import { tearDown } from './tearDown.ts';
import { toTakeAway } from './toTakeAway.ts';

export interface ClearOutcome {
  /** False: there was nothing of ours. */
  cleared: boolean;
  deviceGone: boolean;
  /** What the device is called now, if it was renamed. */
  newName?: string;
  /** Queues that somebody else has put there: left alone. */
  leftAlone: readonly string[];
}

export interface Cleared extends ClearOutcome {
  /** What could not be taken away, each with why: everything else was. */
  failures: readonly UserError[];
}

/**
 * Clearing what is not there is fine, and so is a device that is gone: its queues went with it, its
 * firewall rules did not. Whatever is missing or refuses, the rest is taken away. The caller holds the device's lock.
 * @param options `keepsPause`: it is cleared for a pause, whose note stays
 */
export async function clear(
  device: string,
  run: Runner,
  { keepsPause = false }: { keepsPause?: boolean } = {},
): Promise<Cleared> {
  const parts = new Parts();
  const unread = (error: UserError): void => {
    parts.note('see and take away the queues', error);
  };
  const current = await readCurrent(device, run, unread);
  const renamed = await readRenamed(current, run, unread);
  const readable = parts.failures.length === 0;
  const { record } = current;
  const marking = new Parts();
  if (record !== undefined && record.phase === 'active') {
    // Killed from here on, the next run knows that something may be missing.
    const { plan, since } = record;
    await marking.do('record that it is being cleared', () =>
      writeState(device, { phase: 'changing', plan, since }),
    );
  }
  const { ours, leftAlone } = toTakeAway(renamed ?? current, parts);
  const queuesGone = (await tearDown(renamed?.device ?? device, ours, parts, run)) && readable;
  if (record !== undefined && queuesGone) {
    await parts.do('take away actions', () => removeStrayActions(record.plan, run));
  }
  await parts.do('take away the device of the local queue', () => removeQueueDevice(device, run));
  await parts.do('take away the pacing program', () => removeProgram(device, ifindexesOf(current)));
  await removeAllFirewall(device, record?.plan.firewall?.backend, parts, run);
  await removeMadeTables(record?.madeTables ?? [], run);
  const wasPaused = !keepsPause && (await parts.get('end its pause', () => removePaused(device), false));
  // Queues that stand are known to be ours by the record alone; all else is found without it.
  const recordGone = queuesGone && (await parts.do('take away the record', () => removeState(device)));
  return {
    cleared: current.ours || record !== undefined || wasPaused,
    deviceGone: current.link === undefined && renamed === undefined,
    ...(renamed === undefined ? {} : { newName: renamed.device }),
    leftAlone,
    // A mark that could not be set on a record that is gone is nobody's loss.
    failures: recordGone ? parts.failures : [...marking.failures, ...parts.failures],
  };
}
