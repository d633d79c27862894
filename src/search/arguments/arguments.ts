/**
 * What was typed, checked as a whole before anything is done: what is wrong with the values at once, one line each, and
 * in one line alone what is wrong with the words as such. Pure.
 *
 *     searchbw DEV DOWN|UP LOWER-UPPER STEP PINGS OTHER      a grid, as in the article
 *     searchbw DEV DOWN|UP --auto [OTHER]                    one direction without an interval
 *     searchbw DEV AUTO                                      both, one after the other
 */
import type { UserError } from '../../core/errors.ts';
import type { RawRates } from '../../plan/input/framing.ts';
import type { FramingChoice } from '../../plan/input/framingChoice.ts';
import {
  checkDevice,
  checkGrid,
  checkLoad,
  checkPacing,
  checkPings,
  duration,
  Errors,
  host,
  lossShare,
  rate,
  tooMany,
} from './argumentChecks.ts';
import type { Limits } from '../decide/judge.ts';
import type { LoadSettings } from '../../line/load/load.ts';
import type { Direction } from '../../line/samples/measurement.ts';
import type { RawOptions } from './rawOptions.ts';
import { countLines } from '../decide/sweep.ts';
import type { Task } from '../decide/task.ts';

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
  /** `off`: what was found is not measured with window pacing, and used without. */
  pacing: 'auto' | 'off';
  framing: {
    framing: string | undefined;
    linklayer: string | undefined;
    overhead: string | undefined;
    mpu: string | undefined;
    /** What the configuration file says of it; undefined: nothing. */
    configured: FramingChoice | undefined;
  };
  /** The options without what the configuration file adds to them, for the commands that are printed. */
  typed: RawOptions;
  output: OutputSettings;
  /** Do not ask before a long run. */
  yes: boolean;
}

export interface Checked<T> {
  settings: T | undefined;
  errors: readonly UserError[];
  /** Not so: the one error is that words are missing, too many or in the wrong place; no other would help. */
  wordsFit: boolean;
}

/** Above this a run is confirmed first. */
export const LONG_RUN_MS = 30 * 60_000;
/** What a line takes beside its pings: three settling windows, often a few more. */
const USUAL_SETTLE_MS = 6000;
/** What --auto takes for one direction: five or six measurements. */
const USUAL_AUTO_MS = 60_000;
/** What the measurements with window pacing take. */
const USUAL_PACING_MS = 35_000;
/** A line is measured for at least about this long, so that its user-data rate means something. */
const SHORTEST_LINE_MS = 5000;
const FASTEST_INTERVAL_MS = 200;

const DEFAULTS = { maxRttMs: 100, maxLossShare: 0.02, settleLimitMs: 25_000 };

/** What is told apart only for the commands that are printed: what was typed, and the framing of the file. */
export interface Origin {
  typed: RawOptions;
  configured: FramingChoice | undefined;
}

/** Checks a measuring command. The settings are there exactly if there are no errors. */
export function checkArguments(
  words: readonly string[],
  options: RawOptions,
  { typed, configured }: Origin = { typed: options, configured: undefined },
): Checked<SearchSettings> {
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
    pacing: checkPacing(options.pacing, errors),
    framing: {
      framing: options.framing,
      linklayer: options.linklayer,
      overhead: options.overhead,
      mpu: options.mpu,
      configured,
    },
    typed,
    output: checkOutput(options, errors),
    yes: options.yes === true,
  };
  return checkedBy(errors, settings);
}

function checkedBy<T>(errors: Errors, settings: T): Checked<T> {
  const { list, wordsFit } = errors;
  return { settings: list.length === 0 ? settings : undefined, errors: list, wordsFit };
}

/** The output options alone: what `searchbw show FILE` takes. */
export function checkShow(
  words: readonly string[],
  options: RawOptions,
): Checked<{ file: string; output: OutputSettings }> {
  const errors = new Errors();
  const [file = ''] = words;
  if (file === '') errors.addOnly('show: the result file is missing', 'searchbw show FILE');
  tooMany(words, 1, 'searchbw show FILE', errors);
  return checkedBy(errors, { file, output: checkOutput(options, errors) });
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

function checkTasks(
  word: string | undefined,
  typed: readonly string[],
  options: RawOptions,
  errors: Errors,
): Task[] | undefined {
  if (word === undefined) {
    errors.addOnly('the direction is missing: DOWN, UP or AUTO', 'searchbw ppp0 DOWN 1300-1800 50 5 210');
    return;
  }
  const upper = word.toUpperCase();
  if (upper === 'AUTO') {
    tooMany(typed, 0, 'searchbw DEV AUTO', errors);
    if (options.up !== undefined || options.down !== undefined)
      errors.add('AUTO measures both directions: it takes neither --up nor --down');
    return [
      { mode: 'auto', direction: 'down', otherBitPerSec: null },
      { mode: 'auto', direction: 'up', otherBitPerSec: null },
    ];
  }
  if (upper !== 'DOWN' && upper !== 'UP') {
    errors.addOnly(`unknown direction '${word}': DOWN, UP or AUTO`, 'searchbw ppp0 DOWN 1300-1800 50 5 210');
    return;
  }
  const direction: Direction = upper === 'DOWN' ? 'down' : 'up';
  const rest = withOther(typed, direction, options, errors);
  if (options.auto === true) {
    tooMany(rest, 1, `searchbw DEV ${upper} --auto [OTHER]`, errors);
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
  const usage = `searchbw DEV ${upper} ${names.join(' ')}`;
  if (absent.length > 0) errors.addOnly(`missing: ${absent.join(', ')}`, `${usage}, or --auto`);
  tooMany(rest, names.length, usage, errors);
  const [interval, step, pings, other] = rest;
  const grid = checkGrid(interval, step, errors);
  const count = pings === undefined ? undefined : checkPings(pings, errors);
  const otherBitPerSec = other === undefined ? undefined : rate(other, 'OTHER', errors);
  if (grid === undefined || count === undefined || otherBitPerSec === undefined) return undefined;
  return [{ mode: 'grid', direction, grid, pings: count, otherBitPerSec }];
}

const DIRECTION_WORDS = ['DOWN', 'UP', 'AUTO'];

export function isDirection(word: string): boolean {
  return DIRECTION_WORDS.includes(word.toUpperCase());
}

/** The words with OTHER behind them where it was given by name. */
function withOther(
  typed: readonly string[],
  direction: Direction,
  options: RawOptions,
  errors: Errors,
): readonly string[] {
  const [own, other] = direction === 'down' ? (['down', 'up'] as const) : (['up', 'down'] as const);
  if (options[own] !== undefined)
    errors.add(
      `--${own} is what is measured`,
      `the fixed rate of the other direction is --${other}, or the last word`,
    );
  const text = options[other];
  if (text === undefined) return typed;
  const words = options.auto === true ? 0 : 3;
  if (typed.length > words)
    errors.addOnly(`OTHER is said twice: --${other} ${text} and ${typed[words] ?? ''}`);
  return typed.length === words ? [...typed, text] : typed;
}

/** The highest rates that the tasks will set; 0 where none are typed. */
export function expectedRates(tasks: readonly Task[]): RawRates {
  const highest = (direction: Direction): number =>
    Math.max(
      0,
      ...tasks.map((task) => {
        if (task.direction !== direction) return task.otherBitPerSec ?? 0;
        return task.mode === 'grid' ? task.grid.upperBitPerSec : 0;
      }),
    );
  return { upBitPerSec: highest('up'), downBitPerSec: highest('down') };
}

export interface Estimate {
  /** Null for --auto, which takes as many as it needs. */
  lines: number | null;
  durationMs: number;
}

/** How many lines a run has and about how long it takes, repeats apart. */
export function estimate(
  settings: Pick<SearchSettings, 'tasks' | 'pingIntervalMs' | 'pacing' | 'load'>,
): Estimate {
  const { pacing, load } = settings;
  const pacingMs = pacing === 'auto' && load.downloadUrls.length > 0 ? USUAL_PACING_MS : 0;
  let lines: number | null = 0;
  let durationMs = 0;
  for (const task of settings.tasks) {
    if (task.mode === 'auto') {
      lines = null;
      durationMs += USUAL_AUTO_MS + (task.direction === 'down' ? pacingMs : 0);
    } else {
      const count = countLines(task.grid);
      if (lines !== null) lines += count;
      durationMs += count * (USUAL_SETTLE_MS + task.pings * settings.pingIntervalMs);
    }
  }
  return { lines, durationMs };
}
