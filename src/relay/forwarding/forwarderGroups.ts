/** Groups of forwarders, each under a limit of its own beside those of its forwarders and of the process. */
import { type Direction, DIRECTIONS, type Limits, NO_LIMITS } from '../settings/direction.ts';
import type { Group } from '../scheduler/flows.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';

export interface ForwarderGroup {
  limits: Limits;
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

  get(name: string | undefined): ForwarderGroup | undefined {
    return name === undefined ? undefined : this.#named.get(name);
  }

  /** Makes it if there is none of that name. */
  set(name: string, limits: Limits): void {
    const nowMs = performance.now();
    const { up, down } = this.#schedulers;
    const group = this.#named.get(name) ?? {
      limits: NO_LIMITS,
      groups: { up: up.addGroup(nowMs), down: down.addGroup(nowMs) },
    };
    this.#named.set(name, group);
    group.limits = limits;
    for (const direction of DIRECTIONS)
      this.#schedulers[direction].setGroupLimit(group.groups[direction], limits[direction], nowMs);
  }

  /** False if there is none. */
  delete(name: string): boolean {
    return this.#named.delete(name);
  }
}
