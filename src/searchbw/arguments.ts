/**
 * What was typed, checked as a whole before anything is done: every error at once, one line each. Pure.
 *
 *     searchbw DEV DOWN|UP LOWER-UPPER STEP PINGS OTHER      a grid, as in the article
 *     searchbw DEV DOWN|UP --auto [OTHER]                    one direction without an interval
 *     searchbw DEV AUTO                                      both, one after the other
 */
import { usageError, type UserError } from '../errors.ts';
import { formatRate, parseDurationMs, parseRateBitPerSec } from '../units.ts';
import { hostError } from './host.ts';
import type { Limits } from './judge.ts';
import type { LoadSettings } from './load.ts';
import type { Direction } from './measurement.ts';
import type { Task } from './session.ts';
import { countLines, type Grid } from './sweep.ts';

/** Options as commander hands them over: strings, not yet looked at. */
export interface RawOptions {
  auto?: boolean;
  pingHost?: string;
  towards?: string;
  maxRtt?: string;
  maxLoss?: string;
  pingInterval?: string;
  settle?: string;
  load?: string[];
  loadUp?: string[];
  streams?: string;
  framing?: string;
  linklayer?: string;
  overhead?: string;
  json?: boolean;
  csv?: boolean;
  report?: string;
  save?: string;
  plot?: boolean;
  log?: boolean;
  yes?: boolean;
  color?: boolean;
  quiet?: boolean;
}

export interface OutputSettings {
  format: 'text' | 'json' | 'csv';
  reportFile: string | null;
  saveFile: string | null;
  plot: boolean;
  /** Answer time on a logarithmic scale in the terminal plot. */
  logScale: boolean;
  color: boolean;
  /** No progress on standard error. */
  quiet: boolean;
}

export interface SearchSettings {
  device: string;
  tasks: readonly Task[];
  limits: Limits;
  pingHost: string | null;
  towards: string | null;
  pingIntervalMs: number;
  settleLimitMs: number;
  load: LoadSettings;
  framing: { framing: string | undefined; linklayer: string | undefined; overhead: string | undefined };
  output: OutputSettings;
  /** Do not ask before a long run. */
  yes: boolean;
}

export interface Checked<T> {
  settings: T | undefined;
  errors: readonly UserError[];
}

/** As inetgw: below it one packet takes a fifth of a second, above it the kernel's clock is too coarse. */
const LOWEST_BIT_PER_SEC = 64_000;
const HIGHEST_BIT_PER_SEC = 10_000_000_000;
/** A grid of more lines than this is a mistyped step. */
const MOST_LINES = 1000;
const MOST_PINGS = 10_000;
/** Above this a run is confirmed first. */
export const LONG_RUN_MS = 30 * 60_000;
/** What a line takes beside its pings: three settling windows, often a few more. */
const USUAL_SETTLE_MS = 6000;
/** What --auto takes for one direction: five or six measurements. */
const USUAL_AUTO_MS = 60_000;
/** A line is measured for at least about this long, so that its user-data rate means something. */
const SHORTEST_LINE_MS = 5000;
const FASTEST_INTERVAL_MS = 200;

const DEFAULTS = { maxRttMs: 100, maxLossShare: 0.02, settleLimitMs: 25_000, streams: 4 };

class Errors {
  readonly list: UserError[] = [];
  add(message: string, hint?: string): undefined {
    this.list.push(usageError(message, hint));
    return undefined;
  }
}

/** Checks a measuring command. The settings are there exactly if there are no errors. */
export function checkArguments(words: readonly string[], options: RawOptions): Checked<SearchSettings> {
  const errors = new Errors();
  const [device = '', directionWord, ...rest] = words;
  checkDevice(device, errors);
  const tasks = checkTasks(directionWord, rest, options, errors);
  const load = checkLoad(tasks ?? [], options, errors);
  const pings = Math.min(...(tasks ?? []).map((task) => (task.mode === 'grid' ? task.pings : Infinity)));
  const settings: SearchSettings = {
    device,
    tasks: tasks ?? [],
    limits: {
      maxRttMs: duration(options.maxRtt, '--max-rtt', [1, 60_000], errors) ?? DEFAULTS.maxRttMs,
      maxLossShare: lossShare(options.maxLoss, errors) ?? DEFAULTS.maxLossShare,
    },
    pingHost: host(options.pingHost, '--ping-host', errors),
    towards: host(options.towards, '--towards', errors),
    pingIntervalMs:
      duration(options.pingInterval, '--ping-interval', [10, 10_000], errors) ??
      Math.min(1000, Math.max(FASTEST_INTERVAL_MS, Math.ceil(SHORTEST_LINE_MS / pings))),
    settleLimitMs: duration(options.settle, '--settle', [1000, 600_000], errors) ?? DEFAULTS.settleLimitMs,
    load,
    framing: { framing: options.framing, linklayer: options.linklayer, overhead: options.overhead },
    output: checkOutput(options, errors),
    yes: options.yes === true,
  };
  return { settings: errors.list.length === 0 ? settings : undefined, errors: errors.list };
}

/** The output options alone: what `searchbw show FILE` takes. */
export function checkShow(
  words: readonly string[],
  options: RawOptions,
): Checked<{ file: string; output: OutputSettings }> {
  const errors = new Errors();
  const [file = '', ...more] = words;
  if (file === '') errors.add('show: the result file is missing', 'searchbw show FILE');
  for (const word of more) errors.add(`show: '${word}' is one word too many`);
  const output = checkOutput(options, errors);
  return { settings: errors.list.length === 0 ? { file, output } : undefined, errors: errors.list };
}

function checkOutput(options: RawOptions, errors: Errors): OutputSettings {
  if (options.json === true && options.csv === true) errors.add('--json and --csv exclude each other');
  for (const [flag, file] of Object.entries({ '--report': options.report, '--save': options.save })) {
    if (file === '') errors.add(`${flag} needs a file name`);
  }
  return {
    format: options.json === true ? 'json' : options.csv === true ? 'csv' : 'text',
    reportFile: options.report ?? null,
    saveFile: options.save ?? null,
    plot: options.plot !== false,
    logScale: options.log === true,
    color: options.color !== false,
    quiet: options.quiet === true,
  };
}

function checkDevice(device: string, errors: Errors): void {
  if (device === '') errors.add('the device is missing', 'searchbw ppp0 DOWN 1300-1800 50 5 210');
  // The kernel's dev_valid_name(): at most 15 characters, no '/', ':' or white space, not '.' or '..'.
  else if (device.length > 15) errors.add(`device name '${device}' has more than 15 characters`);
  else if (/[/:\s]/.test(device) || device === '.' || device === '..' || device.startsWith('-')) {
    errors.add(`'${device}' is not a device name`);
  }
}

function checkTasks(
  word: string | undefined,
  rest: readonly string[],
  options: RawOptions,
  errors: Errors,
): Task[] | undefined {
  if (word === undefined) {
    errors.add('the direction is missing: DOWN, UP or AUTO', 'searchbw ppp0 DOWN 1300-1800 50 5 210');
    return;
  }
  const upper = word.toUpperCase();
  if (upper === 'AUTO') {
    tooMany(rest, 0, errors);
    return [
      { mode: 'auto', direction: 'down', otherBitPerSec: null },
      { mode: 'auto', direction: 'up', otherBitPerSec: null },
    ];
  }
  if (upper !== 'DOWN' && upper !== 'UP') {
    errors.add(`unknown direction '${word}': DOWN, UP or AUTO`);
    return;
  }
  const direction: Direction = upper === 'DOWN' ? 'down' : 'up';
  if (options.auto === true) {
    tooMany(rest, 1, errors);
    const [other] = rest;
    return [
      {
        mode: 'auto',
        direction,
        otherBitPerSec: other === undefined ? null : (rate(other, 'OTHER', errors) ?? null),
      },
    ];
  }
  const names = ['LOWER-UPPER', 'STEP', 'PINGS', 'OTHER'];
  const absent = names.slice(rest.length);
  if (absent.length > 0) {
    errors.add(
      `missing: ${absent.join(', ')}`,
      `searchbw DEV ${upper} LOWER-UPPER STEP PINGS OTHER, or --auto`,
    );
  }
  tooMany(rest, names.length, errors);
  const [interval, step, pings, other] = rest;
  const grid = checkGrid(interval, step, errors);
  const count = pings === undefined ? undefined : checkPings(pings, errors);
  const otherBitPerSec = other === undefined ? undefined : rate(other, 'OTHER', errors);
  if (grid === undefined || count === undefined || otherBitPerSec === undefined) return undefined;
  return [{ mode: 'grid', direction, grid, pings: count, otherBitPerSec }];
}

function tooMany(words: readonly string[], allowed: number, errors: Errors): void {
  for (const word of words.slice(allowed)) errors.add(`'${word}' is one word too many`);
}

function checkGrid(
  interval: string | undefined,
  stepText: string | undefined,
  errors: Errors,
): Grid | undefined {
  const ends = interval?.split('-') ?? [];
  let bounds: [number, number] | undefined;
  if (interval !== undefined) {
    const [lowerText = '', upperText = ''] = ends;
    if (ends.length !== 2 || lowerText === '' || upperText === '') {
      errors.add(`'${interval}' is not an interval LOWER-UPPER`, 'for example 1300-1800');
    } else {
      const lower = rate(lowerText, 'LOWER', errors);
      const upper = rate(upperText, 'UPPER', errors);
      if (lower !== undefined && upper !== undefined) {
        if (lower > upper)
          errors.add(
            `LOWER ${lowerText} is above UPPER ${upperText}`,
            `did you mean ${upperText}-${lowerText}?`,
          );
        else if (lower === upper) errors.add(`LOWER and UPPER are both ${lowerText}: that is no interval`);
        else bounds = [lower, upper];
      }
    }
  }
  if (stepText === undefined) return undefined;
  const step = parseRateBitPerSec(stepText);
  if (step === undefined) {
    errors.add(`STEP '${stepText}' is not a bandwidth`);
    return;
  }
  if (step === 0) {
    errors.add('STEP is zero: the measurement would never end');
    return;
  }
  if (bounds === undefined) return undefined;
  const [lowerBitPerSec, upperBitPerSec] = bounds;
  if (step > upperBitPerSec - lowerBitPerSec) {
    errors.add(
      `STEP ${stepText} is larger than the interval ${ends.join('-')} (${formatRate(upperBitPerSec - lowerBitPerSec)})`,
    );
    return;
  }
  const grid = { lowerBitPerSec, upperBitPerSec, stepBitPerSec: step };
  const lines = countLines(grid);
  if (lines > MOST_LINES) {
    errors.add(`${lines} lines are more than ${MOST_LINES}: choose a larger STEP`);
    return;
  }
  return grid;
}

function checkPings(text: string, errors: Errors): number | undefined {
  if (!/^\d+$/.test(text)) {
    errors.add(`PINGS '${text}' is not a whole number`);
    return;
  }
  const count = Number(text);
  if (count === 0) {
    errors.add('PINGS is zero: without a ping there is no answer time');
    return;
  }
  if (count > MOST_PINGS) {
    errors.add(`PINGS ${text} is more than ${MOST_PINGS}`);
    return;
  }
  return count;
}

function rate(text: string, name: string, errors: Errors): number | undefined {
  const bitPerSec = parseRateBitPerSec(text);
  if (bitPerSec === undefined) {
    errors.add(
      `${name} '${text}' is not a bandwidth`,
      'a number in kbit/s, or with a unit: 1710, 1.7mbit, 1gbit',
    );
    return;
  }
  if (bitPerSec < LOWEST_BIT_PER_SEC || bitPerSec > HIGHEST_BIT_PER_SEC) {
    errors.add(
      `${name} ${text} is not between ${formatRate(LOWEST_BIT_PER_SEC)} and ${formatRate(HIGHEST_BIT_PER_SEC)}`,
    );
    return;
  }
  return bitPerSec;
}

function duration(
  text: string | undefined,
  name: string,
  [least, most]: readonly [number, number],
  errors: Errors,
): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text);
  if (ms === undefined) {
    errors.add(`${name} '${text}' is not a time`, 'a number in ms, or with a unit: 100, 2s');
    return;
  }
  if (ms < least || ms > most) {
    errors.add(`${name} ${text} is not between ${least} ms and ${most / 1000} s`);
    return;
  }
  return ms;
}

function lossShare(text: string | undefined, errors: Errors): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text);
  const percent = Number(match?.[1] ?? Number.NaN);
  if (!(percent >= 0 && percent < 100)) {
    errors.add(`--max-loss '${text}' is not a percentage below 100`);
    return;
  }
  return percent / 100;
}

function host(text: string | undefined, name: string, errors: Errors): string | null {
  if (text === undefined) return null;
  const problem = hostError(text);
  if (problem !== undefined) errors.add(`${name} '${text}' ${problem}`);
  return text;
}

function checkLoad(tasks: readonly Task[], options: RawOptions, errors: Errors): LoadSettings {
  const downloadUrls = options.load ?? [];
  const uploadUrls = options.loadUp ?? [];
  for (const [flag, urls] of [
    ['--load', downloadUrls],
    ['--load-up', uploadUrls],
  ] as const) {
    for (const url of urls) {
      if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
        errors.add(`${flag} '${url}' is not an http or https URL`);
      }
    }
  }
  const measured = new Set(tasks.map(({ direction }) => direction));
  if (tasks.length > 0 && uploadUrls.length > 0 && !measured.has('up'))
    errors.add('--load-up is of no use for DOWN');
  if (tasks.length > 0 && downloadUrls.length > 0 && !measured.has('down'))
    errors.add('--load is of no use for UP: use --load-up');
  const { streams: text } = options;
  const streams = text === undefined ? DEFAULTS.streams : Number(text);
  if (!Number.isInteger(streams) || streams < 1 || streams > 64) {
    errors.add(`--streams '${text ?? ''}' is not a whole number from 1 to 64`);
  }
  return { downloadUrls, uploadUrls, streams };
}

export interface Estimate {
  /** Null for --auto, which takes as many as it needs. */
  lines: number | null;
  durationMs: number;
}

/** How many lines a run has and about how long it takes, repeats apart. */
export function estimate(settings: Pick<SearchSettings, 'tasks' | 'pingIntervalMs'>): Estimate {
  let lines: number | null = 0;
  let durationMs = 0;
  for (const task of settings.tasks) {
    if (task.mode === 'auto') {
      lines = null;
      durationMs += USUAL_AUTO_MS;
    } else {
      const count = countLines(task.grid);
      if (lines !== null) lines += count;
      durationMs += count * (USUAL_SETTLE_MS + task.pings * settings.pingIntervalMs);
    }
  }
  return { lines, durationMs };
}
