/**
 * Readings once a second at little cost: each time the counters alone, by the programs that count, and now and then all that
 * `inetgw DEV` reads, which finds what was taken away.
 */
import { UserError } from '../../../core/errors.ts';
import type { FoundCondition } from '../../../conditions/condition.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { WatchReading } from '../../../report/watch/figures.ts';
import { statisticsOf } from '../../../report/statistics/statistics.ts';
import { readReadings } from '../../../system/check/readings.ts';
import { run } from '../../../system/exec/run.ts';
import { noSuchDevice } from '../../../system/link/link.ts';
import { readDevice } from '../show/readDevice.ts';

/** Twice as often as a person is likely to look away; a whole look costs about as much as five of the counters. */
const WHOLE_LOOK_EVERY_MS = 10_000;

interface Known {
  plan: Plan;
  since: string;
  conditions: readonly FoundCondition[];
  isWhole: boolean;
  /** When all of it was looked at. */
  atMs: number;
}

export class WatchReader {
  readonly #device: string;
  #known: Known | undefined;

  constructor(device: string) {
    this.#device = device;
  }

  /** @throws UserError where there is no such device and never was, or where it cannot be read */
  async read(): Promise<WatchReading> {
    const known = this.#known;
    if (known === undefined || performance.now() - known.atMs >= WHOLE_LOOK_EVERY_MS) return this.#whole();
    try {
      const { plan, since, conditions, isWhole } = known;
      // Before, as readDevice has it: how long all programs take together differs from look to look.
      const atMs = performance.now();
      const readings = await readReadings(plan, false, run);
      const statistics = statisticsOf(plan, since, readings, conditions);
      return { device: this.#device, atMs, conditions, isWhole, statistics };
    } catch (error) {
      // The device, or what stood on it, went away.
      if (error instanceof UserError) return this.#whole();
      throw error;
    }
  }

  async #whole(): Promise<WatchReading> {
    const { current, atMs, conditions, statistics, isWhole, isAbsent } = await readDevice(this.#device);
    if (isAbsent && current.record === undefined) throw await noSuchDevice(this.#device);
    const { inForce, record } = current;
    this.#known =
      inForce === undefined || record === undefined
        ? undefined
        : { plan: inForce, since: record.since, conditions, isWhole, atMs };
    return { device: this.#device, atMs, conditions, isWhole, statistics };
  }
}
