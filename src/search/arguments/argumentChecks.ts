/** The checks of single words and options: each adds its errors to the list and goes on. Pure. */
import { deviceNameHint, deviceNameProblem } from '../../core/deviceNames.ts';
import { usageError, type UserError } from '../../core/errors.ts';
import { MAX_RATE_BIT_PER_SEC, MIN_RATE_BIT_PER_SEC } from '../../plan/input/settings.ts';
import {
  durationAdvice,
  formatRate,
  isPlainNumber,
  parseDurationMs,
  parseRateBitPerSec,
  rateAdvice,
} from '../../core/units.ts';
import { hostError } from '../../line/ping/host.ts';
import type { LoadSettings } from '../../line/load/load.ts';
import type { RawOptions } from './rawOptions.ts';
import { countLines, type Grid } from '../decide/sweep.ts';
import type { Task } from '../decide/task.ts';

/** A grid of more lines than this is a mistyped step. */
const MOST_LINES = 1000;
const MOST_PINGS = 10_000;
const DEFAULT_STREAMS = 4;

/** Collects errors; `add` and `addOnly` return undefined so that a check can end with it. */
export class Errors {
  readonly #values: UserError[] = [];
  #words: UserError | undefined;

  /** What is wrong with a value: each is told. */
  add(message: string, hint?: string): undefined {
    this.#values.push(usageError(message, hint));
    return undefined;
  }

  /**
   * Words that are missing, too many or in the wrong place: the first such error is told alone, since the values beside it
   * may not be meant for what they are taken for.
   */
  addOnly(message: string, hint?: string): undefined {
    this.#words ??= usageError(message, hint);
    return undefined;
  }

  get list(): readonly UserError[] {
    return this.#words === undefined ? this.#values : [this.#words];
  }

  get wordsFit(): boolean {
    return this.#words === undefined;
  }
}

export function checkDevice(device: string, errors: Errors): void {
  if (device === '') errors.addOnly('the device is missing', 'searchbw ppp0 DOWN 1300-1800 50 5 210');
  else {
    const problem = deviceNameProblem(device);
    if (problem !== undefined) errors.add(problem, deviceNameHint(device));
  }
}

/** @param usage what it takes */
export function tooMany(words: readonly string[], allowed: number, usage: string, errors: Errors): void {
  const more = words.slice(allowed);
  if (more.length > 0)
    errors.addOnly(
      `'${more.join(' ')}' is ${more.length === 1 ? 'one word' : `${more.length} words`} too many`,
      usage,
    );
}

export function checkGrid(
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
    errors.add(`STEP '${stepText}' is not a bandwidth`, rateAdvice(stepText));
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

export function checkPings(text: string, errors: Errors): number | undefined {
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

export function rate(text: string, name: string, errors: Errors): number | undefined {
  const bitPerSec = parseRateBitPerSec(text);
  if (bitPerSec === undefined) {
    errors.add(
      `${name} '${text}' is not a bandwidth`,
      rateAdvice(text) ?? 'a number in kbit/s, or with a unit: 1710, 1.7mbit, 16Mbit/s, 1gbit',
    );
    return;
  }
  if (bitPerSec < MIN_RATE_BIT_PER_SEC || bitPerSec > MAX_RATE_BIT_PER_SEC) {
    errors.add(
      `${name} ${text} is not between ${formatRate(MIN_RATE_BIT_PER_SEC)} and ${formatRate(MAX_RATE_BIT_PER_SEC)}`,
      bitPerSec > 0 && bitPerSec < MIN_RATE_BIT_PER_SEC && isPlainNumber(text)
        ? `plain numbers are kbit/s: did you mean ${text}mbit?`
        : undefined,
    );
    return;
  }
  return bitPerSec;
}

export function duration(
  text: string | undefined,
  name: string,
  [least, most]: readonly [number, number],
  errors: Errors,
): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text);
  if (ms === undefined) {
    errors.add(
      `${name} '${text}' is not a time`,
      durationAdvice(text) ?? 'a number in ms, or with a unit: 100, 2s',
    );
    return;
  }
  if (ms < least || ms > most) {
    const inSec = ms * 1000;
    const meantSec = isPlainNumber(text) && ms < least && inSec >= least && inSec <= most;
    errors.add(
      `${name} ${text} is not between ${least} ms and ${most / 1000} s`,
      meantSec ? `plain numbers are ms: did you mean ${text}s?` : undefined,
    );
    return;
  }
  return ms;
}

export function lossShare(text: string | undefined, errors: Errors): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text);
  const percent = Number(match?.[1] ?? Number.NaN);
  if (!(percent >= 0 && percent < 100)) {
    errors.add(`--max-loss '${text}' is not a percentage below 100`);
    return;
  }
  return percent / 100;
}

export function checkPacing(text: string | undefined, errors: Errors): 'auto' | 'off' {
  if (text !== undefined && !['auto', 'bpf', 'off'].includes(text))
    errors.add(`--pacing '${text}' is not auto or off`);
  return text === 'off' ? 'off' : 'auto';
}

export function host(text: string | undefined, name: string, errors: Errors): string | null {
  if (text === undefined) return null;
  const problem = hostError(text);
  if (problem !== undefined) errors.add(`${name} '${text}' ${problem}`);
  return text;
}

export function checkLoad(tasks: readonly Task[], options: RawOptions, errors: Errors): LoadSettings {
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
  const streams = text === undefined ? DEFAULT_STREAMS : Number(text);
  if (!Number.isInteger(streams) || streams < 1 || streams > 64) {
    errors.add(`--streams '${text ?? ''}' is not a whole number from 1 to 64`);
  }
  return { downloadUrls, uploadUrls, streams };
}
