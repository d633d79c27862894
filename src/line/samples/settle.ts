/** Has the queue come to rest after a change of the rate? Decided from short windows of pings and bytes. Pure. */
import { averageRtt, type ByteWindow, type Direction, type PingSample } from './measurement.ts';
import { median } from './statistics.ts';

export interface SettleWindow {
  fastestRttMs: number | null;
  medianRttMs: number | null;
  bitPerSec: number;
}

/** Answer times of successive windows may differ by this much at rest: a packet or two in the queue. */
const SAME_RTT_MS = 12;
const SAME_RTT_SHARE = 0.2;
const SAME_RATE_SHARE = 0.2;
/** So far above the limit the verdict is certain, whatever the queue does next. */
const HOPELESS_FACTOR = 1.5;

export function settleWindow(
  samples: readonly PingSample[],
  bytes: ByteWindow,
  direction: Direction,
): SettleWindow {
  const answers = samples.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs]));
  const moved = direction === 'down' ? bytes.rxBytes : bytes.txBytes;
  return {
    fastestRttMs: answers.length === 0 ? null : Math.min(...answers),
    medianRttMs: averageRtt(samples) === undefined ? null : median(answers),
    bitPerSec: bytes.durationMs > 0 ? (moved * 8000) / bytes.durationMs : 0,
  };
}

/**
 * `settled`: the last three windows agree, or the answers are late beyond doubt and not getting faster.
 * `waiting`: measure another window.
 */
export function isSettled(windows: readonly SettleWindow[], maxRttMs: number): boolean {
  const [before, previous, last] = windows.slice(-3);
  if (before === undefined || previous === undefined || last === undefined) return false;
  if (last.medianRttMs === null || previous.medianRttMs === null || before.medianRttMs === null) {
    // Nobody answers: more waiting shows nothing more.
    return last.medianRttMs === null && previous.medianRttMs === null && before.medianRttMs === null;
  }
  const tolerance = Math.max(SAME_RTT_MS, SAME_RTT_SHARE * last.medianRttMs);
  const falling = before.medianRttMs - last.medianRttMs > tolerance;
  if (last.medianRttMs >= HOPELESS_FACTOR * maxRttMs && !falling) return true;
  const steady =
    Math.abs(last.medianRttMs - previous.medianRttMs) <= tolerance &&
    Math.abs(last.medianRttMs - before.medianRttMs) <= tolerance;
  return steady && sameRate(last.bitPerSec, previous.bitPerSec);
}

function sameRate(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_RATE_SHARE * Math.max(a, b);
}

/** A queue left over from an earlier rate empties slowly just below the line's: better emptied on purpose. */
export function needsDraining(window: SettleWindow, maxRttMs: number): boolean {
  return window.medianRttMs !== null && window.medianRttMs >= maxRttMs * 0.8;
}

/** Empty enough, or as empty as it gets. */
export function isDrained(windows: readonly SettleWindow[], maxRttMs: number): boolean {
  const last = windows.at(-1)?.medianRttMs;
  return last !== undefined && last !== null && last < maxRttMs * 0.6;
}
