/**
 * The result of a run as it is stored, reopened and shown: plain data, documented in docs/searchbw.md. Every
 * output (text, CSV, plot, page) is made from this form, so a reopened file shows what the run showed.
 */
import type { RawRates } from '../../plan/input/framing.ts';
import type { RawOptions } from '../arguments/rawOptions.ts';
import { gridCommand, inetgwCommand, isFramingTyped, typedOptions } from '../arguments/command.ts';
import {
  describeRemark,
  describeVerdict,
  type JudgedLine,
  type Limits,
  type Verdict,
} from '../decide/judge.ts';
import type { LineDescription } from '../../line/control/line.ts';
import type { ByteWindow, Direction, Figures, PingSample } from '../../line/samples/measurement.ts';
import type { FoundHost } from '../../line/ping/pingHost.ts';
import { describePacing, type PacingFigures, type PacingResult } from '../decide/pacingTrial.ts';
import { describeWarning } from '../decide/recommend.ts';
import type { DirectionResult } from '../run/session.ts';

export const RESULT_FORMAT = 'searchbw-result';
/** Raised when a reader of the earlier form would misread the new one. */
export const RESULT_VERSION = 1;

export interface ResultLine {
  /** The shaper's rate in the direction under test; null: unshaped. */
  rateBitPerSec: number | null;
  /** 1 for the first try at this bandwidth, 2 for the first repeat … */
  attempt: number;
  verdict: Verdict['kind'];
  /** The verdict, and for a line that is not valid the reason, in words. */
  verdictText: string;
  remarks: string[];
  /** When pinging began, ms since the start of the run; how long settling took before that. */
  atMs: number;
  settleMs: number;
  settled: boolean;
  fastestMs: number | null;
  figures: Figures;
  /** Every single ping and every reading of the counters. */
  samples: PingSample[];
  windows: ByteWindow[];
}

/** What window pacing makes of the line. */
export interface ResultPacing {
  /** `off`: the command that is recommended leaves it out. */
  use: 'auto' | 'off';
  /** Measured with it; empty: it was not tried. */
  lines: ResultLine[];
  /** What was compared; null: it was not tried. */
  paced: PacingFigures | null;
  unpaced: PacingFigures | null;
  /** What it gained, or why it was not tried, in words. */
  text: string;
}

export interface ResultDirection {
  direction: Direction;
  mode: 'grid' | 'auto';
  grid: { lowerBitPerSec: number; upperBitPerSec: number; stepBitPerSec: number; pings: number } | null;
  /** The fixed rate of the other direction; null: unshaped. */
  otherBitPerSec: number | null;
  lines: ResultLine[];
  reasoning: string[];
  /** Null: nothing can be recommended; the warnings say why. */
  recommendedBitPerSec: number | null;
  /** Null: nothing is known of it (UP, nothing recommended, files of the first versions). */
  pacing: ResultPacing | null;
  warnings: { kind: string; text: string }[];
  /** The command of the next measurement worth making. */
  nextCommand: string | null;
}

export interface SearchResult {
  format: typeof RESULT_FORMAT;
  formatVersion: number;
  /** ISO 8601. */
  startedAt: string;
  finishedAt: string;
  tool: { name: 'searchbw'; version: string; node: string };
  line: LineDescription;
  pingHost: FoundHost;
  limits: Limits;
  pingIntervalMs: number;
  /** `own` load, or the URLs the tool loaded itself. */
  load: { downloadUrls: string[]; uploadUrls: string[]; streams: number };
  directions: ResultDirection[];
  /** The command that puts the recommended values in force, if there are any. */
  inetgwCommand: string | null;
}

export type ResultHead = Omit<SearchResult, 'format' | 'formatVersion' | 'directions' | 'inetgwCommand'>;

export function toResultLine(line: JudgedLine): ResultLine {
  const { measurement } = line;
  return {
    rateBitPerSec: measurement.rateBitPerSec,
    attempt: line.attempt,
    verdict: line.verdict.kind,
    verdictText: describeVerdict(line),
    remarks: line.remarks.map(describeRemark),
    atMs: measurement.atMs,
    settleMs: measurement.settleMs,
    settled: measurement.settled,
    fastestMs: measurement.fastestMs,
    figures: line.figures,
    samples: [...measurement.samples],
    windows: [...measurement.windows],
  };
}

function toResultDirection(
  result: DirectionResult,
  device: string,
  suffixes: CommandSuffixes,
): ResultDirection {
  const { task, recommendation, otherBitPerSec } = result;
  const { next } = recommendation;
  return {
    direction: task.direction,
    mode: task.mode,
    grid: task.mode === 'grid' ? { ...task.grid, pings: task.pings } : null,
    otherBitPerSec,
    lines: result.lines.map(toResultLine),
    reasoning: [...result.reasoning],
    recommendedBitPerSec: recommendation.rateBitPerSec,
    pacing: result.pacing === null ? null : toResultPacing(result.pacing),
    warnings: recommendation.warnings.map((warning) => ({
      kind: warning.kind,
      text: describeWarning(warning),
    })),
    nextCommand:
      next === null || otherBitPerSec === null
        ? null
        : gridCommand(device, task.direction, next, otherBitPerSec) +
          suffixes.search(
            task.direction,
            task.direction === 'up'
              ? { upBitPerSec: next.upperBitPerSec, downBitPerSec: otherBitPerSec }
              : { upBitPerSec: otherBitPerSec, downBitPerSec: next.upperBitPerSec },
          ),
  };
}

function toResultPacing({ outcome, lines }: PacingResult): ResultPacing {
  const compared = outcome.kind === 'gained' || outcome.kind === 'lost' ? outcome : undefined;
  return {
    use: outcome.kind === 'lost' || outcome.kind === 'off' ? 'off' : 'auto',
    lines: lines.map(toResultLine),
    paced: compared?.paced ?? null,
    unpaced: compared?.unpaced ?? null,
    text: describePacing(outcome),
  };
}

/** What the printed commands need to mean what was measured, each with a space before it. */
export interface CommandSuffixes {
  inetgw: (rates: RawRates) => string;
  search: (direction: Direction, rates: RawRates) => string;
}

/** The framing where it has to be said, and for a further search, what was typed. */
export function commandSuffixes(typed: RawOptions, framing: (rates: RawRates) => string): CommandSuffixes {
  return {
    inetgw: framing,
    search: (direction, rates) =>
      (isFramingTyped(typed) ? '' : framing(rates)) + typedOptions(typed, direction),
  };
}

export function makeResult(
  head: ResultHead,
  directions: readonly DirectionResult[],
  suffixes: CommandSuffixes = commandSuffixes({}, () => ''),
): SearchResult {
  const found = directions.map((direction) => toResultDirection(direction, head.line.device, suffixes));
  return {
    format: RESULT_FORMAT,
    formatVersion: RESULT_VERSION,
    ...head,
    directions: found,
    inetgwCommand: commandFor(head.line.device, found, suffixes.inetgw),
  };
}

/** Both rates are needed: the other one is the recommended one of its own direction, or the fixed one. */
function commandFor(
  device: string,
  directions: readonly ResultDirection[],
  suffix: CommandSuffixes['inetgw'],
): string | null {
  const rate = (direction: Direction): number | null => {
    const own = directions.find((each) => each.direction === direction);
    if (own !== undefined) return own.recommendedBitPerSec;
    return directions.find((each) => each.direction !== direction)?.otherBitPerSec ?? null;
  };
  const up = rate('up');
  const down = rate('down');
  const pacing = directions.find((each) => each.pacing !== null)?.pacing?.use ?? 'auto';
  if (up === null || down === null) return null;
  return inetgwCommand(device, up, down, pacing) + suffix({ upBitPerSec: up, downBitPerSec: down });
}
