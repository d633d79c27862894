/**
 * What the privileged process tells the one that listens, and the other way round: lines of JSON over pipes. One way goes all
 * that is shown; the other way only whether it listens, whether anybody looks or asks, and what somebody with a token wants changed. Pure.
 */
import type { DeviceReading } from '../../report/metrics/metrics.ts';
import type { Figures } from '../../report/watch/figures.ts';
import { isChangeWord, type ChangeWord } from './change.ts';
import type { Decided, HistoryJson, Point } from './history.ts';
import type { ListenAddress } from './listen.ts';
import type { ReportFileLine, ReportFilesLine } from './reports.ts';

export interface DeviceSnapshot {
  device: string;
  /** Undefined: it could not be read; `error` says why. */
  reading?: DeviceReading;
  figures?: Figures;
  error?: string;
  /** The shaper was taken away for a while; there are no figures then. */
  paused?: PausedSnapshot;
}

export interface PausedSnapshot {
  /** Unix time in ms. */
  sinceMs: number;
  /** When it is resumed by itself; null: never. */
  untilMs: number | null;
  /** What is set up again then. */
  upBitPerSec: number;
  downBitPerSec: number;
}

export interface Snapshot {
  kind: 'snapshot';
  /** Unix time in ms. */
  atMs: number;
  devices: readonly DeviceSnapshot[];
  /** So many hosts have series of their own; undefined: none. */
  perHost?: number;
  /** Nobody has asked: what was taken away may not have been looked for. */
  isForHistory?: boolean;
}

/** The first line. */
export interface Start {
  kind: 'start';
  listen: ListenAddress;
  /** Whose group the socket has; undefined: root's. */
  socketGroup?: string;
  /** What has to come with each request; undefined: nothing. */
  token?: string;
  /** Changes may be asked for: by another token, which is not told. */
  changes?: true;
  /** Names of this machine, beside localhost and addresses, that a Host header may have. */
  names: readonly string[];
  histories: readonly HistoryJson[];
  /** It is nobody already, and was started with what it listens with. */
  isHandedOver?: true;
  /** Reports of searchbw are shown. */
  reports?: true;
  /** Nothing is said of reports that are left out. */
  quiet?: true;
}

export interface DecisionLine extends Decided {
  kind: 'decision';
  device: string;
}

/** What became of a change that was asked for. */
export interface ChangedLine {
  kind: 'changed';
  id: number;
  status: 200 | 400 | 401 | 404 | 409 | 429 | 500;
  /** What was done, or why not. */
  message: string;
  warnings?: readonly string[];
  /** With 429: when to ask again. */
  afterSec?: number;
}

export type FeedLine = Start | Snapshot | DecisionLine | ChangedLine | ReportFileLine | ReportFilesLine;

/** Somebody wants a change. All of it is what he has sent, and is checked by the privileged side. */
export interface ChangeLine {
  kind: 'change';
  /** Comes back with the answer. */
  id: number;
  /** An address, or `the socket`. */
  from: string;
  token: string;
  device: string;
  word: ChangeWord;
  body: unknown;
}

/** From the process that listens; nothing else of it is believed. */
export type BackLine =
  | { kind: 'listening' }
  | { kind: 'watched'; is: boolean }
  | { kind: 'wanted' }
  | ChangeLine
  | { kind: 'failed'; message: string; hint?: string };

/** The longest address of IPv6 with its zone; no device has a longer name. */
const MOST_CHARACTERS = 64;

/** Undefined: no such line. */
export function parseBackLine(line: string): BackLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const members = (value ?? {}) as Record<string, unknown>;
  const { kind, is, message, hint } = members;
  if (kind === 'listening' || kind === 'wanted') return { kind };
  if (kind === 'watched' && typeof is === 'boolean') return { kind, is };
  if (kind === 'change') return changeLine(members);
  if (kind !== 'failed' || typeof message !== 'string') return undefined;
  return { kind, message, ...(typeof hint === 'string' ? { hint } : {}) };
}

function changeLine({
  id,
  from,
  token,
  device,
  word,
  body,
}: Record<string, unknown>): ChangeLine | undefined {
  return typeof id === 'number' &&
    typeof from === 'string' &&
    typeof token === 'string' &&
    typeof device === 'string' &&
    isChangeWord(word)
    ? {
        ...{ kind: 'change', id, token, word, body },
        from: from.slice(0, MOST_CHARACTERS),
        device: device.slice(0, MOST_CHARACTERS),
      }
    : undefined;
}

/** What history keeps of a snapshot; undefined: it could not be read. */
export function pointOf({ figures, reading }: DeviceSnapshot, atMs: number): Point | undefined {
  if (figures === undefined || reading === undefined) return undefined;
  const { line, overMs } = figures;
  const following = reading.statistics?.following;
  // Below a bit per second nothing is known; it would fill the file.
  const rounded = (bitPerSec: number | null | undefined): number | null =>
    bitPerSec === null || bitPerSec === undefined ? null : Math.round(bitPerSec);
  return {
    atMs,
    overMs: Math.round(overMs ?? 0),
    upBitPerSec: rounded(line?.up.nowBitPerSec),
    downBitPerSec: rounded(line?.down.nowBitPerSec),
    upSetBitPerSec: rounded(following?.up?.bitPerSec ?? line?.up.setBitPerSec),
    downSetBitPerSec: rounded(following?.down?.bitPerSec ?? line?.down.setBitPerSec),
    rttMs: line?.pacing?.rttMs ?? null,
  };
}
