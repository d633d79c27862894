/**
 * The last part of a search of DOWN: the line as `inetgw` sets it up, that is with window pacing. The search itself
 * goes without, since pacing never fills the line it looks for. Pure.
 *
 * The recommended bandwidth comes first. Where that is good, pacing may allow more: up to 98 % of what the line has
 * carried is tried, then once the middle. Higher counts only while answers are no later than without pacing.
 */
import { formatRate } from '../../core/units.ts';
import { describeTrouble, isGood, isValid, rateOf, type JudgedLine, type Limits } from './judge.ts';
import type { Recommendation } from './recommend.ts';
import { finalLines } from './sweep.ts';

export interface PacingTrial {
  limits: Limits;
  recommendedBitPerSec: number;
  /** Without pacing, at the recommended bandwidth or the highest good one below it. */
  reference: JudgedLine;
  topBitPerSec: number;
  /** Measured with pacing, repeats included. */
  lines: readonly JudgedLine[];
}

export type PacingStep = { kind: 'measure'; rateBitPerSec: number; attempt: number } | { kind: 'done' };

/** One bandwidth, and what was seen there. */
export interface PacingFigures {
  rateBitPerSec: number;
  averageMs: number;
  /** User data down. */
  dataBitPerSec: number;
}

export type PacingOutcome =
  /** What is to be used is `paced.rateBitPerSec`. */
  | { kind: 'gained'; unpaced: PacingFigures; paced: PacingFigures }
  /** With pacing the line is worse: it is better left out. */
  | { kind: 'lost'; unpaced: PacingFigures; paced: PacingFigures }
  | { kind: 'not-tried'; reason: string }
  | { kind: 'off' };

/** What is measured of the direction that pacing is tried in. */
export interface PacingResult {
  outcome: PacingOutcome;
  lines: readonly JudgedLine[];
}

/** Pings of each measurement with pacing: enough for the user data of a slow line. */
export const PACING_PINGS = 40;
/** Windows keep flows from all of the bandwidth: over 40 ms four of them used 84 to 95 % (docs/searchbw.md). */
export const PACING_FILLED_SHARE = 0.7;
/** The share of the raw rate that the figures of docs/pacing.md were made with; above it a surplus hardly drains. */
const TOP_SHARE = 0.98;
/** A bandwidth that is nearer to another one than this is not worth a measurement. */
const LEAST_STEP_SHARE = 0.01;
const MAX_ATTEMPTS = 2;
const MOST_RATES = 3;
/** Answers that are later by no more than this share of the limit, or by what chance does, are no later. */
const SAME_SHARE = 0.05;
const SAME_SIGMAS = 2;
/** User data that is less by no more than this is not lost. */
const DATA_MARGIN = 0.03;

/** Null where there is nothing to try it with: nothing recommended, or no good line. */
export function startPacing(
  recommendation: Recommendation,
  lines: readonly JudgedLine[],
  limits: Limits,
): PacingTrial | null {
  const { rateBitPerSec } = recommendation;
  if (rateBitPerSec === null) return null;
  const reference = finalLines(lines)
    .filter((line) => isGood(line) && rateOf(line) <= rateBitPerSec)
    .at(-1);
  if (reference === undefined) return null;
  // Without a line that was too much, nobody knows how much more the line carries.
  const endSeen = lines.some((line) => isValid(line) && !isGood(line));
  const carried = Math.max(...lines.filter(isValid).map(({ figures }) => figures.rawBitPerSec));
  const top = endSeen ? Math.floor((TOP_SHARE * carried) / 1000) * 1000 : 0;
  return {
    limits,
    recommendedBitPerSec: rateBitPerSec,
    reference,
    topBitPerSec: Math.max(rateBitPerSec, top),
    lines: [],
  };
}

export function recordPacing(trial: PacingTrial, line: JudgedLine): PacingTrial {
  return { ...trial, lines: [...trial.lines, line] };
}

export function nextPacing(trial: PacingTrial): PacingStep {
  const { recommendedBitPerSec, topBitPerSec, lines } = trial;
  const last = lines.at(-1);
  if (last === undefined) return { kind: 'measure', rateBitPerSec: recommendedBitPerSec, attempt: 1 };
  if (!isValid(last)) {
    if (last.attempt >= MAX_ATTEMPTS) return { kind: 'done' };
    return { kind: 'measure', rateBitPerSec: rateOf(last), attempt: last.attempt + 1 };
  }
  const measured = finalLines(lines);
  const best = bestOf(trial);
  if (best === undefined || measured.length >= MOST_RATES) return { kind: 'done' };
  const low = rateOf(best);
  const above = measured.find((line) => rateOf(line) > low);
  const next = above === undefined ? topBitPerSec : Math.floor((low + rateOf(above)) / 2 / 1000) * 1000;
  const gap = (above === undefined ? next : rateOf(above)) - low;
  if (gap <= LEAST_STEP_SHARE * topBitPerSec || next <= low) return { kind: 'done' };
  return { kind: 'measure', rateBitPerSec: next, attempt: 1 };
}

/**
 * @param loweredShare lowered windows for each segment that left: below a tenth, these downloads are not paced
 */
export function concludePacing(trial: PacingTrial, loweredShare: number): PacingOutcome {
  const measured = finalLines(trial.lines);
  const first = measured[0];
  if (first === undefined) return { kind: 'not-tried', reason: 'nothing was measured' };
  if (loweredShare < 0.1) {
    return {
      kind: 'not-tried',
      reason: 'it had no hold on these downloads: they began before it, or are not TCP',
    };
  }
  const best = bestOf(trial);
  const unpaced = figuresOf(trial.reference);
  if (best !== undefined) return { kind: 'gained', unpaced, paced: figuresOf(best) };
  if (first.verdict.kind === 'invalid') {
    return {
      kind: 'not-tried',
      reason: `measuring with it stayed not valid: ${describeTrouble(first.verdict.trouble)}`,
    };
  }
  return { kind: 'lost', unpaced, paced: figuresOf(first) };
}

/** The highest bandwidth that is good with pacing, with answers no later and user data no less than without. */
function bestOf(trial: PacingTrial): JudgedLine | undefined {
  let best: JudgedLine | undefined;
  for (const line of finalLines(trial.lines)) {
    if (!isGood(line) || !isNoWorse(line, trial)) break;
    if (best === undefined || line.figures.downBitPerSec > best.figures.downBitPerSec) best = line;
  }
  return best;
}

function isNoWorse(line: JudgedLine, { reference, limits }: PacingTrial): boolean {
  const { rtt, rttErrorMs } = line.figures;
  const before = reference.figures;
  if (rtt === null || before.rtt === null) return false;
  const chanceMs = SAME_SIGMAS * Math.hypot(rttErrorMs ?? 0, before.rttErrorMs ?? 0);
  const noLater = rtt.avg <= before.rtt.avg + Math.max(SAME_SHARE * limits.maxRttMs, chanceMs);
  return noLater && line.figures.downBitPerSec >= (1 - DATA_MARGIN) * before.downBitPerSec;
}

function figuresOf(line: JudgedLine): PacingFigures {
  return {
    rateBitPerSec: rateOf(line),
    averageMs: line.figures.rtt?.avg ?? 0,
    dataBitPerSec: line.figures.downBitPerSec,
  };
}

/** One line for a person; empty where there is nothing to say. */
export function describePacing(outcome: PacingOutcome): string {
  switch (outcome.kind) {
    case 'gained': {
      const { paced, unpaced } = outcome;
      return `with it, at ${formatRate(paced.rateBitPerSec)}: ${seen(paced)}; without, at ${formatRate(unpaced.rateBitPerSec)}: ${seen(unpaced)}`;
    }
    case 'lost': {
      const { paced, unpaced } = outcome;
      return `gains nothing here: with it, at ${formatRate(paced.rateBitPerSec)}: ${seen(paced)}; without, at ${formatRate(unpaced.rateBitPerSec)}: ${seen(unpaced)}; so it is left out`;
    }
    case 'not-tried':
      return `not tried: ${outcome.reason}`;
    case 'off':
      return 'left out, as asked';
  }
}

function seen({ averageMs, dataBitPerSec }: PacingFigures): string {
  return `${averageMs.toFixed(averageMs < 100 ? 1 : 0)} ms, ${formatRate(dataBitPerSec)} of user data`;
}
