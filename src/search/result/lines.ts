/** The text form of a measurement: one line per bandwidth, and what follows from all of them. Pure. */
import { counted, kbit } from '../../core/units.ts';
import type { Direction } from '../../line/samples/measurement.ts';
import type { ResultDirection, ResultLine, SearchResult } from './result.ts';

/** Marks words for a terminal; the plain one returns them as they are. */
export interface Paint {
  good: (text: string) => string;
  bad: (text: string) => string;
  faint: (text: string) => string;
  strong: (text: string) => string;
}

const same = (text: string): string => text;
export const PLAIN: Paint = { good: same, bad: same, faint: same, strong: same };
const sgr =
  (code: number) =>
  (text: string): string =>
    `\x1b[${code}m${text}\x1b[0m`;
export const COLOUR: Paint = { good: sgr(32), bad: sgr(31), faint: sgr(2), strong: sgr(1) };

const WIDTHS = [9, 7, 7, 7, 7, 7, 6, 9, 9];

function columns(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 0)).join(' ');
}

/** Two lines above the table: what the columns are, and their units. */
export function formatHeader(direction: Direction): string {
  const names = columns([
    direction.toUpperCase(),
    'min',
    'avg',
    'median',
    'p95',
    'max',
    'loss',
    'down',
    'up',
  ]);
  const units = columns(['kbit/s', 'ms', 'ms', 'ms', 'ms', 'ms', '%', 'kbit/s', 'kbit/s']);
  return `${names}  verdict\n${units}\n`;
}

export function formatLine(line: ResultLine, paint: Paint): string {
  const { figures } = line;
  const { rtt } = figures;
  const ms = (value: number | undefined): string =>
    value === undefined ? '-' : value < 100 ? value.toFixed(1) : value.toFixed(0);
  const cells = columns([
    line.rateBitPerSec === null ? 'unshaped' : kbit(line.rateBitPerSec),
    ms(rtt?.min),
    ms(rtt?.avg),
    ms(rtt?.median),
    ms(rtt?.p95),
    ms(rtt?.max),
    (figures.lossShare * 100).toFixed(figures.lossShare > 0 && figures.lossShare < 0.1 ? 1 : 0),
    (figures.downBitPerSec / 1000).toFixed(0),
    (figures.upBitPerSec / 1000).toFixed(0),
  ]);
  const words = [line.verdictText, ...line.remarks].join(', ');
  const mark = line.verdict === 'good' ? paint.good : line.verdict === 'invalid' ? paint.faint : paint.bad;
  return `${line.verdict === 'invalid' ? paint.faint(cells) : cells}  ${mark(words)}\n`;
}

/** Above the lines that were measured with it. */
export function formatPacingHeader(paint: Paint): string {
  return `  ${paint.faint('now with window pacing, as inetgw sets it up:')}\n`;
}

/** What follows from the lines of one direction. */
export function formatConclusion(direction: ResultDirection, paint: Paint): string {
  const name = direction.direction.toUpperCase();
  const value =
    direction.recommendedBitPerSec === null
      ? paint.bad(`${name}: no value can be recommended`)
      : paint.strong(`${name}: ${kbit(direction.recommendedBitPerSec)} kbit/s recommended`);
  const warnings = direction.warnings.map(({ text }) => `${paint.bad('warning:')} ${text}\n`).join('');
  const next = direction.nextCommand === null ? '' : `next:     ${direction.nextCommand}\n`;
  const pacing = direction.pacing === null ? '' : `window pacing: ${direction.pacing.text}\n`;
  return `${value}\n${pacing}${warnings}${next}`;
}

/** The last lines of a run. */
export function formatCommands(result: SearchResult): string {
  return result.inetgwCommand === null ? '' : `then use: ${result.inetgwCommand}\n`;
}

/** Where and how was measured: the first line of a run. */
export function formatSubject(result: Pick<SearchResult, 'line' | 'pingHost' | 'limits'>): string {
  const { line, pingHost, limits } = result;
  const hops = pingHost.hops === undefined ? '' : `, ${counted(pingHost.hops, 'hop')} away`;
  const how = { given: 'as given', peer: 'the PPP peer', router: 'a router on the way' }[pingHost.how];
  return (
    `${line.device} (${line.kind}, ${line.framing}); pinging ${pingHost.address} (${how}${hops}); ` +
    `good is below ${limits.maxRttMs} ms on average and at most ${Number((limits.maxLossShare * 100).toFixed(2))} % lost\n`
  );
}

const CSV_COLUMNS = [
  'direction',
  'rate_bit_per_sec',
  'attempt',
  'verdict',
  'pings',
  'lost',
  'rtt_min_ms',
  'rtt_avg_ms',
  'rtt_median_ms',
  'rtt_p95_ms',
  'rtt_max_ms',
  'down_bit_per_sec',
  'up_bit_per_sec',
  'raw_bit_per_sec',
  'at_ms',
  'duration_ms',
  'recommended_bit_per_sec',
  'verdict_text',
  'window_pacing',
] as const;

export function csvHeader(): string {
  return `${CSV_COLUMNS.join(',')}\n`;
}

/** `recommended_bit_per_sec` is what follows from all lines: the same in each, empty while the run is going on. */
export function csvLine(
  direction: Direction,
  line: ResultLine,
  { recommendedBitPerSec, paced }: { recommendedBitPerSec?: number | null; paced: boolean },
): string {
  const { figures } = line;
  const { rtt } = figures;
  const cells = [
    direction,
    line.rateBitPerSec ?? '',
    line.attempt,
    line.verdict,
    figures.sent,
    figures.lost,
    ...[rtt?.min, rtt?.avg, rtt?.median, rtt?.p95, rtt?.max].map((value) => value?.toFixed(3) ?? ''),
    figures.downBitPerSec.toFixed(0),
    figures.upBitPerSec.toFixed(0),
    figures.rawBitPerSec.toFixed(0),
    line.atMs.toFixed(0),
    figures.durationMs.toFixed(0),
    recommendedBitPerSec ?? '',
    [line.verdictText, ...line.remarks].join('; '),
    paced ? 'on' : 'off',
  ];
  return `${cells.map(csvCell).join(',')}\n`;
}

/** RFC 4180; a leading `=`, `+`, `-` or `@` in text would run as a formula in a spreadsheet. */
function csvCell(value: string | number): string {
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+@\t\r-]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
