/**
 * Readings once a second at little cost: each time the counters alone, by the programs that count, and now and then all that
 * `inetgw DEV` reads, which finds what was taken away.
 */
import { UserError } from '../../../core/errors.ts';
import type { FoundCondition, RecordReading } from '../../../conditions/condition.ts';
import type { Connection } from '../../../plan/pacing/accounts.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { WatchReading } from '../../../report/watch/figures.ts';
import { statisticsOf } from '../../../report/statistics/statistics.ts';
import { readReadings } from '../../../system/check/readings.ts';
import { run } from '../../../system/exec/run.ts';
import { noSuchDevice } from '../../../system/link/link.ts';
import { recordIdentity } from '../../../system/record/state.ts';
import { readDevice, readFollowed, rememberedIn } from '../show/readDevice.ts';

/** Twice as often as a person is likely to look away; a whole look costs about as much as five of the counters. */
const WHOLE_LOOK_EVERY_MS = 10_000;

/** What `inetgw metrics` and flows need beside it. */
export interface FullReading extends WatchReading {
  phase: RecordReading['phase'] | undefined;
  /** What window pacing remembers; undefined: it cannot be read. */
  remembered: readonly Connection[] | undefined;
}

interface Known {
  plan: Plan;
  phase: RecordReading['phase'];
  /** The firewall rules are there, all of them. */
  hasRules: boolean;
  since: string;
  conditions: readonly FoundCondition[];
  isWhole: boolean;
  /** Of the record: where it is another one, somebody has set the device up anew. */
  identity: string | undefined;
  /** When all of it was looked at. */
  atMs: number;
}

export class WatchReader {
  readonly device: string;
  readonly #everything: boolean;
  #known: Known | undefined;

  /** @param everything each time all that `inetgw DEV --json` has: what the rules counted, and rates that follow the line */
  constructor(device: string, everything = false) {
    this.device = device;
    this.#everything = everything;
  }

  /**
   * @param wholeEveryMs what was taken away is found within so long
   * @throws UserError where there is no such device and never was, or where it cannot be read
   */
  async read(wholeEveryMs = WHOLE_LOOK_EVERY_MS): Promise<FullReading> {
    const known = this.#known;
    if (known === undefined || performance.now() - known.atMs >= wholeEveryMs) return this.#whole();
    if ((await recordIdentity(this.device)) !== known.identity) return this.#whole();
    try {
      const { plan, phase, since, conditions, isWhole } = known;
      // Before, as readDevice has it: how long all programs take together differs from look to look.
      const atMs = performance.now();
      const readings = await readReadings(plan, this.#everything && known.hasRules, run);
      const followed = this.#everything ? await readFollowed(plan) : undefined;
      const statistics = statisticsOf(plan, since, readings, conditions, followed);
      const remembered = rememberedIn(readings);
      return { device: this.device, atMs, phase, conditions, isWhole, statistics, remembered };
    } catch (error) {
      // The device, or what stood on it, went away.
      if (error instanceof UserError) return this.#whole();
      throw error;
    }
  }

  async #whole(): Promise<FullReading> {
    const identity = await recordIdentity(this.device);
    const { current, atMs, conditions, statistics, remembered, isWhole, isAbsent } = await readDevice(
      this.device,
    );
    if (isAbsent && current.record === undefined) throw await noSuchDevice(this.device);
    const { inForce, record } = current;
    this.#known =
      inForce === undefined || record === undefined
        ? undefined
        : {
            ...{
              plan: inForce,
              phase: record.phase,
              since: record.since,
              conditions,
              isWhole,
              atMs,
              identity,
            },
            hasRules: statistics?.firewall.present === true,
          };
    const { phase } = record ?? {};
    return { device: this.device, atMs, phase, conditions, isWhole, statistics, remembered };
  }
}
