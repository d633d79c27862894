/**
 * What the privileged process tells the one that listens, and the other way round: lines of JSON over pipes. One way goes all
 * that is shown; the other way only whether it listens and whether anybody looks. Pure.
 */
import type { DeviceReading } from '../../report/metrics/metrics.ts';
import type { Figures } from '../../report/watch/figures.ts';
import type { Decided, HistoryJson, Point } from './history.ts';
import type { ListenAddress } from './listen.ts';

export interface DeviceSnapshot {
  device: string;
  /** Undefined: it could not be read; `error` says why. */
  reading?: DeviceReading;
  figures?: Figures;
  error?: string;
}

export interface Snapshot {
  kind: 'snapshot';
  /** Unix time in ms. */
  atMs: number;
  devices: readonly DeviceSnapshot[];
  /** So many hosts have series of their own; undefined: none. */
  perHost?: number;
}

/** The first line. */
export interface Start {
  kind: 'start';
  listen: ListenAddress;
  /** Whose group the socket has; undefined: root's. */
  socketGroup?: string;
  /** What has to come with each request; undefined: nothing. */
  token?: string;
  /** Names of this machine, beside localhost and addresses, that a Host header may have. */
  names: readonly string[];
  histories: readonly HistoryJson[];
}

export interface DecisionLine extends Decided {
  kind: 'decision';
  device: string;
}

export type FeedLine = Start | Snapshot | DecisionLine;

/** From the process that listens; nothing else of it is believed. */
export type BackLine =
  | { kind: 'listening' }
  | { kind: 'watched'; is: boolean }
  | { kind: 'failed'; message: string; hint?: string };

/** Undefined: no such line. */
export function parseBackLine(line: string): BackLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { kind, is, message, hint } = (value ?? {}) as Record<string, unknown>;
  if (kind === 'listening') return { kind };
  if (kind === 'watched' && typeof is === 'boolean') return { kind, is };
  if (kind !== 'failed' || typeof message !== 'string') return undefined;
  return { kind, message, ...(typeof hint === 'string' ? { hint } : {}) };
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
