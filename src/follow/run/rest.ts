/**
 * When an idle line needs no look: what is seen of each 50 ms is kept by the pacing program for three seconds, so that nothing is
 * lost by reading it once a second. Whoever begins to load the line ends that at once. Pure: the clock is passed in.
 */
import type { Decision } from '../decide/decide.ts';
import type { Sample } from '../decide/sample.ts';
import { BUCKET_MS } from '../../plan/pacing/arrivals.ts';

/** Above this share of its rate a direction is in use; with the least of what is kept for one second, 10 ms of the line. */
const IDLE_SHARE = 0.01;
const IDLE_FOR_MS = 1000;
export const REST_MS = 1000;

/** Bytes that a device has counted. */
export interface Moved {
  rxBytes: number;
  txBytes: number;
}

export class Rest {
  #idleBuckets = 0;
  #before: Decision | undefined;
  #lookedMs = -Infinity;
  #seen: Moved | undefined;

  get isIdle(): boolean {
    return this.#idleBuckets * BUCKET_MS >= IDLE_FOR_MS;
  }

  /** A span was decided on. */
  decided({ downBitPerSec, upBitPerSec }: Sample, decision: Decision): void {
    const isIdle =
      downBitPerSec <= IDLE_SHARE * decision.downBitPerSec &&
      upBitPerSec <= IDLE_SHARE * decision.upBitPerSec &&
      !decision.pings &&
      !decision.forgetLeast &&
      isSame(this.#before, decision);
    this.#before = decision;
    this.#idleBuckets = isIdle ? this.#idleBuckets + 1 : 0;
  }

  /** All was looked at that had come by then. */
  looked(nowMs: number, counted: Moved): void {
    this.#lookedMs = nowMs;
    this.#seen = counted;
  }

  /** Whether what has moved since can wait. */
  canWait(nowMs: number, counted: Moved): boolean {
    if (!this.isIdle || nowMs - this.#lookedMs >= REST_MS) return false;
    const [before, decision] = [this.#seen, this.#before];
    if (before === undefined || decision === undefined) return false;
    const isLittle = (bytes: number, bitPerSec: number): boolean =>
      bytes >= 0 && bytes * 8 <= IDLE_SHARE * bitPerSec * (REST_MS / 1000);
    return (
      isLittle(counted.rxBytes - before.rxBytes, decision.downBitPerSec) &&
      isLittle(counted.txBytes - before.txBytes, decision.upBitPerSec)
    );
  }
}

const isSame = (one: Decision | undefined, other: Decision): boolean =>
  one?.downBitPerSec === other.downBitPerSec &&
  one.upBitPerSec === other.upBitPerSec &&
  one.why.down === other.why.down &&
  one.why.up === other.why.up;
