/** Taking away everything that inetgw has put on a device. */
import type { UserError } from '../errors.ts';
import { tcStep } from '../shaper/steps.ts';
import { filterRemovalLines, type TcView } from '../tc/batch.ts';
import type { FilterLine } from '../tc/parse.ts';
import {
  describeFilters,
  ifindexesOf,
  othersFilters,
  readCurrent,
  withoutForeign,
  type Current,
} from './device.ts';
import { removeAllFirewall } from './firewall.ts';
import { removeProgram } from './pacing.ts';
import { Parts } from './parts.ts';
import { removeQueueDevice } from './queueDevice.ts';
import type { Runner } from './run.ts';
import { runStep } from './runStep.ts';
import { removeState, writeState } from './state.ts';
import { removeStrayActions } from './strayActions.ts';
import { tearDown } from './tearDown.ts';

export interface ClearOutcome {
  /** False: there was nothing of ours. */
  cleared: boolean;
  deviceGone: boolean;
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
 */
export async function clear(device: string, run: Runner): Promise<Cleared> {
  const parts = new Parts();
  const current = await readCurrent(device, run, (error) => {
    parts.note('see and take away the queues', error);
  });
  const readable = parts.failures.length === 0;
  const { view, record } = current;
  const leftAlone: string[] = [];
  if (record !== undefined && record.phase === 'active') {
    // Killed from here on, the next run knows that something may be missing.
    const { plan, since } = record;
    await parts.do('record that it is being cleared', () =>
      writeState(device, { phase: 'changing', plan, since }),
    );
  }
  const ours = await removeBesideOthers(withoutForeign(current), current, parts, leftAlone, run);
  const queuesGone = (await tearDown(device, ours, parts, run)) && readable;
  const { root, ingress } = view;
  if (root !== undefined && !current.rootIsOurs) leftAlone.push(`root qdisc ${root.kind} ${root.handle}`);
  if (ingress !== undefined && !current.ingressIsOurs) leftAlone.push(`ingress qdisc ${ingress.kind}`);
  if (record !== undefined && queuesGone) {
    await parts.do('take away actions', () => removeStrayActions(record.plan, run));
  }
  await parts.do('take away the device of the local queue', () => removeQueueDevice(device, run));
  await parts.do('take away the pacing program', () => removeProgram(device, ifindexesOf(current)));
  await removeAllFirewall(device, record?.plan.firewall?.backend, parts, run);
  // Queues that stand are known to be ours by the record alone; all else is found without it.
  if (queuesGone) await parts.do('take away the record', () => removeState(device));
  return {
    cleared: current.ours || record !== undefined,
    deviceGone: current.link === undefined,
    leftAlone,
    failures: parts.failures,
  };
}

/**
 * Where filters of others hang at our ingress queue, our own filters are taken away and the queue stays.
 * @returns what of `ours` is left to be taken away
 */
async function removeBesideOthers(
  ours: TcView,
  { device, record }: Current,
  parts: Parts,
  leftAlone: string[],
  run: Runner,
): Promise<TcView> {
  const { ingress } = ours;
  if (record === undefined || ingress === undefined) return ours;
  const { plan } = record;
  const look = (): Promise<FilterLine[]> => othersFilters(plan, ours, true, run);
  const others = await parts.get('see whether others have filters there', look, []);
  if (others.length === 0) return ours;
  leftAlone.push(`${describeFilters(others)} at the ${ingress.kind} qdisc`);
  const step = { ...tcStep(filterRemovalLines(plan.tc, device)), what: 'the ingress filters' };
  await parts.do('take away the ingress filters', () => runStep(step, run, { doing: 'taking away' }));
  return { ...ours, ingress: undefined };
}
