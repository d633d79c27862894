/** The fault "latency": chunks wait here until they are due, in their order, the end of the stream as well. */
import { dueMs, type Faults } from './faults.ts';

/** What may be under way in an added latency: 1 MiB is 80 Mbit/s at 100 ms. */
const DELAY_BYTES = 1_048_576;

/** Undefined is the end of the stream. */
type Delayed = Buffer | undefined;

export class DelayLine {
  readonly #due: (delayed: Delayed) => void;
  readonly #waiting: { delayed: Delayed; dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  bytes = 0;

  /** Calls `due` for each chunk whose time has come. */
  constructor(due: (delayed: Delayed) => void) {
    this.#due = due;
  }

  /** True if nothing is under way; then what comes without latency need not go through here. */
  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  get full(): boolean {
    return this.bytes >= DELAY_BYTES;
  }

  add(delayed: Delayed, faults: Faults): void {
    const nowMs = performance.now();
    const previousDueMs = this.#waiting.at(-1)?.dueMs ?? nowMs;
    this.#waiting.push({ delayed, dueMs: dueMs(faults, nowMs, previousDueMs, Math.random) });
    this.bytes += delayed?.length ?? 0;
    if (this.#timer === undefined) this.#arm();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.bytes = 0;
  }

  #arm(): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    const waitMs = Math.max(0, Math.ceil(first.dueMs - performance.now()));
    this.#timer = setTimeout(() => {
      this.#release();
    }, waitMs);
  }

  #release(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (
      let first = this.#waiting[0];
      first !== undefined && first.dueMs <= nowMs;
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.bytes -= first.delayed?.length ?? 0;
      this.#due(first.delayed);
    }
    this.#arm();
  }
}
