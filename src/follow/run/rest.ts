/**
 * When a line is idle, and how long it may go without a look: what is seen of each span is kept by the pacing program for
 * BUCKETS spans (plan/pacing/arrivals.ts), so that nothing is lost by reading it once a second. Whoever begins to load the line
 * ends that at once. Pure: the clock is passed in.
 */
import type { Decision } from '../decide/decide.ts';
import type { Sample } from '../decide/sample.ts';

/** Idle: less than this share of what a direction carries in the last second, which is 10 ms of the line. */
const IDLE_SHARE = 0.01;
const IDLE_FOR_MS = 1000;
/** Between two looks at an idle line. */
export const REST_MS = 1000;

/** Bytes that a device has counted. */
export interface Moved {
  rxBytes: number;
  txBytes: number;
}

export class Rest {
  /** Those of the last second in which nothing was decided anew. */
  #recent: Sample[] = [];
  #decision: Decision | undefined;
  #looked: { atMs: number; counted: Moved } | undefined;
  #isIdle = false;

  /** Whether next to nothing was sent and taken in for a second, and nothing was decided anew. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** A span was decided on. */
  decided(sample: Sample, decision: Decision): void {
    const isCalm = !decision.pings && !decision.forgetLeast && isSame(this.#decision, decision);
    this.#decision = decision;
    if (!isCalm) this.#recent = [];
    else this.#recent = [...this.#recent, sample].slice(-Math.ceil(IDLE_FOR_MS / sample.spanMs));
    const sum = (of: (span: Sample) => number): number =>
      this.#recent.reduce((total, each) => total + of(each), 0);
    const bits = (of: 'downBitPerSec' | 'upBitPerSec'): number =>
      sum((span) => (span[of] * span.spanMs) / 1000);
    this.#isIdle =
      sum(({ spanMs }) => spanMs) >= IDLE_FOR_MS &&
      isLittle(bits('downBitPerSec'), decision.downBitPerSec) &&
      isLittle(bits('upBitPerSec'), decision.upBitPerSec);
  }

  /** All was looked at that had come by then. */
  looked(atMs: number, counted: Moved): void {
    this.#looked = { atMs, counted };
  }

  /** Whether an idle line needs no look yet, for what its device has counted by now. */
  canWait(nowMs: number, counted: Moved): boolean {
    const [looked, decision] = [this.#looked, this.#decision];
    if (looked === undefined || decision === undefined || !this.#isIdle) return false;
    const rxBytes = counted.rxBytes - looked.counted.rxBytes;
    const txBytes = counted.txBytes - looked.counted.txBytes;
    return (
      nowMs - looked.atMs < REST_MS &&
      Math.min(rxBytes, txBytes) >= 0 &&
      isLittle(rxBytes * 8, decision.downBitPerSec) &&
      isLittle(txBytes * 8, decision.upBitPerSec)
    );
  }
}

/** Of what is carried in a second. */
const isLittle = (bits: number, bitPerSec: number): boolean =>
  bits <= (IDLE_SHARE * bitPerSec * IDLE_FOR_MS) / 1000;

const isSame = (one: Decision | undefined, other: Decision): boolean =>
  one?.downBitPerSec === other.downBitPerSec &&
  one.upBitPerSec === other.upBitPerSec &&
  one.why.down === other.why.down &&
  one.why.up === other.why.up;
