/** The fixed grid: which bandwidth comes next. A state machine without effects. */
import { isGood, type JudgedLine, type Trouble } from './judge.ts';

export interface Grid {
  lowerBitPerSec: number;
  upperBitPerSec: number;
  stepBitPerSec: number;
}

/** How often one bandwidth is tried before it stays "not valid". */
export const MAX_ATTEMPTS = 3;
/** After so many bandwidths in a row that stayed not valid the sweep ends: nothing more would come of it. */
const GIVE_UP_AFTER = 2;

/** The bandwidths of a grid, lowest first; UPPER is one of them where the step meets it, as in the article. */
export function gridRates(grid: Grid): number[] {
  const lines = countLines(grid);
  return Array.from({ length: lines }, (_, index) => grid.lowerBitPerSec + index * grid.stepBitPerSec);
}

/** How many lines a grid has; the tolerance keeps 1300–1800 in steps of 0.1 from losing its last line. */
export function countLines(grid: Grid): number {
  return Math.floor((grid.upperBitPerSec - grid.lowerBitPerSec) / grid.stepBitPerSec + 1e-9) + 1;
}

export interface SweepState {
  rates: readonly number[];
  /** Every judged line, repeats included, in the order of measuring. */
  lines: readonly JudgedLine[];
}

export type SweepStep =
  | { kind: 'measure'; rateBitPerSec: number; attempt: number; index: number }
  | { kind: 'done' }
  /** Ended early because of what the last lines suffered from. */
  | { kind: 'given-up'; trouble: Trouble };

export function startSweep(grid: Grid): SweepState {
  return { rates: gridRates(grid), lines: [] };
}

export function recordLine(state: SweepState, line: JudgedLine): SweepState {
  return { ...state, lines: [...state.lines, line] };
}

/** What to do next. */
export function nextStep(state: SweepState): SweepStep {
  const last = state.lines.at(-1);
  const first = state.rates[0];
  if (first === undefined) return { kind: 'done' };
  if (last === undefined) return { kind: 'measure', rateBitPerSec: first, attempt: 1, index: 0 };
  const rate = last.measurement.rateBitPerSec;
  const index = state.rates.findIndex((each) => each === rate);
  if (last.verdict.kind === 'invalid') {
    if (last.attempt < MAX_ATTEMPTS && rate !== null) {
      return { kind: 'measure', rateBitPerSec: rate, attempt: last.attempt + 1, index };
    }
    const failedInARow = trailingFailures(state.lines);
    // Nothing known below and nothing to be had here: the rest of the grid would only repeat it.
    if (failedInARow >= GIVE_UP_AFTER || failedInARow === finalLines(state.lines).length) {
      return { kind: 'given-up', trouble: last.verdict.trouble };
    }
  }
  const measured = new Set(state.lines.map(({ measurement }) => measurement.rateBitPerSec));
  const nextIndex = state.rates.findIndex((each) => !measured.has(each));
  const next = state.rates[nextIndex];
  if (next !== undefined) return { kind: 'measure', rateBitPerSec: next, attempt: 1, index: nextIndex };
  const doubtful = lineToRepeat(finalLines(state.lines));
  if (doubtful === undefined) return { kind: 'done' };
  return {
    kind: 'measure',
    rateBitPerSec: doubtful,
    attempt: 2,
    index: state.rates.indexOf(doubtful),
  };
}

/**
 * The lowest bandwidth whose only measurement speaks against it with answers in time, although a higher one is
 * good: a single lost ping of five does that, and alone it would decide what is recommended. Answers that came too
 * late are no accident: they stand.
 */
function lineToRepeat(lines: readonly JudgedLine[]): number | undefined {
  const highestGood = lines.findLastIndex(isGood);
  const doubtful = lines
    .slice(0, Math.max(0, highestGood))
    .find((line) => line.attempt === 1 && isBadWithAnswersInTime(line));
  return doubtful?.measurement.rateBitPerSec ?? undefined;
}

function isBadWithAnswersInTime({ verdict }: JudgedLine): boolean {
  return verdict.kind === 'lossy' || (verdict.kind === 'above-line' && !verdict.slow);
}

/** The last try at every bandwidth, lowest bandwidth first: what counts for the recommendation. */
export function finalLines(lines: readonly JudgedLine[]): JudgedLine[] {
  const byRate = new Map<number, JudgedLine>();
  for (const line of lines) {
    if (line.measurement.rateBitPerSec !== null) byRate.set(line.measurement.rateBitPerSec, line);
  }
  return [...byRate.entries()].sort(([a], [b]) => a - b).map(([, line]) => line);
}

function trailingFailures(lines: readonly JudgedLine[]): number {
  let count = 0;
  for (const line of finalLines(lines).reverse()) {
    if (line.verdict.kind !== 'invalid') break;
    count++;
  }
  return count;
}
