/** Plots of one device: down, up, the path; a minute, ten, a day. */
import uPlot from 'uplot';
import type { HistoryJson } from '../feed/history.ts';
import { byId, element, setText } from './dom.ts';
import { rateText } from './figures.ts';

export type Range = 'now' | 'minutes' | 'day';

const RANGE_SEC: Readonly<Record<Range, number>> = { now: 60, minutes: 600, day: 86_400 };
const RANGE_TEXT: Readonly<Record<Range, string>> = {
  now: 'the last minute',
  minutes: 'the last 10 min',
  day: 'the last 24 h',
};
const HEIGHT = 150;
/** Samples come every 15 s where nobody looks: what is further apart has a gap between. */
const GAP_SEC: Readonly<Record<Range, number>> = { now: 33, minutes: 33, day: 150 };

type Column = readonly (number | null)[];

interface Shown {
  atSec: readonly number[];
  /** In bit/s, or ms. */
  value: Column;
  most: Column | undefined;
  set: Column | undefined;
}

interface Kind {
  title: string;
  colour: string;
  text: (value: number) => string;
  axis: (value: number) => string;
  of: (history: HistoryJson, range: Range) => Omit<Shown, 'atSec'>;
}

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const axisRate = (bitPerSec: number): string =>
  bitPerSec >= 1e6 ? `${String(bitPerSec / 1e6)} M` : bitPerSec === 0 ? '0' : `${String(bitPerSec / 1e3)} k`;

const direction = (name: 'up' | 'down'): Kind => ({
  title: name === 'up' ? 'Up' : 'Down',
  colour: `--${name}`,
  text: rateText,
  axis: axisRate,
  of: ({ seconds, minutes }, range) =>
    range === 'day'
      ? {
          value: minutes[`${name}BitPerSec`],
          most: minutes[`${name}MostBitPerSec`],
          set: minutes[`${name}SetBitPerSec`],
        }
      : { value: seconds[`${name}BitPerSec`], most: undefined, set: seconds[`${name}SetBitPerSec`] },
});

const KINDS: readonly Kind[] = [
  direction('down'),
  direction('up'),
  {
    title: 'Path, without its queues',
    colour: '--rtt',
    text: milliseconds,
    axis: (value) => String(value),
    of: ({ seconds, minutes }, range) =>
      range === 'day'
        ? { value: minutes.rttLeastMs, most: minutes.rttMostMs, set: undefined }
        : { value: seconds.rttMs, most: undefined, set: undefined },
  },
];

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Plot {
  readonly #kind: Kind;
  readonly #figure: HTMLElement;
  readonly #place = element('div', { class: 'plot', 'aria-hidden': 'true' });
  readonly #summary = element('span', { class: 'quiet' });
  #plot: uPlot | undefined;
  #shape = '';

  constructor(kind: Kind) {
    this.#kind = kind;
    const caption = element('figcaption', {}, element('h3', {}, kind.title), this.#summary);
    this.#figure = element('figure', {}, caption, this.#place);
    byId('plots').append(this.#figure);
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT })).observe(
      this.#place,
    );
  }

  show(history: HistoryJson, range: Range, nowSec: number): void {
    const times = (range === 'day' ? history.minutes : history.seconds).atMs;
    const fromSec = nowSec - RANGE_SEC[range];
    const from = times.findIndex((atMs) => atMs / 1000 >= fromSec);
    const cut = (column: Column): Column => (from < 0 ? [] : column.slice(from));
    const { value, most, set } = this.#kind.of(history, range);
    const shown: Shown = {
      atSec: cut(times).map((atMs) => (atMs ?? 0) / 1000),
      value: cut(value),
      most: most === undefined ? undefined : cut(most),
      set: set === undefined ? undefined : cut(set),
    };
    this.#figure.hidden = set === undefined && shown.value.every((each) => each === null);
    this.#summarise(shown, range);
    if (this.#figure.hidden) return;
    const columns = [shown.value, shown.most, shown.set].filter((each) => each !== undefined);
    const data = withGaps(shown.atSec, columns, GAP_SEC[range]);
    this.#draw(data, shown, range, [fromSec, nowSec]);
  }

  /** What the picture says, for who cannot see it. */
  #summarise({ value, most }: Shown, range: Range): void {
    const known = value.filter((each) => each !== null);
    const tops = (most ?? value).filter((each) => each !== null);
    const mean = known.reduce((sum, each) => sum + each, 0) / known.length;
    const { text } = this.#kind;
    setText(
      this.#summary,
      known.length === 0
        ? `nothing known of ${RANGE_TEXT[range]}`
        : `${RANGE_TEXT[range]}: mean ${text(mean)}, most ${text(Math.max(...tops))}`,
    );
  }

  #draw(data: uPlot.AlignedData, shown: Shown, range: Range, [minSec, maxSec]: [number, number]): void {
    const shape = `${range} ${colour('--ink')} ${String(data.length)}`;
    if (this.#plot === undefined || shape !== this.#shape) {
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#options(shown), data, this.#place);
      this.#shape = shape;
    } else this.#plot.setData(data, false);
    const tops = data.slice(1).flatMap((column) => [...column].filter((each) => typeof each === 'number'));
    this.#plot.batch(() => {
      this.#plot?.setScale('x', { min: minSec, max: maxSec });
      this.#plot?.setScale('y', { min: 0, max: Math.max(1, ...tops) * 1.08 });
    });
  }

  #options({ most, set }: Shown): uPlot.Options {
    const stroke = colour(this.#kind.colour);
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--rule'), width: 1 },
      ticks: { show: false },
    };
    const { axis: axisText } = this.#kind;
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true, auto: false }, y: { auto: false } },
      axes: [
        {
          ...axis,
          size: 24,
          values: (plot, ticks) =>
            clockTexts(ticks, (plot.scales['x']?.max ?? 0) - (plot.scales['x']?.min ?? 0)),
        },
        { ...axis, size: 56, values: (_, ticks) => ticks.map(axisText) },
      ],
      series: [
        {},
        { stroke, width: 1.6, fill: `${stroke}22`, points: { show: false } },
        ...(most === undefined ? [] : [{ stroke, width: 1, dash: [2, 3], points: { show: false } }]),
        ...(set === undefined
          ? []
          : [{ stroke: colour('--set'), width: 1.2, dash: [6, 4], points: { show: false } }]),
      ],
    };
  }
}

/** A break in the line where nothing was seen. */
function withGaps(atSec: readonly number[], columns: readonly Column[], gapSec: number): uPlot.AlignedData {
  const times: number[] = [];
  const out: (number | null)[][] = columns.map(() => []);
  for (const [n, at] of atSec.entries()) {
    const before = times.at(-1);
    if (before !== undefined && at - before > gapSec) {
      times.push(before + gapSec / 2);
      for (const column of out) column.push(null);
    }
    times.push(at);
    for (const [k, column] of out.entries()) column.push(columns[k]?.[n] ?? null);
  }
  return [times, ...out];
}

/** Hours and minutes, and seconds where ticks are closer than a minute; of a day of 24 hours everywhere. */
function clockTexts(ticks: readonly number[], spanSec: number): string[] {
  const withSeconds = spanSec <= 120;
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    ...(withSeconds ? { second: '2-digit' } : {}),
  });
  return ticks.map((tick) => format.format(tick * 1000));
}

export class Plots {
  readonly #all = KINDS.map((kind) => new Plot(kind));

  show(history: HistoryJson, range: Range): void {
    const nowSec = Math.max(history.seconds.atMs.at(-1) ?? 0, history.minutes.atMs.at(-1) ?? 0) / 1000;
    for (const plot of this.#all) plot.show(history, range, nowSec);
  }
}
