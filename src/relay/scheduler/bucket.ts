/**
 * Credit for one limit, earned by elapsed time. Nothing here reads a clock: the time is handed in.
 *
 * Credit is capped, or a limit that was idle for a minute would be followed by a minute's worth at once; while somebody
 * waits for a slice the cap is that slice and a little. What exceeds it then was not idle time but our own lateness (a
 * busy machine): that is owed, and paid back slowly, so that the rate over some seconds is right and still no second is
 * above 105 % and one segment.
 */
import { MIN_SLICE_BYTES, segmentBytes } from './quantum.ts';

/** Worth of credit kept without a need, in ms. More would mislead bandwidth probes; less would lose to late timers. */
export const BURST_MS = 25;
/** Beyond the slice that is waited for, in ms: timers are late. */
export const LATE_MS = 10;
/** Share of the rate that is added while lateness is paid back: 2 % and 25 ms are less than 5 % of a second. */
export const PAY_BACK = 0.02;
/** What is owed at most, in ms worth: a suspended machine is not lateness. */
const OWED_MS = 1000;

export class TokenBucket {
  /** Bytes per second; Infinity for no limit. */
  #rateBytesPerSec: number;
  #creditBytes = 0;
  #owedBytes = 0;
  #updatedMs: number;
  /** For so long a slice may wait after its credit is there, in ms: for a late timer, or its turn at another limit. */
  lateMs = LATE_MS;

  constructor(rateBytesPerSec: number, nowMs: number) {
    this.#rateBytesPerSec = rateBytesPerSec;
    this.#updatedMs = nowMs;
    this.#creditBytes = this.idleCapBytes;
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

  /** The most credit that is kept while nobody waits. */
  get idleCapBytes(): number {
    if (!this.limited) return Infinity;
    return Math.max((this.#rateBytesPerSec * BURST_MS) / 1000, MIN_SLICE_BYTES * 2);
  }

  /** The most credit that is kept at all: enough for the largest slice, and waiting loses nothing to being late. */
  get capBytes(): number {
    const slice = segmentBytes(this.#rateBytesPerSec) + (this.#rateBytesPerSec * this.lateMs) / 1000;
    return Math.max(this.idleCapBytes, slice);
  }

  /**
   * Adds what the time since the last call has earned; `waiting` if somebody had bytes to send all that time.
   * A clock that steps back earns nothing.
   */
  settle(nowMs: number, waiting: boolean): void {
    if (!this.limited) return;
    const elapsedMs = nowMs - this.#updatedMs;
    if (elapsedMs <= 0) return;
    this.#updatedMs = nowMs;
    const earned = (this.#rateBytesPerSec * elapsedMs) / 1000;
    const paidBack = Math.min(this.#owedBytes, earned * PAY_BACK);
    const credit = this.#creditBytes + earned + paidBack;
    // Credit for a slice that is not wanted any more is idle credit, but is not taken back.
    this.#creditBytes = waiting
      ? Math.min(credit, this.capBytes)
      : Math.max(Math.min(credit, this.idleCapBytes), Math.min(this.#creditBytes, this.capBytes));
    const late = waiting ? this.#owedBytes - paidBack + (credit - this.#creditBytes) : 0;
    this.#owedBytes = Math.min(late, (this.#rateBytesPerSec * OWED_MS) / 1000);
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
    this.#owedBytes = 0;
    if (!this.limited) this.#creditBytes = Infinity;
    // From no limit to one: no burst at all, the moment before may have been at full speed.
    else this.#creditBytes = wasLimited ? Math.min(this.#creditBytes, this.capBytes) : 0;
  }

  /** When there will be credit for so many bytes, in ms of the clock handed in; now if there is already. */
  readyAtMs(bytes: number): number {
    if (!this.limited || this.#creditBytes >= bytes) return this.#updatedMs;
    return this.#updatedMs + ((bytes - this.#creditBytes) / this.#rateBytesPerSec) * 1000;
  }
}
