/**
 * Credit for one limit, earned by elapsed time. Nothing here reads a clock: the time is handed in.
 *
 * Credit is capped, or a limit that was idle for a minute would be followed by a minute's worth at once. Two
 * caps, because two different things are wanted: after idleness little (a second that begins with the burst
 * stays within 103 %), while somebody waits a little more, so that a timer that fires late costs no rate.
 */

/** Worth of credit kept while nobody wants to send, in ms. Bandwidth probes are misled by more. */
export const IDLE_BURST_MS = 25;
/** Worth of credit kept while somebody waits, in ms: below 50, so that no second can exceed 105 %. */
export const WAITING_BURST_MS = 45;
/** The smallest slice that is cut. Below about 1 kB/s it is more than the usual ms worth. */
export const MIN_SLICE_BYTES = 16;

export class TokenBucket {
  /** Bytes per second; Infinity for no limit. */
  #rateBytesPerSec: number;
  #creditBytes = 0;
  #updatedMs: number;

  constructor(rateBytesPerSec: number, nowMs: number) {
    this.#rateBytesPerSec = rateBytesPerSec;
    this.#updatedMs = nowMs;
    this.#creditBytes = this.capBytes(false);
  }

  get rateBytesPerSec(): number {
    return this.#rateBytesPerSec;
  }

  get limited(): boolean {
    return this.#rateBytesPerSec !== Infinity;
  }

  get creditBytes(): number {
    return this.#creditBytes;
  }

  /** The most credit that is kept; `waiting` while somebody has bytes to send. */
  capBytes(waiting: boolean): number {
    if (!this.limited) return Infinity;
    const worthMs = waiting ? WAITING_BURST_MS : IDLE_BURST_MS;
    return Math.max((this.#rateBytesPerSec * worthMs) / 1000, MIN_SLICE_BYTES * (waiting ? 2 : 1));
  }

  /** Adds what the time since the last call has earned. A clock that steps back earns nothing. */
  settle(nowMs: number, waiting: boolean): void {
    if (!this.limited) return;
    const elapsedMs = nowMs - this.#updatedMs;
    if (elapsedMs <= 0) return;
    this.#updatedMs = nowMs;
    const earned = this.#creditBytes + (this.#rateBytesPerSec * elapsedMs) / 1000;
    this.#creditBytes = Math.min(earned, this.capBytes(waiting));
  }

  spend(bytes: number): void {
    if (this.limited) this.#creditBytes -= bytes;
  }

  /** A new limit from now on. Earned credit stays, up to what the new limit allows. */
  setRate(rateBytesPerSec: number, nowMs: number, waiting: boolean): void {
    const wasLimited = this.limited;
    this.settle(nowMs, waiting);
    this.#rateBytesPerSec = rateBytesPerSec;
    this.#updatedMs = nowMs;
    if (!this.limited) this.#creditBytes = Infinity;
    // From no limit to one: no burst at all, the moment before may have been at full speed.
    else this.#creditBytes = wasLimited ? Math.min(this.#creditBytes, this.capBytes(false)) : 0;
  }

  /** When there will be credit for so many bytes, in ms of the clock handed in; now if there is already. */
  readyAtMs(bytes: number): number {
    if (!this.limited || this.#creditBytes >= bytes) return this.#updatedMs;
    return this.#updatedMs + ((bytes - this.#creditBytes) / this.#rateBytesPerSec) * 1000;
  }
}
