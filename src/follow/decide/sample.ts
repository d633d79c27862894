/** What is seen of a line in a span of time, and what a rate may be. Pure. */

/** Once per span, 50 ms or so. Rates are those of the line: user data, headers and framing. */
export interface Sample {
  /** The end of the span, on any clock that does not jump. */
  atMs: number;
  spanMs: number;
  /** What has come in by the line. */
  downBitPerSec: number;
  /** What has left for it. */
  upBitPerSec: number;
  /**
   * By how much, at least, what came in was later than it can be: the excess of its one-way delay by the other sides'
   * timestamps. Undefined: nothing came that tells it.
   */
  downQueueMs?: number;
  /** The same of round trips of whoever downloads: the queues of both directions. Undefined: none ended. */
  roundTripMs?: number;
  /** The same of pings of ours. Undefined: none was answered. */
  pingMs?: number;
}

export type { LineLimits, RateLimits } from '../../plan/input/limits.ts';
