/** Limits by time of day, put in force when their minute comes, also where the clock was set meanwhile. */
import type { TimedLimits, Times } from '../settings/times.ts';
import { type InForce, inForce, same } from '../times/inForce.ts';
import { localOffsetMs, readZoneAgain } from './localTime.ts';

/** So long at most until a clock that was set, or another time zone, is noticed. */
const LOOK_MS = 10_000;

/** The times of one: the process, a forwarder, a group. */
export class Timed {
  times: Times = [];
  #now: InForce = { limits: {}, untilMs: undefined };
  #taken: TimedLimits = {};

  /** What holds instead of what is set. */
  get limits(): TimedLimits {
    return this.#now.limits;
  }

  /** The moment of the next change. */
  get untilMs(): number | undefined {
    return this.#now.untilMs;
  }

  set(times: Times): void {
    this.times = times;
    this.look();
  }

  look(): void {
    this.#now = inForce(this.times, Date.now(), localOffsetMs);
  }

  /** True if what holds is something else than when it was asked last. */
  take(): boolean {
    const isOther = !same(this.#taken, this.limits);
    this.#taken = this.limits;
    return isOther;
  }
}

export class Timetable {
  readonly #all: () => Iterable<Timed>;
  readonly #changed: (those: ReadonlySet<Timed>) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is told of those whose limits are others now. */
  constructor(all: () => Iterable<Timed>, changed: (those: ReadonlySet<Timed>) => void) {
    this.#all = all;
    this.#changed = changed;
  }

  /** Looks at the clock, and again when the next change is due. To be called after times were set, too. */
  look(): void {
    this.stop();
    const all = new Set(this.#all());
    if ([...all].some(({ times }) => times.length > 0)) {
      readZoneAgain();
      for (const each of all) each.look();
      const dueMs = Math.min(...[...all].map(({ untilMs }) => untilMs ?? Infinity)) - Date.now();
      this.#timer = setTimeout(
        () => {
          this.look();
        },
        Math.min(Math.max(dueMs, 1), LOOK_MS),
      ).unref();
    }
    const others = new Set([...all].filter((each) => each.take()));
    if (others.size > 0) this.#changed(others);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
