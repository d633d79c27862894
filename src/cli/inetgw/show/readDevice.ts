/** What is read of a device for whoever shows it: `inetgw DEV`, `inetgw metrics`. */
import type { FoundCondition } from '../../../conditions/condition.ts';
import { isBroken, isElsewhere } from '../../../conditions/table.ts';
import type { Connection } from '../../../plan/pacing/accounts.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { Readings } from '../../../plan/readings.ts';
import type { FollowingStatistics } from '../../../report/statistics/following.ts';
import { statisticsOf, type Statistics } from '../../../report/statistics/statistics.ts';
import { readConditions } from '../../../system/check/conditions.ts';
import { readReadings } from '../../../system/check/readings.ts';
import { readCurrent, type Current } from '../../../system/device/device.ts';
import { hasNetAdmin, requireNetAdmin } from '../../../system/exec/privilege.ts';
import { isFollowed, isOfPlan, readFollowing } from '../../../system/record/following.ts';
import { run } from '../../../system/exec/run.ts';

export interface ReadDevice {
  current: Current;
  /** When the programs that tell the counters were started, on a clock that is never set, in ms. */
  atMs: number;
  /** What can be said of it: of a plan that is not in force, only what keeps it from being so. */
  conditions: readonly FoundCondition[];
  /** Undefined: nothing is in force. */
  statistics: Statistics | undefined;
  /** What window pacing remembers; undefined: it cannot be read. */
  remembered: readonly Connection[] | undefined;
  /** All that was set is in force. */
  isWhole: boolean;
  /** There is no such device, nor is what was set up under this name anywhere else. */
  isAbsent: boolean;
}

/** @throws UserError where the counters of what is in force cannot be read, for lack of a privilege among others */
export async function readDevice(device: string): Promise<ReadDevice> {
  const current = await readCurrent(device, run);
  const { found, firewall } = await readConditions(current, await hasNetAdmin(), run);
  const { inForce, record, link } = current;
  const isAbsent = link === undefined && !isElsewhere(found);
  if (inForce === undefined || record === undefined) {
    // What is said of a plan holds for one that was in force: not before it is, nor while it is being changed.
    const told = record?.phase === 'active' ? found : found.filter(({ severity }) => severity === 'broken');
    return {
      current,
      atMs: performance.now(),
      conditions: told,
      statistics: undefined,
      remembered: undefined,
      isWhole: false,
      isAbsent,
    };
  }
  await requireNetAdmin('reading the counters');
  const atMs = performance.now();
  const readings = await readReadings(inForce, firewall?.state === 'whole', run);
  const followed = await readFollowed(inForce);
  const statistics = statisticsOf(inForce, record.since, readings, found, followed);
  const remembered = rememberedIn(readings);
  return { current, atMs, conditions: found, statistics, remembered, isWhole: !isBroken(found), isAbsent };
}

/** What window pacing remembers of connections; undefined: it cannot be read. Without window pacing there are none. */
export function rememberedIn({ pacing }: Readings): readonly Connection[] | undefined {
  return pacing === undefined ? [] : pacing.accounts?.connections;
}

/** The rates in force where they follow the line, as far as they are those of this plan. */
export async function readFollowed(plan: Plan): Promise<Omit<FollowingStatistics, 'limits'>> {
  const told = plan.follows === undefined ? undefined : await readFollowing(plan.device);
  if (told === undefined || !isOfPlan(told, plan)) return { pid: null };
  return { pid: (await isFollowed(told)) ? told.pid : null, up: told.up, down: told.down };
}
