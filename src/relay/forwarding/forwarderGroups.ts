/** Groups of forwarders, each under a limit of its own beside those of its forwarders and of the process. */
import { type Direction, DIRECTIONS, type Limits, NO_LIMITS } from '../settings/direction.ts';
import type { Group } from '../scheduler/flows.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { type Times, withTimes } from '../settings/times.ts';
import { Timed } from './timetable.ts';

export interface ForwarderGroup {
  /** As they are set; at some times others are in force. */
  limits: Limits;
  readonly timed: Timed;
  readonly groups: Readonly<Record<Direction, Group>>;
}

export class ForwarderGroups {
  readonly #schedulers: Readonly<Record<Direction, Scheduler>>;
  readonly #named = new Map<string, ForwarderGroup>();

  constructor(schedulers: Readonly<Record<Direction, Scheduler>>) {
    this.#schedulers = schedulers;
  }

  get names(): readonly string[] {
    return [...this.#named.keys()].sort();
  }

  get all(): Iterable<[string, ForwarderGroup]> {
    return this.#named;
  }

  get(name: string | undefined): ForwarderGroup | undefined {
    return name === undefined ? undefined : this.#named.get(name);
  }

  /** Makes it if there is none of that name. */
  set(name: string, limits: Limits, times?: Times): void {
    const nowMs = performance.now();
    const { up, down } = this.#schedulers;
    const group = this.#named.get(name) ?? {
      limits: NO_LIMITS,
      timed: new Timed(),
      groups: { up: up.addGroup(nowMs), down: down.addGroup(nowMs) },
    };
    this.#named.set(name, group);
    group.limits = limits;
    if (times !== undefined) group.timed.set(times);
    this.refresh();
  }

  /** The limit in force. */
  limit(name: string | undefined, direction: Direction): number | undefined {
    const group = this.get(name);
    return group === undefined ? undefined : withTimes(group.limits, group.timed.limits)[direction];
  }

  /** Limits may have changed. */
  refresh(): void {
    const nowMs = performance.now();
    for (const [name, { groups }] of this.#named)
      for (const direction of DIRECTIONS)
        this.#schedulers[direction].setGroupLimit(groups[direction], this.limit(name, direction), nowMs);
  }

  /** False if there is none. */
  delete(name: string): boolean {
    return this.#named.delete(name);
  }
}
