/**
 * The search without an interval: successive narrowing instead of a grid. Pure.
 *
 * 1. Unshaped: the full line shows its own raw rate (user data plus framing).
 * 2. A bandwidth some way below it is tried; good ones raise the lower end, others lower the upper end.
 * 3. Where the answer times of both ends point to in between, or the middle, is tried until the gap is narrower
 *    than the precision.
 *
 * Each measurement lasts only until a sequential test has decided on which side of the limit the average
 * answer time lies: far from the limit that is a second or two, close to it longer.
 */
import { counted, formatRate } from '../../core/units.ts';
import { describeTrouble, isValid, rateOf, type JudgedLine, type Limits } from './judge.ts';
import type { Direction, PingSample } from '../../line/samples/measurement.ts';
import { baseTooSlow, type Recommendation, type Warning } from './recommend.ts';
import { MAX_ATTEMPTS } from './sweep.ts';
import { sideOfLimit } from '../../line/samples/statistics.ts';

export interface AutoState {
  direction: Direction;
  limits: Limits;
  /** Raw throughput of the full, unshaped line; null until measured. */
  unshapedBitPerSec: number | null;
  /** Highest bandwidth found good, with its line. */
  good: JudgedLine | null;
  /** Lowest bandwidth found not good, with its line. */
  bad: JudgedLine | null;
  lines: readonly JudgedLine[];
  /** Why the search ended without, or with a doubtful, answer. */
  warnings: readonly Warning[];
  /** The reasoning so far, one sentence each. */
  reasoning: readonly string[];
  ended: boolean;
}

export type AutoStep = { kind: 'measure'; rateBitPerSec: number | null; attempt: number } | { kind: 'done' };

/** First try: staged policing keeps the far queue short from about here on (measured on an ADSL line). */
const FIRST_SHARE = 0.94;
/** How much further down the next try lies while nothing good is known. */
const DOWN_SHARE = 0.88;
/** The same after a bandwidth that was only a little too much: an average below this many times the limit. */
const CLOSE_DOWN_SHARE = 0.96;
const CLOSE_FACTOR = 1.5;
/** A next bandwidth lies at most this share of the gap from either end, so that each measurement narrows it. */
const MOST_OF_GAP = 0.8;
/** Below half of what the line carries the shaper is not what makes answers slow. */
const LOWEST_SHARE = 0.5;
/** The gap that is left between the last good and the first other bandwidth, as a share of the line. */
const PRECISION_SHARE = 0.01;

/** From a change to the middle of a measurement, with 200 ms between pings: three windows of settling, then 15 pings. */
const UNSEEN_MS = 4000;
/** With a high limit the path itself is long, and not what may wait unseen. */
const MOST_MARGIN_SHARE = 0.05;

/**
 * How far below the highest good bandwidth the recommended one lies. The uplink is shaped to just what is set, and 1 %
 * more than it carries lengthens its queue by 10 ms a second, which stays below the limit for as long as a measurement
 * and the settling before it take. Of 60 searches on 30 random lines none was above the raw rate with this, and 2 with
 * 1.5 % (docs/benchmarks/searchbw.md). Of the downlink the stages leave 2 % free.
 */
function marginShare({ direction, limits }: AutoState): number {
  return direction === 'down' ? 0 : Math.min(limits.maxRttMs / UNSEEN_MS, MOST_MARGIN_SHARE);
}

/** Below this a kbit/s is too much to round by. */
const SLOW_LINE_BIT_PER_SEC = 100_000;

/** Fewest and most pings of one measurement, and the width of the test in standard errors. */
const AUTO_MIN_PINGS = 15;
const AUTO_MAX_PINGS = 50;
const TEST_SIGMAS = 2.6;

export function startAuto(direction: Direction, limits: Limits): AutoState {
  return {
    direction,
    limits,
    unshapedBitPerSec: null,
    good: null,
    bad: null,
    lines: [],
    warnings: [],
    reasoning: [],
    ended: false,
  };
}

/** Whether these pings decide the question, so that no more need be sent. */
export function isDecided(samples: readonly PingSample[], maxRttMs: number): boolean {
  if (samples.length < AUTO_MIN_PINGS) return false;
  if (samples.length >= AUTO_MAX_PINGS) return true;
  const answers = samples.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs]));
  return sideOfLimit(answers, maxRttMs, TEST_SIGMAS) !== 'open';
}

export function nextAuto(state: AutoState): AutoStep {
  if (state.ended) return { kind: 'done' };
  const last = state.lines.at(-1);
  if (last !== undefined && !isValid(last)) {
    return { kind: 'measure', rateBitPerSec: last.measurement.rateBitPerSec, attempt: last.attempt + 1 };
  }
  if (state.unshapedBitPerSec === null) return { kind: 'measure', rateBitPerSec: null, attempt: 1 };
  return { kind: 'measure', rateBitPerSec: candidate(state, state.unshapedBitPerSec), attempt: 1 };
}

function candidate(state: AutoState, line: number): number {
  const { good, bad } = state;
  if (good !== null) return round(between(good, bad, line, state.limits.maxRttMs), line);
  if (bad === null) return round(line * FIRST_SHARE, line);
  return round(rateOf(bad) * (isClose(bad, state.limits.maxRttMs) ? CLOSE_DOWN_SHARE : DOWN_SHARE), line);
}

/** Whether a bandwidth is only a little too much. */
function isClose(bad: JudgedLine, maxRttMs: number): boolean {
  return bad.verdict.kind === 'slow' && (bad.figures.rtt?.avg ?? Infinity) < CLOSE_FACTOR * maxRttMs;
}

/**
 * Where to look next between a good bandwidth and one that is not: a little below the point at which the
 * straight line through both answer times meets the limit, or in the middle where there is no such line.
 */
function between(good: JudgedLine, bad: JudgedLine | null, line: number, maxRttMs: number): number {
  const low = rateOf(good);
  const gap = upperEnd(bad, line) - low;
  const fast = good.figures.rtt?.avg;
  const slow = bad?.figures.rtt?.avg;
  if (bad === null || !isClose(bad, maxRttMs) || fast === undefined || slow === undefined || slow <= maxRttMs)
    return low + gap / 2;
  const share = (maxRttMs - fast) / (slow - fast) - (PRECISION_SHARE * line) / (2 * gap);
  return low + gap * Math.min(MOST_OF_GAP, Math.max(1 - MOST_OF_GAP, share));
}

/** The lowest bandwidth known not to be good; the line's own rate is not good by itself. */
function upperEnd(bad: JudgedLine | null, line: number): number {
  return bad === null ? line : rateOf(bad);
}

/** To a few digits of the line's rate, in whole kbit/s: nobody types more, and it is below the precision. */
function round(bitPerSec: number, line: number): number {
  const unit = Math.max(line < SLOW_LINE_BIT_PER_SEC ? 1 : 1000, 10 ** (Math.floor(Math.log10(line)) - 3));
  return Math.floor(bitPerSec / unit) * unit;
}

export function recordAuto(state: AutoState, line: JudgedLine): AutoState {
  const next = { ...state, lines: [...state.lines, line] };
  if (line.verdict.kind === 'invalid')
    return recordInvalid(next, line, describeTrouble(line.verdict.trouble));
  if (line.measurement.rateBitPerSec === null) return recordUnshaped(next, line);
  return narrow(recordCandidate(next, line));
}

function recordInvalid(state: AutoState, line: JudgedLine, trouble: string): AutoState {
  const what = line.measurement.rateBitPerSec === null ? 'unshaped' : formatRate(rateOf(line));
  if (line.attempt < MAX_ATTEMPTS) return say(state, `${what}: not valid (${trouble}), once more`);
  if (line.verdict.kind !== 'invalid') return state;
  const cause = line.verdict.trouble;
  const unshaped = line.measurement.rateBitPerSec === null && cause.kind === 'no-queue';
  const rtt = line.figures.rtt;
  const warning: Warning =
    unshaped && rtt !== null
      ? { kind: 'not-full', averageMs: rtt.avg, rawBitPerSec: line.figures.rawBitPerSec }
      : state.good === null
        ? { kind: 'no-valid-start', trouble: cause }
        : { kind: 'given-up', trouble: cause };
  return end(say(state, `${what}: stayed not valid (${trouble}), so the search ends here`), [warning]);
}

function recordUnshaped(state: AutoState, line: JudgedLine): AutoState {
  const raw = line.figures.rawBitPerSec;
  const average = line.figures.rtt?.avg ?? 0;
  return say(
    { ...state, unshapedBitPerSec: raw },
    `unshaped: ${formatRate(raw)} with framing at ${average.toFixed(0)} ms on average, so the line is full and this is about its raw rate`,
  );
}

function recordCandidate(state: AutoState, line: JudgedLine): AutoState {
  const rate = rateOf(line);
  // Too close to the limit to be told from it with the most pings allowed: the safe side is below.
  const good = line.verdict.kind === 'good' && !isUnsure(line);
  const next = good
    ? { ...state, good: line }
    : { ...state, bad: state.bad !== null && rateOf(state.bad) <= rate ? state.bad : line };
  const seen = `${formatRate(rate)}: ${(line.figures.rtt?.avg ?? 0).toFixed(0)} ms after ${counted(line.figures.sent, 'ping')}, ${!good && line.verdict.kind === 'good' ? 'too close to the limit to be called good' : verdictWord(line)}`;
  const upper = upperEnd(next.bad, next.unshapedBitPerSec ?? rate);
  const range =
    next.good === null
      ? `so the answer lies below ${formatRate(upper)}`
      : `so it lies between ${formatRate(rateOf(next.good))} and ${formatRate(upper)}`;
  return say(next, `${seen}, ${range}`);
}

function verdictWord(line: JudgedLine): string {
  switch (line.verdict.kind) {
    case 'good':
      return 'good';
    case 'slow':
      return 'too slow';
    case 'lossy':
      return 'lossy';
    case 'above-line':
      return 'more than the line carries';
    case 'invalid':
      return 'not valid';
  }
}

/** Ends the search when the gap is narrow enough, or when there is nothing left to try below. */
function narrow(state: AutoState): AutoState {
  const line = state.unshapedBitPerSec ?? 0;
  const upper = upperEnd(state.bad, line);
  if (state.good === null) {
    if (upper * DOWN_SHARE >= LOWEST_SHARE * line) return state;
    return end(say(state, 'half of the line was not good either, so the search ends here'), [
      baseTooSlow(state.lines, state.limits) ?? { kind: 'shaping-does-not-help', lowestBitPerSec: upper },
    ]);
  }
  if (upper - rateOf(state.good) > PRECISION_SHARE * line) return state;
  const found = `the gap is below ${PRECISION_SHARE * 100} % of the line: ${formatRate(rateOf(state.good))}`;
  const margin = marginShare(state);
  const result =
    margin === 0
      ? `${found} it is`
      : `${found}, less ${Number((margin * 100).toFixed(1))} % that a short measurement cannot tell: ${formatRate(safeRate(state, state.good))} it is`;
  return end(say(state, result), []);
}

function safeRate(state: AutoState, good: JudgedLine): number {
  const rate = rateOf(good);
  const margin = marginShare(state);
  return margin === 0 ? rate : round(rate * (1 - margin), state.unshapedBitPerSec ?? rate);
}

function isUnsure(line: JudgedLine): boolean {
  return line.remarks.some(({ kind }) => kind === 'unsure');
}

function say(state: AutoState, sentence: string): AutoState {
  return { ...state, reasoning: [...state.reasoning, sentence] };
}

function end(state: AutoState, warnings: readonly Warning[]): AutoState {
  return { ...state, ended: true, warnings: [...state.warnings, ...warnings] };
}

export function recommendAuto(state: AutoState): Recommendation {
  return {
    direction: state.direction,
    rateBitPerSec: state.good === null ? null : safeRate(state, state.good),
    warnings: state.warnings,
    next: null,
  };
}
