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
  if (series.every(({ points }) => points.length === 0)) return '';
  const { title, xLabel, yLabel, horizontal, vertical, formatX = round, formatY = round } = options;
  const area = areaOf(series, options);
  const { width, x, y, column, row } = area;
  const paint: Paint = (text, colorCode) =>
    options.color === true && colorCode !== undefined ? `\x1b[${colorCode}m${text}\x1b[0m` : text;
  const labels = new Map(y.ticks.map((tick) => [row(tick), formatY(tick)]));
  const margin = Math.max(...[...labels.values()].map((label) => label.length));
  const body = draw(series, options, area, paint).map((drawn, index) => {
    const label = labels.get(index);
    return `${(label ?? '').padStart(margin)} ${label === undefined ? '|' : '+'}${drawn}`;
  });
  const legend = series.map((each) => `${paint(each.mark, each.colorCode)} ${each.name}`);
  if (horizontal !== undefined) legend.push(`- ${horizontal.name}`);
  if (vertical !== undefined) legend.push(`| ${vertical.name}`);
  const { line, numbers } = xAxis(x, column, width, formatX);
  const indent = ' '.repeat(margin + 1);
  return [
    title,
    yLabel,
    ...body,
    `${indent}+${line}`,
    `${indent} ${numbers.trimEnd()}`,
    `${indent} ${' '.repeat(Math.max(0, Math.floor((width - xLabel.length) / 2)))}${xLabel}`,
    `${indent} ${legend.join('   ')}`,
    '',
  ].join('\n');
}

type Paint = (text: string, colorCode: number | undefined) => string;

/** Where values stand in the drawing area. */
interface Area {
  width: number;
  height: number;
  x: Scale;
  y: Scale;
  column: (x: number) => number;
  row: (y: number) => number;
}

function areaOf(series: readonly PlotSeries[], options: PlotOptions): Area {
  const { width = DEFAULT_WIDTH, height = DEFAULT_HEIGHT, horizontal } = options;
  const points = series.flatMap((each) => each.points);
  const xs = points.map((point) => point.x);
  const ys = [...points.map((point) => point.y), ...(horizontal === undefined ? [] : [horizontal.y])];
  const x = linearScale(Math.min(...xs), Math.max(...xs), Math.max(2, Math.floor(width / 12)), false);
  const y =
    options.logY === true
      ? logScale(Math.min(...ys), Math.max(...ys))
      : linearScale(Math.min(0, ...ys), Math.max(...ys), Math.max(2, Math.floor(height / 3)));
  return {
    width,
    height,
    x,
    y,
    column: (value) => Math.round(x.position(value) * (width - 1)),
    row: (value) => height - 1 - Math.round(y.position(value) * (height - 1)),
  };
}

type Put = (column: number, row: number, text: string, rank: number, colorCode?: number) => void;

/** The rows of the drawing area. What has the higher rank hides what is below it. */
function draw(
  series: readonly PlotSeries[],
  { horizontal, vertical }: PlotOptions,
  { width, height, column, row }: Area,
  paint: Paint,
): string[] {
  const grid: (Cell | undefined)[][] = Array.from({ length: height }, () => []);
  const put: Put = (atColumn, atRow, text, rank, colorCode) => {
    const cells = grid[atRow];
    if (cells === undefined || atColumn < 0 || atColumn >= width) return;
    if ((cells[atColumn]?.rank ?? -1) <= rank) cells[atColumn] = { text, colorCode, rank };
  };
  if (horizontal !== undefined) {
    for (let at = 0; at < width; at++) put(at, row(horizontal.y), '-', 0, 2);
  }
  if (vertical !== undefined) {
    for (let at = 0; at < height; at++) put(column(vertical.x), at, '|', 0, 2);
  }
  for (const each of series) {
    if (each.joined !== false) join(each, column, row, put);
    for (const point of each.points) put(column(point.x), row(point.y), each.mark, 2, each.colorCode);
  }
  return grid.map((cells) =>
    Array.from({ length: width }, (_, at) => {
      const cell = cells[at];
      return cell === undefined ? ' ' : paint(cell.text, cell.colorCode);
    })
      .join('')
      .trimEnd(),
  );
}

/** Dots on the straight way between neighbouring points, one per column. */
function join(series: PlotSeries, column: (x: number) => number, row: (y: number) => number, put: Put): void {
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
