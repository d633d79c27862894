/** The faults of one direction that go by time: stalls and the bandwidth schedule. */
import type { Faults } from '../settings/faults.ts';
import { type ScheduleStep, stepAt } from '../settings/schedule.ts';

export class FaultClock {
  /** True while a stall or an outage of the schedule lets nothing pass. */
  held = false;
  /** The schedule's limit at this moment, bytes per second. */
  scheduledBytesPerSec: number | undefined;
  #timers: NodeJS.Timeout[] = [];
  #stalled = false;
  #outage = false;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Begins the stalls and the schedule anew. `steps` is what the schedule file says. */
  start(faults: Faults, steps: readonly ScheduleStep[] | undefined): void {
    this.stop();
    this.#stalled = faults.stall?.forMs === Infinity;
    if (faults.stall !== undefined && faults.stall.forMs !== Infinity) this.#stall(faults.stall, false, 0);
    if (steps !== undefined) this.#schedule(steps, performance.now(), 1);
    this.#apply();
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#stalled = false;
    this.#outage = false;
    this.scheduledBytesPerSec = undefined;
    this.held = false;
  }

  #apply(): void {
    this.held = this.#stalled || this.#outage;
    this.#changed();
  }

  #stall(stall: { everyMs: number; forMs: number }, stalled: boolean, slot: number): void {
    this.#stalled = stalled;
    this.#timers[slot] = setTimeout(
      () => {
        this.#stall(stall, !stalled, slot);
        this.#apply();
      },
      stalled ? stall.forMs : stall.everyMs - stall.forMs,
    );
    this.#timers[slot].unref();
  }

  #schedule(steps: readonly ScheduleStep[], startedMs: number, slot: number): void {
    const now = stepAt(steps, performance.now() - startedMs);
    if (now === undefined) return;
    this.#outage = now.step.rateBytesPerSec === 0;
    this.scheduledBytesPerSec = this.#outage ? undefined : now.step.rateBytesPerSec;
    this.#timers[slot] = setTimeout(() => {
      this.#schedule(steps, startedMs, slot);
      this.#apply();
    }, Math.ceil(now.nextInMs));
    this.#timers[slot].unref();
  }
}
