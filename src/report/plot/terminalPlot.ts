/**
 * Points and curves in characters. Own code: asciichart, the usual choice, has neither an x axis with values
 * nor a logarithmic scale nor points at unequal distances.
 */
import { linearScale, logScale, type Scale } from './scale.ts';

export interface PlotSeries {
  name: string;
  points: readonly { x: number; y: number }[];
  /** One character for its points. */
  mark: string;
  /** SGR colour number (31 red, 32 green, 34 blue, 36 cyan …); used only with `color`. */
  colorCode?: number;
  /** Joined by dots between the points; true by default. */
  joined?: boolean;
}

export interface PlotOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Characters of the drawing area, axes not counted. */
  width?: number;
  height?: number;
  logY?: boolean;
  color?: boolean;
  /** A limit drawn across, and values marked on the x axis. */
  horizontal?: { y: number; name: string };
  vertical?: { x: number; name: string };
  formatX?: (value: number) => string;
  formatY?: (value: number) => string;
}

interface Cell {
  text: string;
  colorCode: number | undefined;
  rank: number;
}

const DEFAULT_WIDTH = 64;
const DEFAULT_HEIGHT = 14;
const round = (value: number): string => String(Number(value.toPrecision(4)));

/** The plot as lines of text, each ended by a newline; empty without points. */
export function terminalPlot(series: readonly PlotSeries[], options: PlotOptions): string {
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) return '';
  const { width = DEFAULT_WIDTH, height = DEFAULT_HEIGHT } = options;
  const xs = points.map(({ x }) => x);
  const ys = [
    ...points.map(({ y }) => y),
    ...(options.horizontal === undefined ? [] : [options.horizontal.y]),
  ];
  const x = linearScale(Math.min(...xs), Math.max(...xs), Math.max(2, Math.floor(width / 12)), false);
  const y =
    options.logY === true
      ? logScale(Math.min(...ys), Math.max(...ys))
      : linearScale(Math.min(0, ...ys), Math.max(...ys), Math.max(2, Math.floor(height / 3)));
  const grid: (Cell | undefined)[][] = Array.from({ length: height }, () => []);
  const column = (value: number): number => Math.round(x.position(value) * (width - 1));
  const row = (value: number): number => height - 1 - Math.round(y.position(value) * (height - 1));
  const put = (atColumn: number, atRow: number, text: string, rank: number, colorCode?: number): void => {
    const cells = grid[atRow];
    if (cells === undefined || atColumn < 0 || atColumn >= width) return;
    if ((cells[atColumn]?.rank ?? -1) <= rank) cells[atColumn] = { text, colorCode, rank };
  };
  if (options.horizontal !== undefined) {
    for (let at = 0; at < width; at++) put(at, row(options.horizontal.y), '-', 0, 2);
  }
  if (options.vertical !== undefined) {
    for (let at = 0; at < height; at++) put(column(options.vertical.x), at, '|', 0, 2);
  }
  for (const each of series) {
    if (each.joined !== false) join(each, column, row, put);
    for (const point of each.points) put(column(point.x), row(point.y), each.mark, 2, each.colorCode);
  }
  const paint = (text: string, colorCode: number | undefined): string =>
    options.color === true && colorCode !== undefined ? `\x1b[${colorCode}m${text}\x1b[0m` : text;
  const formatY = options.formatY ?? round;
  const labels = new Map(y.ticks.map((tick) => [row(tick), formatY(tick)]));
  const margin = Math.max(...[...labels.values()].map((label) => label.length));
  const body = grid.map((cells, index) => {
    const label = labels.get(index);
    const drawn = Array.from({ length: width }, (_, at) => {
      const cell = cells[at];
      return cell === undefined ? ' ' : paint(cell.text, cell.colorCode);
    }).join('');
    return `${(label ?? '').padStart(margin)} ${label === undefined ? '|' : '+'}${drawn.trimEnd()}`;
  });
  const legend = series.map((each) => `${paint(each.mark, each.colorCode)} ${each.name}`);
  if (options.horizontal !== undefined) legend.push(`- ${options.horizontal.name}`);
  if (options.vertical !== undefined) legend.push(`| ${options.vertical.name}`);
  const { line, numbers } = xAxis(x, column, width, options.formatX ?? round);
  const indent = ' '.repeat(margin + 1);
  return [
    options.title,
    options.yLabel,
    ...body,
    `${indent}+${line}`,
    `${indent} ${numbers.trimEnd()}`,
    `${indent} ${' '.repeat(Math.max(0, Math.floor((width - options.xLabel.length) / 2)))}${options.xLabel}`,
    `${indent} ${legend.join('   ')}`,
    '',
  ].join('\n');
}

/** Dots on the straight way between neighbouring points, one per column. */
function join(
  series: PlotSeries,
  column: (x: number) => number,
  row: (y: number) => number,
  put: (column: number, row: number, text: string, rank: number, colorCode?: number) => void,
): void {
  const sorted = [...series.points].sort((a, b) => a.x - b.x);
  sorted.slice(1).forEach((to, index) => {
    const from = sorted[index];
    if (from === undefined) return;
    const [fromColumn, toColumn, fromRow, toRow] = [column(from.x), column(to.x), row(from.y), row(to.y)];
    for (let at = fromColumn + 1; at < toColumn; at++) {
      const share = (at - fromColumn) / (toColumn - fromColumn);
      put(at, Math.round(fromRow + (toRow - fromRow) * share), '.', 1, series.colorCode);
    }
  });
}

function xAxis(
  scale: Scale,
  column: (x: number) => number,
  width: number,
  format: (value: number) => string,
): { line: string; numbers: string } {
  const line = Array.from({ length: width }, () => '-');
  const numbers = Array.from({ length: width + 12 }, () => ' ');
  let free = 0;
  for (const tick of scale.ticks) {
    const at = column(tick);
    line[at] = '+';
    const label = format(tick);
    const from = Math.max(0, at - Math.floor(label.length / 2));
    if (from < free) continue;
    Array.from(label).forEach((character, index) => (numbers[from + index] = character));
    free = from + label.length + 1;
  }
  return { line: line.join(''), numbers: numbers.join('') };
}
