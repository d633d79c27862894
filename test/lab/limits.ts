/**
 * When a guest is taken for hung. What counts is the guest's own clock, so that a busy host decides nothing: it
 * slows guest and clock alike. Two stops remain for what that clock cannot show: a clock that stands still, and
 * real time without end. Pure.
 */
export interface Limits {
  /** The guest's time that a request may take. */
  guestMs: number;
  /** Looks at the guest in a row, a second of real time or more apart, between which nothing happened in it. */
  standstills: number;
  /** Real time, whatever the guest's clock shows. */
  realMs: number;
}

/** What QEMU says about a guest. */
export interface Look {
  /** What the guest's clock shows. */
  clockMs: number;
  /** How many instructions it has executed: goes on where the clock, in whole seconds, does not yet. */
  instructions: number;
}

/** Watches one request. */
export class Watch {
  readonly #limits: Limits;
  readonly #realStartMs: number;
  #firstMs: number | undefined;
  #last: Look = { clockMs: 0, instructions: 0 };
  #standstills = 0;

  constructor(limits: Limits, realNowMs: number) {
    this.#limits = limits;
    this.#realStartMs = realNowMs;
  }

  /** The first look is where the request began. */
  look(now: Look): void {
    this.#firstMs ??= now.clockMs;
    const still = now.clockMs === this.#last.clockMs && now.instructions === this.#last.instructions;
    this.#standstills = still ? this.#standstills + 1 : 0;
    this.#last = now;
  }

  /** Which limit is exceeded, as the end of "the guest did not answer …"; undefined while none is. */
  exceeded(realNowMs: number): string | undefined {
    const { guestMs, standstills, realMs } = this.#limits;
    const { clockMs } = this.#last;
    if (clockMs - (this.#firstMs ?? clockMs) > guestMs) return `within ${guestMs / 1000} s of its time`;
    if (this.#standstills >= standstills) return 'and stands still';
    if (realNowMs - this.#realStartMs > realMs) return `within ${realMs / 1000} s of real time`;
    return undefined;
  }
}

/** QEMU's answer to `qom-get /machine rtc-time`: a C struct tm of the guest's clock chip, in whole seconds. */
export interface RtcTime {
  tm_year: number;
  tm_mon: number;
  tm_mday: number;
  tm_hour: number;
  tm_min: number;
  tm_sec: number;
}

export function rtcMs(time: RtcTime): number {
  const { tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec } = time;
  return Date.UTC(1900 + tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec);
}
