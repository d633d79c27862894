/** What a device did: the last ten minutes by seconds, the last 24 hours by minutes, in bounded memory. Pure. */

const MINUTE_MS = 60_000;
const SECONDS_KEPT_MS = 10 * MINUTE_MS;
const MINUTES_KEPT_MS = 24 * 60 * MINUTE_MS;
/** A clock that stands still, or a sample more often than agreed, fills no memory. */
const MAX_SECONDS = 700;
/** Of decisions of the service that follows the line. */
const MAX_DECISIONS = 100;

/** What is kept of a sample. Rates in bit/s, null: not known. */
export interface Point {
  /** Unix time in ms. */
  atMs: number;
  /** What rates are an average of. */
  overMs: number;
  upBitPerSec: number | null;
  downBitPerSec: number | null;
  /** In force at this moment; null: nothing is in force. */
  upSetBitPerSec: number | null;
  downSetBitPerSec: number | null;
  /** As `pacing.rttMs` of `inetgw DEV --json`. */
  rttMs: number | null;
}

/** One minute. Rates in bit/s: the mean, and the most of any sample. */
interface Minute {
  atMs: number;
  upBitPerSec: number | null;
  upMostBitPerSec: number | null;
  downBitPerSec: number | null;
  downMostBitPerSec: number | null;
  upSetBitPerSec: number | null;
  downSetBitPerSec: number | null;
  rttLeastMs: number | null;
  rttMostMs: number | null;
}

export interface Decided {
  /** Unix time in ms. */
  atMs: number;
  text: string;
}

/** Columns of equal length: shorter than as many objects, and what plots take. */
type Columns<Row> = { [Member in keyof Row]: Row[Member][] };

/** The structure of `/api/v1/history/DEV`, and what the file keeps of a device. Times are Unix times in ms. */
export interface HistoryJson {
  device: string;
  seconds: Columns<Point>;
  minutes: Columns<Minute>;
  /** Why rates that follow the line are what they are, the newest last. */
  decisions: Decided[];
}

const SECOND_MEMBERS = [
  ...(['atMs', 'overMs', 'upBitPerSec', 'downBitPerSec', 'upSetBitPerSec', 'downSetBitPerSec'] as const),
  'rttMs',
] as const satisfies readonly (keyof Point)[];
const MINUTE_MEMBERS = [
  ...(['atMs', 'upBitPerSec', 'upMostBitPerSec', 'downBitPerSec', 'downMostBitPerSec'] as const),
  ...(['upSetBitPerSec', 'downSetBitPerSec', 'rttLeastMs', 'rttMostMs'] as const),
] as const satisfies readonly (keyof Minute)[];

export class History {
  readonly #device: string;
  #seconds: Point[] = [];
  #minutes: Minute[] = [];
  #decisions: Decided[] = [];

  constructor(device: string) {
    this.#device = device;
  }

  /** The samples of a minute are those of `#seconds`: what it was is reckoned anew with each. */
  add(point: Point): void {
    // A clock that was set back: what it then called the future is not known to anybody any more.
    this.#seconds = this.#seconds.filter(({ atMs }) => isKept(atMs, point.atMs, SECONDS_KEPT_MS));
    this.#seconds.push(point);
    this.#seconds.splice(0, this.#seconds.length - MAX_SECONDS);
    const beganMs = Math.floor(point.atMs / MINUTE_MS) * MINUTE_MS;
    this.#minutes = this.#minutes.filter(({ atMs }) => isKept(atMs, beganMs, MINUTES_KEPT_MS));
    const inMinute = this.#seconds.filter(({ atMs }) => atMs >= beganMs);
    this.#minutes.push(minuteOf(beganMs, inMinute));
  }

  decide(decided: Decided): void {
    this.#decisions = [...this.#decisions.slice(1 - MAX_DECISIONS), decided];
  }

  /** Nothing was seen of the device for a day. */
  isOver(nowMs: number): boolean {
    const last = this.#minutes.at(-1)?.atMs;
    return last === undefined || nowMs - last > MINUTES_KEPT_MS;
  }

  toJSON(): HistoryJson {
    return {
      device: this.#device,
      seconds: columns(this.#seconds, SECOND_MEMBERS),
      minutes: columns(this.#minutes, MINUTE_MEMBERS),
      decisions: this.#decisions,
    };
  }

  /** What `toJSON` gave, as far as it is that: a file may have been cut or edited. */
  static from(value: unknown, device: string): History {
    const history = new History(device);
    const { seconds, minutes, decisions } = (value ?? {}) as Partial<Record<keyof HistoryJson, unknown>>;
    history.#seconds = rows(seconds, SECOND_MEMBERS).slice(-MAX_SECONDS) as unknown as Point[];
    history.#minutes = rows(minutes, MINUTE_MEMBERS).slice(
      -MINUTES_KEPT_MS / MINUTE_MS,
    ) as unknown as Minute[];
    history.#decisions = (Array.isArray(decisions) ? decisions : [])
      .filter(isDecided)
      .slice(-MAX_DECISIONS)
      .map(({ atMs, text }) => ({ atMs, text }));
    return history;
  }
}

const isKept = (atMs: number, nowMs: number, keptMs: number): boolean =>
  atMs < nowMs && nowMs - atMs <= keptMs;

function minuteOf(atMs: number, points: readonly Point[]): Minute {
  const all = (pick: (point: Point) => number | null): number[] =>
    points.map(pick).filter((value) => value !== null);
  const mean = (pick: (point: Point) => number | null): number | null => {
    const known = points.filter((point) => pick(point) !== null);
    const overMs = known.reduce((sum, point) => sum + point.overMs, 0);
    const total = known.reduce((sum, point) => sum + (pick(point) ?? 0) * point.overMs, 0);
    return overMs === 0 ? null : Math.round(total / overMs);
  };
  const extreme = (choose: typeof Math.max, pick: (point: Point) => number | null): number | null => {
    const known = all(pick);
    return known.length === 0 ? null : choose(...known);
  };
  const last = points.at(-1);
  return {
    atMs,
    upBitPerSec: mean((each) => each.upBitPerSec),
    upMostBitPerSec: extreme(Math.max, (each) => each.upBitPerSec),
    downBitPerSec: mean((each) => each.downBitPerSec),
    downMostBitPerSec: extreme(Math.max, (each) => each.downBitPerSec),
    upSetBitPerSec: last?.upSetBitPerSec ?? null,
    downSetBitPerSec: last?.downSetBitPerSec ?? null,
    rttLeastMs: extreme(Math.min, (each) => each.rttMs),
    rttMostMs: extreme(Math.max, (each) => each.rttMs),
  };
}

function columns<Row>(all: readonly Row[], members: readonly (keyof Row)[]): Columns<Row> {
  return Object.fromEntries(members.map((member) => [member, all.map((row) => row[member])])) as Columns<Row>;
}

/** Rows of numbers and nulls, `atMs` a number and rising; what is not like that is left out. */
function rows(value: unknown, members: readonly string[]): Record<string, number | null>[] {
  if (typeof value !== 'object' || value === null) return [];
  const lists = members.map((member) => (value as Record<string, unknown>)[member]);
  const [times] = lists;
  if (!lists.every((list) => Array.isArray(list)) || !Array.isArray(times)) return [];
  const isNumber = (each: unknown): each is number => typeof each === 'number' && Number.isFinite(each);
  let lastMs = -Infinity;
  return times.flatMap((_, n) => {
    const row = lists.map((list) => (list as unknown[])[n]);
    const [atMs] = row;
    if (!isNumber(atMs) || atMs <= lastMs || !row.every((each) => each === null || isNumber(each))) return [];
    lastMs = atMs;
    return [Object.fromEntries(members.map((member, at) => [member, row[at] ?? null]))];
  });
}

function isDecided(value: unknown): value is Decided {
  const { atMs, text } = (value ?? {}) as Partial<Record<keyof Decided, unknown>>;
  return typeof atMs === 'number' && typeof text === 'string';
}
