/**
 * From judged lines to a recommended value: the highest bandwidth up to which *every* line is acceptable,
 * never without a warning where something speaks against it. Pure.
 */
import { formatRate } from '../../core/units.ts';
import {
  describeTrouble,
  isGood,
  isValid,
  rateOf,
  type JudgedLine,
  type Limits,
  type Trouble,
} from './judge.ts';
import type { Direction } from '../../line/samples/measurement.ts';
import { finalLines, type Grid } from './sweep.ts';

export type Warning =
  | { kind: 'nothing-measured' }
  | { kind: 'no-valid-start'; trouble: Trouble }
  | { kind: 'gap'; rateBitPerSec: number; trouble: Trouble }
  | { kind: 'given-up'; trouble: Trouble }
  /** Even the highest line is good: the answer lies above the interval. */
  | { kind: 'extend-up' }
  /** Even the lowest line is too slow or more than the line carries: the answer lies below. */
  | { kind: 'extend-down' }
  /** Not even an idle path answers fast enough. */
  | { kind: 'base-too-slow'; minRttMs: number; maxRttMs: number }
  | { kind: 'ping-host-drops'; lossShare: number }
  /** User data stopped growing but the answer time never rose: the load may be the limit, not the line. */
  | { kind: 'never-slow' }
  | { kind: 'good-above'; rateBitPerSec: number }
  | { kind: 'close-call'; averageMs: number; errorMs: number }
  | { kind: 'capped'; measuredBitPerSec: number }
  /** Without a shaper answers are fast: no shaper is needed, or the load does not fill the line. */
  | { kind: 'not-full'; averageMs: number; rawBitPerSec: number }
  | { kind: 'shaping-does-not-help'; lowestBitPerSec: number };

export interface Recommendation {
  direction: Direction;
  /** Null: nothing can be recommended from these lines; the warnings say why. */
  rateBitPerSec: number | null;
  warnings: readonly Warning[];
  /** The next grid worth measuring, if there is one. */
  next: (Grid & { pings: number }) | null;
}

export interface RecommendInput {
  direction: Direction;
  lines: readonly JudgedLine[];
  grid: Grid;
  limits: Limits;
  /** Set if the sweep ended before its last line. */
  givenUp: Trouble | null;
}

/** Pings per line of a detail measurement, as in the article. */
const DETAIL_PINGS = 100;
const OVERVIEW_PINGS = 5;
/** A grid finer than this share of the value is not worth a further measurement. */
const FINE_SHARE = 0.012;
/** Counters and clock may be off by this share; what is measured above it was never carried. */
const MEASURING_ERROR_SHARE = 0.01;

/** The recommendation from the lines of a grid (repeats may be among them). */
export function recommend(input: RecommendInput): Recommendation {
  const lines = finalLines(input.lines);
  const prefix = lines.slice(0, lengthOfGoodPrefix(lines));
  const top = prefix.at(-1);
  const after = lines[prefix.length];
  const warnings: Warning[] = [];
  const first = lines[0];
  if (first === undefined) {
    return {
      direction: input.direction,
      rateBitPerSec: null,
      warnings: [{ kind: 'nothing-measured' }],
      next: null,
    };
  }
  if (input.givenUp !== null && top !== undefined) {
    warnings.push({ kind: 'given-up', trouble: input.givenUp });
  }
  if (top === undefined) {
    warnings.push(...whyNothing(first, lines, input.limits));
    const next = warnings.some(({ kind }) => kind === 'extend-down') ? gridBelow(input.grid) : null;
    return { direction: input.direction, rateBitPerSec: null, warnings, next };
  }
  if (after === undefined) warnings.push({ kind: 'extend-up' });
  else {
    warnings.push(...whatStopped(after, input.givenUp !== null));
    const higherGood = lines
      .slice(prefix.length + 1)
      .filter(isGood)
      .at(-1);
    if (higherGood !== undefined) warnings.push({ kind: 'good-above', rateBitPerSec: rateOf(higherGood) });
  }
  warnings.push(...doubts(top, lines, after, input.limits));
  const capped = capByPlateau(rateOf(top), prefix, lines);
  if (capped.cappedTo !== undefined) warnings.push({ kind: 'capped', measuredBitPerSec: capped.cappedTo });
  return {
    direction: input.direction,
    rateBitPerSec: capped.rateBitPerSec,
    warnings,
    next: nextGrid(top, after, input.grid),
  };
}

function lengthOfGoodPrefix(lines: readonly JudgedLine[]): number {
  const firstBad = lines.findIndex((line) => !isGood(line));
  return firstBad === -1 ? lines.length : firstBad;
}

function whyNothing(first: JudgedLine, lines: readonly JudgedLine[], limits: Limits): Warning[] {
  if (first.verdict.kind === 'invalid') {
    return [{ kind: 'no-valid-start', trouble: first.verdict.trouble }];
  }
  if (first.verdict.kind === 'lossy' && lines.filter(isValid).every(hostDropsPings(limits))) {
    return [{ kind: 'ping-host-drops', lossShare: first.figures.lossShare }];
  }
  // Only where the line carried what was set: above that the queue hides how fast the path is.
  const tooSlow = first.verdict.kind === 'slow' ? baseTooSlow(lines, limits) : undefined;
  return [tooSlow ?? { kind: 'extend-down' }];
}

/** Where not a single answer was within the limit, shaping cannot bring their average there. */
export function baseTooSlow(lines: readonly JudgedLine[], limits: Limits): Warning | undefined {
  const fastest = Math.min(
    ...lines.flatMap(({ measurement }) => (measurement.fastestMs === null ? [] : [measurement.fastestMs])),
  );
  return fastest >= limits.maxRttMs && Number.isFinite(fastest)
    ? { kind: 'base-too-slow', minRttMs: fastest, maxRttMs: limits.maxRttMs }
    : undefined;
}

/** Loses pings although it answers fast: a host (or a filter) that limits how often it answers. */
function hostDropsPings(limits: Limits): (line: JudgedLine) => boolean {
  return ({ figures }) =>
    figures.lossShare > limits.maxLossShare && figures.rtt !== null && figures.rtt.avg < limits.maxRttMs;
}

function whatStopped(after: JudgedLine, givenUp: boolean): Warning[] {
  if (after.verdict.kind !== 'invalid' || givenUp) return [];
  return [{ kind: 'gap', rateBitPerSec: rateOf(after), trouble: after.verdict.trouble }];
}

function doubts(
  top: JudgedLine,
  lines: readonly JudgedLine[],
  after: JudgedLine | undefined,
  limits: Limits,
): Warning[] {
  const warnings: Warning[] = [];
  const unsure = top.remarks.find((remark) => remark.kind === 'unsure');
  if (unsure !== undefined && top.figures.rtt !== null) {
    warnings.push({ kind: 'close-call', averageMs: top.figures.rtt.avg, errorMs: unsure.errorMs });
  }
  const everSlow = lines.some(
    ({ figures, verdict }) =>
      verdict.kind === 'slow' || (figures.rtt !== null && figures.rtt.avg >= limits.maxRttMs),
  );
  if (after?.verdict.kind === 'above-line' && !everSlow) warnings.push({ kind: 'never-slow' });
  if (after?.verdict.kind === 'lossy' && hostDropsPings(limits)(after)) {
    warnings.push({ kind: 'ping-host-drops', lossShare: after.figures.lossShare });
  }
  return warnings;
}

/**
 * The line never carries more than was measured on it at the highest settings. If that plateau is known (a
 * setting above it was tried and did not follow) the recommended value may not exceed it.
 */
function capByPlateau(
  rateBitPerSec: number,
  prefix: readonly JudgedLine[],
  lines: readonly JudgedLine[],
): { rateBitPerSec: number; cappedTo?: number } {
  const above = lines.slice(prefix.length).filter((line) => isValid(line) && line.verdict.kind !== 'lossy');
  if (above.length === 0) return { rateBitPerSec };
  const plateau = Math.max(...[...prefix, ...above].map((line) => line.figures.rawBitPerSec));
  const limit = plateau * (1 + MEASURING_ERROR_SHARE);
  if (rateBitPerSec <= limit) return { rateBitPerSec };
  const lower = prefix.filter((line) => rateOf(line) <= limit).at(-1);
  const to = lower === undefined ? plateau : rateOf(lower);
  return { rateBitPerSec: to, cappedTo: plateau };
}

function nextGrid(
  top: JudgedLine,
  after: JudgedLine | undefined,
  grid: Grid,
): (Grid & { pings: number }) | null {
  const rate = rateOf(top);
  if (after === undefined) {
    const width = grid.upperBitPerSec - grid.lowerBitPerSec;
    return {
      lowerBitPerSec: rate,
      upperBitPerSec: rate + Math.max(width, grid.stepBitPerSec),
      stepBitPerSec: grid.stepBitPerSec,
      pings: OVERVIEW_PINGS,
    };
  }
  if (grid.stepBitPerSec <= FINE_SHARE * rate) return null;
  // One step to each side of the gap between the last good and the first other line, in five parts a step.
  const step = niceStep(Math.max(grid.stepBitPerSec / 5, (FINE_SHARE / 2) * rate));
  return {
    lowerBitPerSec: rate - grid.stepBitPerSec / 2 > 0 ? roundTo(rate - grid.stepBitPerSec / 2, step) : rate,
    upperBitPerSec: roundTo(rateOf(after) + grid.stepBitPerSec / 2, step),
    stepBitPerSec: step,
    pings: DETAIL_PINGS,
  };
}

function gridBelow(grid: Grid): Grid & { pings: number } {
  const width = Math.max(grid.upperBitPerSec - grid.lowerBitPerSec, grid.stepBitPerSec);
  const step = niceStep(Math.min(grid.stepBitPerSec, grid.lowerBitPerSec / 5));
  const lower = grid.lowerBitPerSec - width;
  return {
    lowerBitPerSec: roundTo(lower > 0 ? lower : grid.lowerBitPerSec / 2, step),
    upperBitPerSec: grid.lowerBitPerSec,
    stepBitPerSec: step,
    pings: OVERVIEW_PINGS,
  };
}

/** 1, 2 or 5 times a power of ten bit/s, the next one at or below. */
function niceStep(bitPerSec: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, bitPerSec)));
  const digit = bitPerSec / power;
  return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

function roundTo(value: number, step: number): number {
  return Math.max(step, Math.round(value / step) * step);
}

export function describeWarning(warning: Warning): string {
  switch (warning.kind) {
    case 'nothing-measured':
      return 'nothing was measured';
    case 'no-valid-start':
      return `no value can be recommended: ${describeTrouble(warning.trouble)}; ${adviceFor(warning.trouble)}`;
    case 'gap':
      return `the line at ${formatRate(warning.rateBitPerSec)} stayed not valid (${describeTrouble(warning.trouble)}), so nothing above it counts; ${adviceFor(warning.trouble)}`;
    case 'given-up':
      return `measuring ended early: ${describeTrouble(warning.trouble)}; ${adviceFor(warning.trouble)}`;
    case 'extend-up':
      return 'every line is good, so the answer lies above the interval: extend it upwards';
    case 'extend-down':
      return 'not even the lowest line is good, so the answer lies below the interval: extend it downwards';
    case 'base-too-slow':
      return `the fastest answer of all took ${warning.minRttMs.toFixed(0)} ms, so none can be under ${warning.maxRttMs} ms: choose a nearer --ping-host or a higher --max-rtt`;
    case 'ping-host-drops':
      return `the ping host loses ${(warning.lossShare * 100).toFixed(0)} % although it answers fast: it seems to limit its answers, choose another --ping-host`;
    case 'never-slow':
      return 'user data stopped growing but the answer time never rose: the load (its server, its number of streams) may be the limit, not the line';
    case 'good-above':
      return `a line above, ${formatRate(warning.rateBitPerSec)}, is good again: the measurement is noisy, repeat it with more pings`;
    case 'close-call':
      return `the average of ${warning.averageMs.toFixed(0)} ms is uncertain by ±${(2 * warning.errorMs).toFixed(0)} ms, so the limit may be missed: repeat it with more pings`;
    case 'capped':
      return `the line never carried more than ${formatRate(warning.measuredBitPerSec)}, so no higher value is recommended`;
    case 'not-full':
      return `no value can be recommended: without a shaper answers take only ${warning.averageMs.toFixed(0)} ms at ${formatRate(warning.rawBitPerSec)}; either the load does not fill the line (start more downloads, uploads for UP, or use --load) or the line needs no shaper`;
    case 'shaping-does-not-help':
      return `no value can be recommended: even at ${formatRate(warning.lowestBitPerSec)} the answers are not good; something else than this line delays them, or its path is too long for the limit (--max-rtt)`;
  }
}

/** What the person at the keyboard can do about it. */
function adviceFor(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'silent':
      return 'choose another host with --ping-host';
    case 'idle':
    case 'no-queue':
    case 'not-saturated':
      return 'start more or larger downloads (uploads for UP) or use --load, and keep them running';
    case 'collapsed':
    case 'unsteady':
      return 'keep the load steady and measure again';
    case 'other-busy':
      return 'stop what uses the other direction and measure again, or name its bandwidth (OTHER): a tenth of that may be used';
    case 'rising':
      return 'the queue was still filling: measure longer (more pings)';
  }
}
