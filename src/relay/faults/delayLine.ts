/** The fault "latency": chunks wait here until they are due, in their order, the end of the stream as well. */
import { dueMs, type Faults } from '../settings/faults.ts';

/** What may be under way in added latencies, in the whole process: 256 Mbit/s at 2 s. */
export const DELAY_BYTES = 67_108_864;
/** What each connection may have there whatever the others have. */
const OWN_BYTES = 65_536;

/** The memory that the latencies of all connections share. */
export class DelayMemory {
  bytes = 0;
  readonly onFull: () => void;

  /** Calls `onFull` whenever a connection has to wait for room. */
  constructor(onFull: () => void) {
    this.onFull = onFull;
  }
}

/** Undefined is the end of the stream. */
type Delayed = Buffer | undefined;

export class DelayLine {
  readonly #due: (delayed: Delayed) => void;
  readonly #waiting: { delayed: Delayed; dueMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  bytes = 0;

  readonly #memory: DelayMemory;

  /** Calls `due` for each chunk whose time has come. */
  constructor(due: (delayed: Delayed) => void, memory: DelayMemory) {
    this.#memory = memory;
    this.#due = due;
  }

  /** True if nothing is under way; then what comes without latency need not go through here. */
  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** True if it holds what a limit passes in the latency, with some to spare, or all connections together too much. */
  full(faults: Faults, rateBytesPerSec: number): boolean {
    if (this.bytes < OWN_BYTES) return false;
    const needBytes = (rateBytesPerSec * (faults.latencyMs + faults.jitterMs) * 1.25) / 1000 + OWN_BYTES;
    if (this.bytes >= needBytes) return true;
    if (this.#memory.bytes < DELAY_BYTES) return false;
    this.#memory.onFull();
    return true;
  }

  /** `afterMs` is how long it has to stay behind the one ahead of it at least. */
  add(delayed: Delayed, faults: Faults, afterMs = 0): void {
    const nowMs = performance.now();
    const last = this.#waiting.at(-1);
    const previousDueMs = last === undefined ? nowMs : last.dueMs + afterMs;
    this.#waiting.push({ delayed, dueMs: dueMs(faults, nowMs, previousDueMs, Math.random) });
    this.bytes += delayed?.length ?? 0;
    this.#memory.bytes += delayed?.length ?? 0;
    if (this.#timer === undefined) this.#arm();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.#memory.bytes -= this.bytes;
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
      this.#memory.bytes -= first.delayed?.length ?? 0;
      this.#due(first.delayed);
    }
    this.#arm();
  }
}
