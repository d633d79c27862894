/** Changes that were typed, applied to a forwarder's options. Pure apart from reading schedule files. */
import { failure } from '../../core/errors.ts';
import { CONFIG_LIMIT_BYTES, readTextFile, whyUnreadable } from '../../system/exec/textFile.ts';
import { type Direction, DIRECTIONS, type Limits } from '../settings/direction.ts';
import { type Faults, NO_FAULTS, withFault } from '../settings/faults.ts';
import type { ForwarderOptions, Schedules } from '../forwarding/forwarder.ts';
import type { FaultChanges, LimitChanges } from '../settings/grammar.ts';
import { parseSchedule, type ScheduleStep } from '../settings/schedule.ts';

/** The limits with changes; zero takes a limit away, `bandwidth` is both directions. */
export function withLimits(options: ForwarderOptions, changes: LimitChanges): ForwarderOptions {
  const change = (old: Limits, both: number | undefined, up?: number, down?: number): Limits => {
    const one = (was: number | undefined, specific: number | undefined): number | undefined => {
      const value = specific ?? both;
      return value === undefined ? was : value === 0 ? undefined : value;
    };
    return { up: one(old.up, up), down: one(old.down, down) };
  };
  const { group = options.group, accept_proxy: acceptProxy = options.acceptProxy } = changes;
  const { send_proxy: sendProxy = options.sendProxy } = changes;
  return {
    ...options,
    group: group === 'off' ? undefined : group,
    acceptProxy,
    sendProxy: sendProxy === 'off' ? undefined : sendProxy,
    limits: change(options.limits, changes.bandwidth, changes.up, changes.down),
    connectionLimits: change(
      options.connectionLimits,
      changes.conn_bandwidth,
      changes.conn_up,
      changes.conn_down,
    ),
  };
}

/** The faults of some directions with changes, or what is wrong with one. */
export function withFaults(
  options: ForwarderOptions,
  directions: readonly Direction[],
  changes: FaultChanges,
): ForwarderOptions | string {
  const faults: Record<Direction, Faults> = { ...options.faults };
  for (const direction of directions) {
    if (changes === 'off') {
      faults[direction] = NO_FAULTS;
      continue;
    }
    for (const { word, value } of changes) {
      const changed = withFault(faults[direction], word, value);
      if (typeof changed === 'string') return changed;
      faults[direction] = changed;
    }
  }
  return { ...options, faults };
}

/** Reads the schedule files that the faults name. Throws a `UserError` that names file and line. */
export async function loadSchedules(options: ForwarderOptions): Promise<Schedules> {
  const load = async (direction: Direction): Promise<readonly ScheduleStep[] | undefined> => {
    const { scheduleFile } = options.faults[direction];
    if (scheduleFile === undefined) return undefined;
    const text = await readTextFile(scheduleFile, {
      limitBytes: CONFIG_LIMIT_BYTES,
      regularOnly: true,
    }).catch((error: unknown) => {
      throw failure(`cannot read the schedule ${scheduleFile}: ${whyUnreadable(error)}`);
    });
    const steps = parseSchedule(text);
    if (typeof steps === 'string') throw failure(`${scheduleFile}: ${steps}`);
    return steps;
  };
  const [up, down] = await Promise.all(DIRECTIONS.map(load));
  return { up, down };
}

/** `bandwidth 1024 conn_up 100`: the limits as they are typed; empty without limits. */
export function formatLimits(options: ForwarderOptions): string {
  const { connectionLimits, group, acceptProxy, sendProxy } = options;
  return [
    formatTotal(options.limits),
    ...limitWords(connectionLimits, 'conn_bandwidth', 'conn_up', 'conn_down'),
    group === undefined ? '' : `group ${group}`,
    acceptProxy ? 'accept_proxy on' : '',
    sendProxy === undefined ? '' : `send_proxy ${sendProxy}`,
  ]
    .filter((each) => each !== '')
    .join(' ');
}

/** `bandwidth 1024`, `up 10 down 100`. */
export function formatTotal(limits: Limits): string {
  return limitWords(limits, 'bandwidth', 'up', 'down').join(' ');
}

function limitWords(limits: Limits, both: string, up: string, down: string): string[] {
  if (limits.up !== undefined && limits.up === limits.down) return [`${both} ${limits.up}`];
  return [
    ...(limits.up === undefined ? [] : [`${up} ${limits.up}`]),
    ...(limits.down === undefined ? [] : [`${down} ${limits.down}`]),
  ];
}
