/**
 * Limits that are others at some times of the week: `mon-fri 18:00-23:00 500k`, `sat,sun up 100k down 1mb`. Of several
 * that hold at a moment the first one decides. Pure; what is in force when is found by `../times/inForce.ts`.
 */
import { closest } from '../../core/suggest.ts';
import type { Limits } from './direction.ts';
import { adviceOn, parseBandwidth } from './variables.ts';

/** What can be another one: the limit of each direction, of each single connection and of each client. */
const LIMIT_KEYS = ['up', 'down', 'connUp', 'connDown', 'client'] as const;
export type LimitKey = (typeof LIMIT_KEYS)[number];

/** Bytes per second that hold instead of what is set; 0 is no limit. */
export type TimedLimits = Readonly<Partial<Record<LimitKey, number>>>;

export interface Time {
  /** The days on which it begins; 0 is Monday. */
  readonly days: readonly number[];
  /** Minutes of the day. */
  readonly fromMinute: number;
  /** From 1 to 1440: it may end on the day after. */
  readonly lastsMinutes: number;
  readonly limits: TimedLimits;
}

export type Times = readonly Time[];

/** What each word of a time limits. */
const WORDS = {
  bandwidth: ['up', 'down'],
  up: ['up'],
  down: ['down'],
  bandwidth_up: ['up'],
  bandwidth_down: ['down'],
  conn_bandwidth: ['connUp', 'connDown'],
  conn_up: ['connUp'],
  conn_down: ['connDown'],
  client_bandwidth: ['client'],
} as const satisfies Record<string, readonly LimitKey[]>;
export type TimeWord = keyof typeof WORDS;

const OF_ALL: readonly TimeWord[] = ['bandwidth', 'up', 'down'];
const OF_CONNECTIONS: readonly TimeWord[] = ['conn_bandwidth', 'conn_up', 'conn_down'];

/** Whose limits: the process's, a forwarder's, a group's. */
export type TimesOf = 'process' | 'forwarder' | 'group';

export const TIME_WORDS: Readonly<Record<TimesOf, readonly TimeWord[]>> = {
  process: [...OF_ALL, 'bandwidth_up', 'bandwidth_down', ...OF_CONNECTIONS, 'client_bandwidth'],
  forwarder: [...OF_ALL, ...OF_CONNECTIONS],
  group: OF_ALL,
};

export const MINUTES_OF_DAY = 1440;
export const MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY;
/** Each is looked at every ten seconds. */
const MOST_TIMES = 100;

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const SHORT_DAYS = DAYS.map((day) => day.slice(0, 3));
const EVERY_DAY = DAYS.map((_, day) => day);

export const TIME_FORM = 'mon-fri 18:00-23:00 500k';

/** One or several, each said to be wrong with its own text. */
export function parseTimes(texts: readonly string[], of: TimesOf): Times | string {
  if (texts.length > MOST_TIMES) return `${texts.length} times, at most ${MOST_TIMES}`;
  const times: Time[] = [];
  for (const text of texts) {
    const time = parseTime(text, of);
    if (typeof time === 'string') return `${shown(text)}: ${time}`;
    times.push(time);
  }
  const hidden = times.length < 2 ? -1 : findHidden(times);
  return hidden < 0
    ? times
    : `${shown(texts[hidden] ?? '')}: never holds, those before it hold all of its time`;
}

const shown = (text: string): string => JSON.stringify(text.trim().slice(0, 80));

/** One, or what is wrong with it. */
function parseTime(text: string, of: TimesOf): Time | string {
  const words = text.trim().split(/\s+/);
  const known = TIME_WORDS[of];
  const isDays = /^[a-z]/i.test(words[0] ?? '') && !known.some((word) => word === words[0]?.toLowerCase());
  const days = isDays ? parseDays(words.shift() ?? '') : EVERY_DAY;
  if (typeof days === 'string') return days;
  const isSpan = /^\d.*[-:]|^\d+[ap]m/i.test(words[0] ?? '');
  if (!isDays && !isSpan) return `no time, as in: ${TIME_FORM}`;
  const span = isSpan ? parseSpan(words.shift() ?? '') : { fromMinute: 0, lastsMinutes: MINUTES_OF_DAY };
  if (typeof span === 'string') return span;
  const limits = parseLimits(words, known);
  return typeof limits === 'string' ? limits : { days, ...span, limits };
}

/** `mon`, `Mon-Fri`, `sat,sun`, `mon..fri`, `saturday`. */
function parseDays(text: string): readonly number[] | string {
  const found = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [first = '', last = first, more] = part.split(/\.\.|-/);
    const [from, to] = [dayOf(first), dayOf(last)];
    if (from === undefined || to === undefined || more !== undefined) {
      const wrong = more !== undefined ? part : from === undefined ? first : last;
      return `not a day: ${wrong.slice(0, 80)} (${SHORT_DAYS.join(', ')}, as mon-fri or sat,sun)`;
    }
    for (let day = from; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === to) break;
    }
  }
  return EVERY_DAY.filter((day) => found.has(day));
}

/** The short name or the whole one. */
function dayOf(word: string): number | undefined {
  const day = word.length === 3 ? SHORT_DAYS.indexOf(word) : DAYS.indexOf(word);
  return day < 0 ? undefined : day;
}

/** `18:00-23:00`; an end that is not after the beginning is on the next day. */
function parseSpan(text: string): Pick<Time, 'fromMinute' | 'lastsMinutes'> | string {
  const match = /^(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$/.exec(text);
  const [fromHour = 0, from = 0, toHour = 0, to = 0] = (match ?? []).slice(1).map(Number);
  const [fromMinute, toMinute] = [fromHour * 60 + from, toHour * 60 + to];
  const isTime = from < 60 && to < 60 && fromMinute < MINUTES_OF_DAY && toMinute <= MINUTES_OF_DAY;
  if (match === null || !isTime) return `not from one minute of the day to another: ${spanAdvice(text)}`;
  if (fromMinute === toMinute) return `${text} has no length (the whole day: 00:00-24:00)`;
  const lastsMinutes = toMinute > fromMinute ? toMinute - fromMinute : toMinute - fromMinute + MINUTES_OF_DAY;
  return { fromMinute, lastsMinutes };
}

/** The text, and what to type where that can be guessed. */
function spanAdvice(text: string): string {
  const hours = /^(\d{1,2})-(\d{1,2})$/.exec(text);
  const [, from = '18', to = '23'] = hours ?? [];
  const isDay = hours !== null && Number(from) < 24 && Number(to) <= 24;
  return `${text.slice(0, 80)} (as in: ${isDay ? `${from}:00-${to}:00` : '18:00-23:00'})`;
}

/** `500k` is both directions; otherwise words and rates in turn, of which one for a single direction comes first. */
function parseLimits(words: readonly string[], known: readonly TimeWord[]): TimedLimits | string {
  if (words.length === 0) return `no limit behind the time, as in: ${TIME_FORM}`;
  const pairs = words.length === 1 ? ['bandwidth', ...words] : words;
  const read = new Map<TimeWord, number>();
  for (let i = 0; i < pairs.length; i += 2) {
    const [typed = '', value] = [pairs[i], pairs[i + 1]];
    const word = known.find((each) => each === typed.toLowerCase());
    if (word === undefined) return unknownWord(typed, known);
    if (read.has(word)) return `${word} twice`;
    const bytesPerSec = value === undefined ? undefined : parseBandwidth(value);
    if (bytesPerSec === undefined)
      return `bad value for ${word}: ${value?.slice(0, 80) ?? 'none'}${adviceOn(value ?? '')}`;
    read.set(word, bytesPerSec);
  }
  // What is for both directions comes first, and gives way.
  const ordered = [...read].sort(([one], [other]) => WORDS[other].length - WORDS[one].length);
  return Object.fromEntries(
    ordered.flatMap(([word, value]) => WORDS[word].map((key): [LimitKey, number] => [key, value])),
  );
}

function unknownWord(typed: string, known: readonly TimeWord[]): string {
  const meant = closest(typed, known);
  return `no limit that has times here: ${typed.slice(0, 80)}${meant === undefined ? ` (${known.join(', ')})` : `, did you mean ${meant}?`}`;
}

/** True in this minute of the week, which begins on Monday. */
export function holdsIn({ days, fromMinute, lastsMinutes }: Time, minuteOfWeek: number): boolean {
  return days.some((day) => {
    const since = minuteOfWeek - day * MINUTES_OF_DAY - fromMinute;
    return (since < 0 ? since + MINUTES_OF_WEEK : since) < lastsMinutes;
  });
}

/** The index of the first one that never decides anything, or -1. */
function findHidden(times: Times): number {
  const decided = new Map(LIMIT_KEYS.map((key) => [key, new Set<number>()]));
  return times.findIndex((time) => {
    let isHidden = true;
    for (const key of keysOf(time.limits)) {
      const minutes = decided.get(key);
      for (const minute of minutesOf(time)) {
        if (minutes?.has(minute) === false) isHidden = false;
        minutes?.add(minute);
      }
    }
    return isHidden;
  });
}

function minutesOf({ days, fromMinute, lastsMinutes }: Time): number[] {
  return days.flatMap((day) =>
    Array.from(
      { length: lastsMinutes },
      (_, minute) => (day * MINUTES_OF_DAY + fromMinute + minute) % MINUTES_OF_WEEK,
    ),
  );
}

export const keysOf = (limits: TimedLimits): LimitKey[] =>
  LIMIT_KEYS.filter((key) => limits[key] !== undefined);

/** The times as far as they are of other limits than these. */
export function withoutKeys(times: Times, keys: readonly LimitKey[]): Times {
  return times.flatMap((time) => {
    const left = keysOf(time.limits).filter((key) => !keys.includes(key));
    const limits = Object.fromEntries(left.map((key) => [key, time.limits[key]])) as TimedLimits;
    return left.length === 0 ? [] : [{ ...time, limits }];
  });
}

/** What a word limits; nothing where it is no word of times. */
export const keysOfWord = (word: string): readonly LimitKey[] =>
  Object.hasOwn(WORDS, word) ? WORDS[word as TimeWord] : [];

/** As it is typed: `mon-fri 18:00-23:00 bandwidth 500000`. */
export function formatTime(time: Time): string {
  const { days, fromMinute, lastsMinutes, limits } = time;
  const isWholeDay = fromMinute === 0 && lastsMinutes === MINUTES_OF_DAY;
  const span = `${clock(fromMinute)}-${clock(endOf(time))}`;
  const when = days.length === 7 ? [span] : isWholeDay ? [formatDays(days)] : [formatDays(days), span];
  return [...when, formatTimed(limits)].join(' ');
}

/** Midnight at the end is 24:00, unless it is the next day's in the middle of the time. */
function endOf({ fromMinute, lastsMinutes }: Time): number {
  const end = fromMinute + lastsMinutes;
  return end > MINUTES_OF_DAY ? end - MINUTES_OF_DAY : end;
}

const two = (number: number): string => String(number).padStart(2, '0');
const clock = (minute: number): string => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;

/** Three and more in a row are a range. */
function formatDays(days: readonly number[]): string {
  const rows: number[][] = [];
  for (const day of days) {
    const row = rows.at(-1);
    if (row?.at(-1) === day - 1) row.push(day);
    else rows.push([day]);
  }
  return rows
    .map((row) => {
      const names = row.map((day) => SHORT_DAYS[day] ?? '');
      return names.length < 3 ? names.join(',') : `${names[0] ?? ''}-${names.at(-1) ?? ''}`;
    })
    .join(',');
}

/** `bandwidth 500000`, `up 10 conn_bandwidth 5`; empty where there is nothing. */
export function formatTimed({ up, down, connUp, connDown, client }: TimedLimits): string {
  return [
    ...pair(up, down, 'bandwidth', 'up', 'down'),
    ...pair(connUp, connDown, 'conn_bandwidth', 'conn_up', 'conn_down'),
    ...(client === undefined ? [] : [`client_bandwidth ${client}`]),
  ].join(' ');
}

/** The limits in force: those of this moment instead of those that are set; `bandwidth`, not those of connections. */
export function withTimes(limits: Limits, timed: TimedLimits): Limits {
  return { up: instead(timed.up, limits.up), down: instead(timed.down, limits.down) };
}

/** The same for those of single connections. */
export function connectionsWithTimes(limits: Limits, timed: TimedLimits): Limits {
  return { up: instead(timed.connUp, limits.up), down: instead(timed.connDown, limits.down) };
}

/** What holds now, else what is set; 0 is no limit. */
export function instead(timed: number | undefined, set: number | undefined): number | undefined {
  const limit = timed ?? set;
  return limit === 0 ? undefined : limit;
}

function pair(
  up: number | undefined,
  down: number | undefined,
  ...[both, upWord, downWord]: readonly [string, string, string]
): string[] {
  if (up !== undefined && up === down) return [`${both} ${up}`];
  return [
    ...(up === undefined ? [] : [`${upWord} ${up}`]),
    ...(down === undefined ? [] : [`${downWord} ${down}`]),
  ];
}
