/**
 * What a service that lets rates follow their line tells of a device: the rates in force, and why. Beside the record, which
 * keeps the rates that were set up.
 */
import { rm } from 'node:fs/promises';
import type { FollowPhase } from '../../plan/input/followPhases.ts';
import type { Plan } from '../../plan/plan.ts';
import { readTextFile } from '../exec/textFile.ts';
import { startTime } from '../exec/process.ts';
import { replaceFile } from './replaceFile.ts';
import { makeRunDir, removeError, runDir } from './runDir.ts';

export interface FollowedDirection {
  bitPerSec: number;
  phase: FollowPhase;
  /** ISO 8601: when the phase began. */
  since: string;
}

export interface Following {
  /** The service. */
  pid: number;
  /** When it was started (exec/process.ts). */
  started: string;
  ifindex: number;
  /** The rates that were set up: what is told holds for those. */
  plannedUpBitPerSec: number;
  plannedDownBitPerSec: number;
  up: FollowedDirection;
  down: FollowedDirection;
}

/** Without .json at its end it is no record. */
export const followingFile = async (device: string): Promise<string> =>
  `${await runDir()}/${device}.following`;
const LIMIT_BYTES = 4096;

/** Undefined: nobody has followed it, or the file is none of ours. */
export async function readFollowing(device: string): Promise<Following | undefined> {
  try {
    const text = await readTextFile(await followingFile(device), {
      limitBytes: LIMIT_BYTES,
      regularOnly: true,
    });
    const value: unknown = JSON.parse(text);
    return isFollowing(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is about the rates of this plan, on the device that the plan is for. */
export function isOfPlan({ ifindex, ...planned }: Following, { link, ...rates }: Plan): boolean {
  return (
    ifindex === link.ifindex &&
    planned.plannedUpBitPerSec === rates.upBitPerSec &&
    planned.plannedDownBitPerSec === rates.downBitPerSec
  );
}

/** Whether the service that told it still runs. */
export async function isFollowed(following: Following): Promise<boolean> {
  return (await startTime(following.pid)) === following.started;
}

/** What a service that was killed has left in the kernel in place of this plan's rates; undefined: nothing, or it runs. */
export async function leftByService(plan: Plan | undefined): Promise<Following | undefined> {
  if (plan?.follows === undefined) return undefined;
  const told = await readFollowing(plan.device);
  return told === undefined || !isOfPlan(told, plan) || (await isFollowed(told)) ? undefined : told;
}

export async function writeFollowing(device: string, following: Following): Promise<void> {
  await makeRunDir();
  await replaceFile(await followingFile(device), `${JSON.stringify(following)}\n`, { mode: 0o644 });
}

export async function removeFollowing(device: string): Promise<void> {
  const path = await followingFile(device);
  await rm(path, { force: true }).catch((error: unknown) => {
    throw removeError(path, error);
  });
}

function isFollowing(value: unknown): value is Following {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, started, ifindex, up, down, ...planned } = value as Partial<Following>;
  const isDirection = (each: Partial<FollowedDirection> | undefined): boolean =>
    typeof each?.bitPerSec === 'number' && each.bitPerSec > 0 && typeof each.phase === 'string';
  const numbers = [pid, ifindex, planned.plannedUpBitPerSec, planned.plannedDownBitPerSec];
  return (
    numbers.every((each) => typeof each === 'number') &&
    typeof started === 'string' &&
    isDirection(up) &&
    isDirection(down)
  );
}
