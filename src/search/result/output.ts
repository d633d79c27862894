/** Writes what a run or a stored result shows: text, CSV or JSON on standard output, files beside it. */
import { kbit } from '../../core/units.ts';
import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, failure, usageError, type UserError } from '../../core/errors.ts';
import { terminalPlot } from '../../report/plot/terminalPlot.ts';
import type { OutputSettings } from '../arguments/arguments.ts';
import {
  COLOUR,
  csvHeader,
  csvLine,
  formatCommands,
  formatConclusion,
  formatHeader,
  formatLine,
  formatPacingHeader,
  formatSubject,
  PLAIN,
  type Paint,
} from './lines.ts';
import type { ResultDirection, ResultLine, SearchResult } from './result.ts';

export interface Screen {
  paint: Paint;
  color: boolean;
  /** Columns of the terminal; 80 where there is none. */
  width: number;
}

/** Colour only on a terminal that has it, and nobody said no (https://no-color.org). */
export function screenFor(
  stream: NodeJS.WriteStream,
  environment: Readonly<Record<string, string | undefined>>,
  wanted: boolean,
): Screen {
  const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  const color = wanted && !refused && stream.isTTY;
  return { paint: color ? COLOUR : PLAIN, color, width: stream.isTTY ? stream.columns : 80 };
}

/** What a plot shows of the shaped lines that may be believed: bit/s, ms. */
function validTimes(lines: readonly ResultLine[]): { x: number; avg: number; p95: number }[] {
  return lines.flatMap(({ verdict, rateBitPerSec, figures: { rtt } }) =>
    verdict === 'invalid' || rateBitPerSec === null || rtt === null
      ? []
      : [{ x: rateBitPerSec, avg: rtt.avg, p95: rtt.p95 }],
  );
}

/** Answer time over bandwidth for a terminal; empty where there is nothing to draw. */
function plotOf(direction: ResultDirection, maxRttMs: number, screen: Screen, logY: boolean): string {
  const valid = validTimes(direction.lines);
  if (new Set(valid.map(({ x }) => x)).size < 2) return '';
  const paced = validTimes(direction.pacing?.lines ?? []);
  const { recommendedBitPerSec: recommended } = direction;
  return terminalPlot(
    [
      {
        name: '95th percentile',
        mark: '^',
        colorCode: 36,
        joined: false,
        points: valid.map(({ x, p95 }) => ({ x, y: p95 })),
      },
      { name: 'average', mark: 'o', colorCode: 34, points: valid.map(({ x, avg }) => ({ x, y: avg })) },
      ...(paced.length === 0
        ? []
        : [
            {
              name: 'average with window pacing',
              mark: '*',
              colorCode: 32,
              points: paced.map(({ x, avg }) => ({ x, y: avg })),
            },
          ]),
    ],
    {
      title: `Answer time over ${direction.direction === 'down' ? 'download' : 'upload'} bandwidth`,
      xLabel: 'kbit/s',
      yLabel: 'ms',
      width: Math.max(30, Math.min(100, screen.width - 12)),
      logY,
      color: screen.color,
      horizontal: { y: maxRttMs, name: `limit ${maxRttMs} ms` },
      ...(recommended === null ? {} : { vertical: { x: recommended, name: 'recommended' } }),
      formatX: kbit,
    },
  );
}

/** The whole of a stored result on standard output. */
export function renderResult(result: SearchResult, output: OutputSettings, screen: Screen): string {
  if (output.format === 'json') return `${JSON.stringify(result, undefined, 2)}\n`;
  if (output.format === 'csv') {
    const rows = result.directions.flatMap(({ direction, lines, pacing, recommendedBitPerSec }) => [
      ...lines.map((line) => csvLine(direction, line, { recommendedBitPerSec, paced: false })),
      ...(pacing?.lines ?? []).map((line) => csvLine(direction, line, { recommendedBitPerSec, paced: true })),
    ]);
    return csvHeader() + rows.join('');
  }
  const sections = result.directions.map((each) =>
    [
      formatHeader(each.direction),
      ...each.lines.map((line) => formatLine(line, screen.paint)),
      ...each.reasoning.map((sentence) => `  ${sentence}\n`),
      ...(each.pacing === null || each.pacing.lines.length === 0
        ? []
        : [
            formatPacingHeader(screen.paint),
            ...each.pacing.lines.map((line) => formatLine(line, screen.paint)),
          ]),
      renderEnd(each, result, output, screen),
    ].join(''),
  );
  return formatSubject(result) + sections.join('\n') + formatCommands(result);
}

/** Plot and conclusion of one direction: what comes below its lines. */
export function renderEnd(
  direction: ResultDirection,
  result: Pick<SearchResult, 'limits'>,
  output: OutputSettings,
  screen: Screen,
): string {
  const plot = output.plot ? plotOf(direction, result.limits.maxRttMs, screen, output.logScale) : '';
  return `${plot === '' ? '' : `\n${plot}\n`}${formatConclusion(direction, screen.paint)}`;
}

/** Files that could not be written at the end, found before the beginning. */
export async function fileErrors(
  output: Pick<OutputSettings, 'reportFile' | 'saveFile'>,
): Promise<UserError[]> {
  const errors: UserError[] = [];
  for (const file of [output.reportFile, output.saveFile]) {
    if (file === null) continue;
    const problem = await whyNotWritable(file);
    if (problem !== undefined) errors.push(usageError(`${file} cannot be written: ${problem}`));
  }
  return errors;
}

async function whyNotWritable(file: string): Promise<string | undefined> {
  try {
    const existing = await stat(file).catch(() => undefined);
    if (existing?.isDirectory() === true) return 'it is a directory';
    await access(existing === undefined ? dirname(file) : file, constants.W_OK);
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' ? `${dirname(file)} does not exist` : 'permission denied';
  }
}

export async function writeFiles(result: SearchResult, output: OutputSettings): Promise<void> {
  if (output.saveFile !== null) await write(output.saveFile, `${JSON.stringify(result, undefined, 2)}\n`);
  if (output.reportFile !== null) {
    const { reportPage } = await import('./html.ts');
    await write(output.reportFile, reportPage(result));
  }
}

async function write(file: string, content: string): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    throw failure(`${file} could not be written: ${(error as Error).message}`, undefined, { cause: error });
  }
}
