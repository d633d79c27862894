/**
 * Judges one measurement: may it be believed, and if so, is the bandwidth acceptable? Pure.
 *
 * Two questions, kept apart: *valid* says that the measurement shows the line and not something else (an idle
 * load, a second user, a silent host); only a valid line can be acceptable or not.
 */
import { formatRate } from '../../core/units.ts';
import { figuresOf, type Figures, type LineFacts, type Measurement } from '../../line/samples/measurement.ts';
import { median } from '../../line/samples/statistics.ts';

export interface Limits {
  /** The average answer time must stay below this (the article: 100 ms). */
  maxRttMs: number;
  /** Share of lost pings, 0 to 1, that is still acceptable. */
  maxLossShare: number;
}

/** Why a measurement does not show the line. */
export type Trouble =
  | { kind: 'silent' }
  | { kind: 'idle' }
  /** Without a shaper answers are fast: nothing tells the full line from one that is not. */
  | { kind: 'no-queue' }
  | { kind: 'not-saturated'; filledShare: number }
  | { kind: 'collapsed'; rawBitPerSec: number; earlierBitPerSec: number }
  | { kind: 'unsteady'; slowestBitPerSec: number; medianBitPerSec: number }
  | { kind: 'other-busy'; otherDataBitPerSec: number }
  | { kind: 'rising'; riseMs: number };

export type Verdict =
  | { kind: 'good' }
  /** Answers come too late: the queue at the far end is not empty. */
  | { kind: 'slow' }
  | { kind: 'lossy' }
  /** The line does not carry this bandwidth: user data no longer grows with the setting. */
  | { kind: 'above-line'; slow: boolean }
  | { kind: 'invalid'; trouble: Trouble };

/** What does not make a line invalid, but should be known. */
export type Remark =
  | { kind: 'unsure'; errorMs: number }
  | { kind: 'not-settled' }
  | { kind: 'other-full'; otherRawBitPerSec: number };

export interface JudgedLine {
  measurement: Measurement;
  figures: Figures;
  verdict: Verdict;
  remarks: readonly Remark[];
  /** 1 for the first try at this bandwidth. */
  attempt: number;
}

export interface JudgeContext {
  facts: LineFacts;
  limits: Limits;
  /** The fixed rate of the other direction; null: unshaped. */
  otherBitPerSec: number | null;
  /** All lines judged before, in any order; of these only the valid ones are looked at. */
  earlier: readonly JudgedLine[];
  /** The least share of its bandwidth that a line must fill to tell anything; 0.9 by default. */
  leastFilledShare?: number | undefined;
}

/** A load that fills the setting: a policed or queued TCP mix reaches 93 to 100 % of it. */
const FILLED_SHARE = 0.9;
/** Below this share of the setting there is no load to speak of. */
const IDLE_SHARE = 0.2;
/** TCP varies by some per cent from line to line; a loss of this much is no longer variation. */
const COLLAPSED_SHARE = 0.85;
/** Between the windows of one measurement: half of the median is a stall, not variation. */
const STALLED_SHARE = 0.5;
/** Data (not acknowledgements) in the other direction, as a share of its rate. */
const OTHER_BUSY_SHARE = 0.1;
/** An answer time that grew by this share of the limit while measuring tells of a filling queue. */
const RISING_SHARE = 0.35;
const RISING_SIGMAS = 4;
/**
 * How far the share of the setting that arrives may fall before the line is said to carry no more: at least this,
 * and no less than so many standard errors of the shares that are compared. In five seconds an uplink of
 * 150 kbit/s carries 60 packets: its share differs by 1 to 2 % from one measurement to the next.
 */
const FOLLOW_MARGIN = 0.025;
const FOLLOW_SIGMAS = 3;

export function isValid(line: JudgedLine): boolean {
  return line.verdict.kind !== 'invalid';
}

/** The bandwidth that was set, bit/s; 0 for an unshaped line. */
export function rateOf(line: JudgedLine): number {
  return line.measurement.rateBitPerSec ?? 0;
}

export function isGood(line: JudgedLine): boolean {
  return line.verdict.kind === 'good';
}

/** Judges a measurement made with a rate set. Never throws. */
export function judgeLine(measurement: Measurement, attempt: number, context: JudgeContext): JudgedLine {
  const figures = figuresOf(measurement, context.facts);
  const verdict = verdictOf(measurement, figures, context);
  return { measurement, figures, verdict, remarks: remarksOf(measurement, figures, context), attempt };
}

function verdictOf(measurement: Measurement, figures: Figures, context: JudgeContext): Verdict {
  const { rtt } = figures;
  const { maxRttMs, maxLossShare } = context.limits;
  const rate = measurement.rateBitPerSec ?? Number.POSITIVE_INFINITY;
  if (rtt === null) return invalid({ kind: 'silent' });
  if (otherIsBusy(figures, context.otherBitPerSec)) {
    return invalid({ kind: 'other-busy', otherDataBitPerSec: figures.otherDataBitPerSec });
  }
  if (measurement.rateBitPerSec === null && rtt.avg < maxRttMs) return invalid({ kind: 'no-queue' });
  const filledShare = figures.rawBitPerSec / rate;
  if (filledShare < IDLE_SHARE && rtt.avg < maxRttMs) return invalid({ kind: 'idle' });
  if (figures.slowestWindowBitPerSec < STALLED_SHARE * figures.medianWindowBitPerSec) {
    return invalid({
      kind: 'unsteady',
      slowestBitPerSec: figures.slowestWindowBitPerSec,
      medianBitPerSec: figures.medianWindowBitPerSec,
    });
  }
  const collapsedFrom = collapse(rate, figures, context.earlier);
  if (collapsedFrom !== undefined) {
    return invalid({
      kind: 'collapsed',
      rawBitPerSec: figures.rawBitPerSec,
      earlierBitPerSec: collapsedFrom,
    });
  }
  const slow = rtt.avg >= maxRttMs;
  const follows = stillFollows(rate, figures, context.earlier);
  if (filledShare < (context.leastFilledShare ?? FILLED_SHARE)) {
    // Answers late although the setting is not used up: the queue is elsewhere, so the line is the limit.
    if (slow || follows === false) return { kind: 'above-line', slow };
    return invalid({ kind: 'not-saturated', filledShare });
  }
  if (follows === false) return { kind: 'above-line', slow };
  if (slow) return { kind: 'slow' };
  if (figures.rttRise.riseMs > RISING_SHARE * maxRttMs && figures.rttRise.sigmas > RISING_SIGMAS) {
    return invalid({ kind: 'rising', riseMs: figures.rttRise.riseMs });
  }
  if (figures.lossShare > maxLossShare) return { kind: 'lossy' };
  return { kind: 'good' };
}

const invalid = (trouble: Trouble): Verdict => ({ kind: 'invalid', trouble });

function otherIsBusy(figures: Figures, otherBitPerSec: number | null): boolean {
  // Without a rate for the other direction: as a share of what the loaded one carries.
  const reference = otherBitPerSec ?? figures.rawBitPerSec;
  return reference > 0 && figures.otherDataBitPerSec > OTHER_BUSY_SHARE * reference;
}

/** The raw rate of the best valid line at a lower setting, if this one fell far behind it. */
function collapse(rate: number, figures: Figures, earlier: readonly JudgedLine[]): number | undefined {
  const best = Math.max(0, ...lower(rate, earlier).map((line) => line.figures.rawBitPerSec));
  return figures.rawBitPerSec < COLLAPSED_SHARE * best ? best : undefined;
}

/**
 * Whether user data still grows with the setting: below the raw rate the load fills the same share of every
 * setting, above it that share falls. Undefined while there are too few good lines below to tell.
 */
function stillFollows(rate: number, figures: Figures, earlier: readonly JudgedLine[]): boolean | undefined {
  const goodLines = lower(rate, earlier).filter(isGood);
  if (goodLines.length < 2) return undefined;
  const shares = goodLines.map(
    (line) => line.figures.rawBitPerSec / (line.measurement.rateBitPerSec ?? Number.POSITIVE_INFINITY),
  );
  const usual = median(shares);
  const spread = median(shares.map((share) => Math.abs(share - usual)));
  const usualErrorShare =
    median(goodLines.map((line) => line.figures.rateErrorShare)) / Math.sqrt(goodLines.length);
  const error = usual * Math.hypot(figures.rateErrorShare, usualErrorShare);
  const margin = Math.max(FOLLOW_MARGIN, FOLLOW_SIGMAS * spread, FOLLOW_SIGMAS * error);
  return figures.rawBitPerSec / rate >= usual - margin;
}

function lower(rate: number, earlier: readonly JudgedLine[]): JudgedLine[] {
  return earlier.filter(
    (line) =>
      isValid(line) && line.measurement.rateBitPerSec !== null && line.measurement.rateBitPerSec < rate,
  );
}

function remarksOf(measurement: Measurement, figures: Figures, context: JudgeContext): Remark[] {
  const remarks: Remark[] = [];
  const { maxRttMs } = context.limits;
  const { rtt, rttErrorMs: errorMs } = figures;
  if (rtt !== null && errorMs !== null && Math.abs(rtt.avg - maxRttMs) < 2 * errorMs) {
    remarks.push({ kind: 'unsure', errorMs });
  }
  if (!measurement.settled) remarks.push({ kind: 'not-settled' });
  if (context.otherBitPerSec !== null && figures.otherRawBitPerSec > 0.9 * context.otherBitPerSec) {
    remarks.push({ kind: 'other-full', otherRawBitPerSec: figures.otherRawBitPerSec });
  }
  return remarks;
}

/** One short phrase for the last column of a line. */
export function describeVerdict(line: JudgedLine): string {
  const { verdict } = line;
  switch (verdict.kind) {
    case 'good':
      return 'good';
    case 'slow':
      return 'too slow';
    case 'lossy':
      return `loses ${(line.figures.lossShare * 100).toFixed(0)} %`;
    case 'above-line':
      return line.measurement.rateBitPerSec === null ? 'the line is full' : 'more than the line carries';
    case 'invalid':
      return `not valid: ${describeTrouble(verdict.trouble)}`;
  }
}

export function describeTrouble(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'silent':
      return 'the ping host did not answer';
    case 'idle':
      return 'hardly any traffic';
    case 'no-queue':
      return 'answers are fast, so the line does not look full';
    case 'not-saturated':
      return `only ${(trouble.filledShare * 100).toFixed(0)} % of the bandwidth used`;
    case 'collapsed':
      return `user data fell from ${formatRate(trouble.earlierBitPerSec)} to ${formatRate(trouble.rawBitPerSec)} raw`;
    case 'unsteady':
      return `user data stalled (${formatRate(trouble.slowestBitPerSec)}, usually ${formatRate(trouble.medianBitPerSec)})`;
    case 'other-busy':
      return `other direction busy (${formatRate(trouble.otherDataBitPerSec)} of data)`;
    case 'rising':
      return `answer time still rising (by ${trouble.riseMs.toFixed(0)} ms)`;
  }
}

export function describeRemark(remark: Remark): string {
  switch (remark.kind) {
    case 'unsure':
      return `average uncertain by ±${(2 * remark.errorMs).toFixed(0)} ms`;
    case 'not-settled':
      return 'queue had not settled';
    case 'other-full':
      return `other direction full (${formatRate(remark.otherRawBitPerSec)})`;
  }
}
