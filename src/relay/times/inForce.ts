/**
 * Which limits are in force at a moment, and until when: times of the week on a wall clock with its time zone. An hour that
 * the clock leaps over is not there, one that it shows twice counts twice.
 */
import {
  holdsIn,
  keysOf,
  MINUTES_OF_DAY,
  MINUTES_OF_WEEK,
  type TimedLimits,
  type Times,
} from '../settings/times.ts';

/** What a wall clock shows before UTC at a moment, in ms. */
export type OffsetAt = (epochMs: number) => number;

export interface InForce {
  /** What holds instead of what is set. */
  readonly limits: TimedLimits;
  /** The moment of the next change; undefined where none comes. */
  readonly untilMs: number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = MINUTES_OF_DAY * MINUTE_MS;
const WEEK_MS = MINUTES_OF_WEEK * MINUTE_MS;
/** Monday, 5 January 1970. */
const A_MONDAY_MS = 4 * DAY_MS;
/** A time that the clock leaps over in one week is there in the next. */
const FARTHEST_MS = 2 * WEEK_MS + DAY_MS;

export function inForce(times: Times, nowMs: number, offsetAt: OffsetAt): InForce {
  const limits = limitsAt(times, nowMs, offsetAt);
  const edges = edgesOf(times);
  if (edges.length === 0) return { limits, untilMs: undefined };
  for (let atMs = nowMs; atMs < nowMs + FARTHEST_MS;) {
    atMs = nextMoment(atMs, edges, offsetAt);
    if (!same(limits, limitsAt(times, atMs, offsetAt))) return { limits, untilMs: atMs };
  }
  return { limits, untilMs: undefined };
}

/** The first time that says something of a limit decides it. */
function limitsAt(times: Times, epochMs: number, offsetAt: OffsetAt): TimedLimits {
  const minute = Math.floor(inWeek(epochMs + offsetAt(epochMs)) / MINUTE_MS);
  return times.reduceRight<TimedLimits>(
    (later, time) => (holdsIn(time, minute) ? { ...later, ...time.limits } : later),
    {},
  );
}

/** So much of the week has passed on the wall clock. */
function inWeek(wallMs: number): number {
  const ms = (wallMs - A_MONDAY_MS) % WEEK_MS;
  return ms < 0 ? ms + WEEK_MS : ms;
}

/** Where in the week a time begins or ends, in ms and in order. */
function edgesOf(times: Times): number[] {
  const minutes = times.flatMap(({ days, fromMinute, lastsMinutes }) =>
    days.flatMap((day) => {
      const from = day * MINUTES_OF_DAY + fromMinute;
      return [from % MINUTES_OF_WEEK, (from + lastsMinutes) % MINUTES_OF_WEEK];
    }),
  );
  return [...new Set(minutes)].sort((one, other) => one - other).map((minute) => minute * MINUTE_MS);
}

/** When something may change next: an edge, the clock set for summer or winter, or a day later at the latest. */
function nextMoment(atMs: number, edges: readonly number[], offsetAt: OffsetAt): number {
  const offset = offsetAt(atMs);
  const passedMs = inWeek(atMs + offset);
  const edge = edges.find((each) => each > passedMs) ?? (edges[0] ?? 0) + WEEK_MS;
  const nextMs = atMs + Math.min(edge - passedMs, DAY_MS);
  return offsetAt(nextMs) === offset ? nextMs : firstOther(atMs, nextMs, offsetAt);
}

/** The moment after `atMs` from which on the clock differs as it does at `nextMs`. */
function firstOther(atMs: number, nextMs: number, offsetAt: OffsetAt): number {
  const offset = offsetAt(atMs);
  let [before, after] = [atMs, nextMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

/** True if the same holds. */
export function same(one: TimedLimits, other: TimedLimits): boolean {
  return [...keysOf(one), ...keysOf(other)].every((key) => one[key] === other[key]);
}
