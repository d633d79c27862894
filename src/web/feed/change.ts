/**
 * What may be changed by the page or the API where a token allows it: a request's path and body, checked by whoever listens and,
 * since nothing of that process is believed, by the privileged one again. Pure.
 */
import { parseRateBitPerSec, rateAdvice } from '../../core/units.ts';

export const CHANGE_WORDS = ['rates', 'pause', 'resume', 'clear'] as const;
export type ChangeWord = (typeof CHANGE_WORDS)[number];

export type Change =
  /** In bit/s; undefined: this direction stays as it is. */
  | { word: 'rates'; upBitPerSec: number | undefined; downBitPerSec: number | undefined }
  /** Undefined: until it is resumed. */
  | { word: 'pause'; minutes: number | undefined }
  | { word: 'resume' }
  | { word: 'clear' };

/** All that is sent is far shorter. */
export const MOST_BODY_BYTES = 1024;
export const MOST_TOKEN_CHARACTERS = 256;
/** A day: who wants it off for longer clears the device. */
export const MOST_PAUSE_MINUTES = 1440;
const MOST_RATE_CHARACTERS = 32;

export interface ChangePlace {
  device: string;
  word: ChangeWord;
}

/** Undefined: nothing is changed there. */
export function changePlace(path: string): ChangePlace | undefined {
  const [, encoded = '', word = ''] = /^\/api\/v1\/devices\/([^/]+)\/([a-z]+)$/.exec(path) ?? [];
  if (!isChangeWord(word)) return undefined;
  try {
    return { device: decodeURIComponent(encoded), word };
  } catch {
    return undefined;
  }
}

export const isChangeWord = (word: unknown): word is ChangeWord =>
  (CHANGE_WORDS as readonly unknown[]).includes(word);

/** The change that is asked for, or what is wrong with it in one line. */
export function parseChange(word: ChangeWord, body: unknown): Change | { problem: string } {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { problem: 'the body has to be a JSON object, {} at least' };
  const known = { rates: ['up', 'down'], pause: ['minutes'], resume: [], clear: [] }[word] as string[];
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined)
    return {
      problem: `${JSON.stringify(unknown.slice(0, 40))} is nothing that ${word} takes${known.length === 0 ? '' : `: ${known.join(', ')}`}`,
    };
  const members = body as Partial<Record<string, unknown>>;
  if (word === 'pause') return parsePause(members['minutes']);
  return word === 'rates' ? parseRates(members['up'], members['down']) : { word };
}

function parsePause(minutes: unknown): Change | { problem: string } {
  if (minutes === undefined) return { word: 'pause', minutes };
  const isWhole = typeof minutes === 'number' && Number.isInteger(minutes);
  return isWhole && minutes >= 1 && minutes <= MOST_PAUSE_MINUTES
    ? { word: 'pause', minutes }
    : { problem: `minutes is a whole number from 1 to ${MOST_PAUSE_MINUTES}` };
}

function parseRates(up: unknown, down: unknown): Change | { problem: string } {
  if (up === undefined && down === undefined)
    return { problem: 'rates takes up, down, or both: {"up": 210, "down": "1.7mbit"}' };
  const [upBitPerSec, downBitPerSec] = [parseRate('up', up), parseRate('down', down)];
  for (const rate of [upBitPerSec, downBitPerSec]) if (typeof rate === 'object') return rate;
  return {
    word: 'rates',
    upBitPerSec: upBitPerSec as number | undefined,
    downBitPerSec: downBitPerSec as number | undefined,
  };
}

/** As on the command line: a number is kbit/s. Whether the rate is possible, the command says. */
function parseRate(name: string, value: unknown): number | undefined | { problem: string } {
  if (value === undefined) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > MOST_RATE_CHARACTERS)
    return { problem: `${name} is no number and no short text` };
  const rate = parseRateBitPerSec(text);
  if (rate !== undefined) return rate;
  const advice = rateAdvice(text) ?? 'numbers are kbit/s; 1.7mbit, 16Mbit/s and 1gbit are understood too';
  return { problem: `${name} is ${JSON.stringify(text)}, which is no rate: ${advice}` };
}
