/**
 * Devices whose shaper was taken away for a while, by the page of `inetgw serve`: what is to be set up again, and when. A file
 * each beside the records, so that a service that was killed knows of it when it is back.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import type { PausedReading } from '../../conditions/condition.ts';
import { isSaid, type Said } from '../../config/said.ts';
import { deviceNameProblem } from '../../core/deviceNames.ts';
import { errorCode, failure } from '../../core/errors.ts';
import { readTextFile, whyUnreadable } from '../exec/textFile.ts';
import { replaceFile } from './replaceFile.ts';
import { makeRunDir, removeError, runDir } from './runDir.ts';
import { recordedDevices } from './state.ts';

export interface Paused {
  device: string;
  upBitPerSec: number;
  downBitPerSec: number;
  /** All else that it was set up with. */
  said: Said;
  /** Unix time in ms. */
  sinceMs: number;
  /** When it is resumed by itself; null: never. */
  untilMs: number | null;
  /** Noted before it is cleared: whether that was done is not known. It is told as no pause yet. */
  isBegun?: true;
}

const ENDING = '.paused';
/** 65535 ports in a list are below that. */
const LIMIT_BYTES = 1024 * 1024;

/** Without .json at its end it is no record. */
const fileOf = async (device: string): Promise<string> => `${await runDir()}/${device}${ENDING}`;

/** Undefined: it is not paused, or the file is none of ours. */
export async function readPaused(device: string): Promise<Paused | undefined> {
  const noted = await readNote(device);
  return noted?.isBegun === true ? undefined : noted;
}

/**
 * Whether a pause was begun, and nobody has set the device up or cleared it since.
 * @throws UserError where that cannot be read
 */
export const isPauseBegun = async (device: string): Promise<boolean> =>
  (await noteOf(device))?.isBegun === true;

/**
 * What was begun is a pause from now on: the device was cleared. The caller holds its lock.
 * @throws UserError
 */
export async function confirmPause(device: string): Promise<void> {
  const noted = await noteOf(device);
  if (noted === undefined) return;
  const { isBegun, ...paused } = noted;
  if (isBegun === true) await writePaused(paused);
}

const readNote = (device: string): Promise<Paused | undefined> => noteOf(device).catch(() => undefined);

async function noteOf(device: string): Promise<Paused | undefined> {
  const path = await fileOf(device);
  let text: string;
  try {
    text = await readTextFile(path, { limitBytes: LIMIT_BYTES, regularOnly: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw failure(`cannot read ${path}: ${whyUnreadable(error)}`);
  }
  try {
    const value: unknown = JSON.parse(text);
    return isPaused(value) && value.device === device ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether somebody else has taken the note away. What cannot be looked at stays. */
export async function isPauseGone(device: string): Promise<boolean> {
  const path = await fileOf(device);
  return stat(path).then(
    () => false,
    (error: unknown) => errorCode(error) === 'ENOENT',
  );
}

export const pausedReading = (
  { sinceMs, untilMs, upBitPerSec, downBitPerSec }: Paused,
  nowMs: number,
): PausedReading => ({
  ...{ sinceMs, untilMs, upBitPerSec, downBitPerSec },
  isOver: untilMs !== null && untilMs <= nowMs,
});

/** Devices that are set up, or will be again, by name. */
export async function knownDevices(): Promise<string[]> {
  const noted = await notes();
  return [...new Set([...(await recordedDevices()), ...noted.map(({ device }) => device)])].sort();
}

export async function pausedDevices(): Promise<Paused[]> {
  return (await notes()).filter(({ isBegun }) => isBegun !== true);
}

/** Those that are noted as begun: whether the device was cleared is not known. */
export async function begunPauses(): Promise<Paused[]> {
  return (await notes()).filter(({ isBegun }) => isBegun === true);
}

async function notes(): Promise<Paused[]> {
  const names = await readdir(await runDir()).catch(() => []);
  const devices = names
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .filter((device) => deviceNameProblem(device) === undefined)
    .sort();
  const all = await Promise.all(devices.map(readNote));
  return all.filter((each) => each !== undefined);
}

/** @throws UserError */
export async function writePaused(paused: Paused): Promise<void> {
  await makeRunDir();
  await replaceFile(await fileOf(paused.device), `${JSON.stringify(paused)}\n`, { mode: 0o644 });
}

/** Whether it was paused. @throws UserError */
export async function removePaused(device: string): Promise<boolean> {
  const path = await fileOf(device);
  try {
    await rm(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw removeError(path, error);
  }
}

function isPaused(value: unknown): value is Paused {
  if (typeof value !== 'object' || value === null) return false;
  const { device, upBitPerSec, downBitPerSec, said, sinceMs, untilMs, isBegun } = value as Partial<Paused>;
  const areNumbers = [upBitPerSec, downBitPerSec, sinceMs].every((each) => Number.isFinite(each));
  return (
    typeof device === 'string' &&
    areNumbers &&
    isSaid(said) &&
    (untilMs === null || Number.isFinite(untilMs)) &&
    (isBegun === undefined || isBegun)
  );
}
