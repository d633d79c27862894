/** The reading since which answer times are told: the last one from before the last 10 s, or the oldest. Pure. */
import type { WatchReading } from './figures.ts';

const SPAN_MS = 10_000;

export class AnswerSpan {
  #readings: WatchReading[] = [];

  /** Undefined: it is the first one. */
  take(now: WatchReading): WatchReading | undefined {
    const old = this.#readings.findLastIndex(({ atMs }) => now.atMs - atMs >= SPAN_MS);
    this.#readings = [...this.#readings.slice(Math.max(0, old)), now];
    return this.#readings.length > 1 ? this.#readings[0] : undefined;
  }
}
