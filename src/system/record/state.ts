/**
 * What inetgw remembers of a device: the plan in force. It is written before the first change, so that a
 * run that was killed half way is noticed and put right by the next one.
 */
import { errorCode } from '../../core/errors.ts';
import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import type { Family } from '../../firewall/iptables.ts';
import type { Plan } from '../../plan/plan.ts';
import { isSaid, type Said } from '../../config/said.ts';
import { deviceNameProblem } from '../../core/deviceNames.ts';
import { makeRunDir, networkNamespace, removeError, runDir } from './runDir.ts';
import { readTextFile } from '../exec/textFile.ts';
import { replaceFile } from './replaceFile.ts';
import { isWorker, type Worker } from './worker.ts';

const VERSION = 2;

/** A plan is about 30 KiB; with 65535 ports in a list it is below this. */
const STATE_LIMIT_BYTES = 16 * 1024 * 1024;

export interface DeviceState {
  version: typeof VERSION;
  /**
   * `changing`: a run is at work or was killed at it; what the kernel holds is not known. `measuring`: the rates are those of
   * `worker`, and come and go. If that runs no more, it was killed before it could restore `previous`.
   */
  phase: 'active' | 'changing' | 'measuring';
  /** Who measures or steers the device; earlier versions did not write it down. */
  worker?: Worker;
  /** The plan in force, or while changing the one to come. */
  plan: Plan;
  /** While changing or measuring: the plan that was in force before. */
  previous?: Plan;
  /** ISO 8601. */
  since: string;
  /** The network namespace that it is of, as the kernel names it; earlier versions did not write it down. */
  namespace?: string;
  /** Families whose mangle table iptables has made for our rules: it goes with them. */
  madeTables?: readonly Family[];
  /** What was said beside the rates of the plan in force; earlier versions did not write it down. */
  said?: Said;
}

/** What a next record of the device has to take over: the tables go with the last of our rules, whatever comes before. */
export function tablesOf(record: DeviceState | undefined): Pick<DeviceState, 'madeTables'> {
  return record?.madeTables === undefined ? {} : { madeTables: record.madeTables };
}

export type StateReading =
  | { kind: 'none' }
  | { kind: 'state'; state: DeviceState }
  /** There is a file, but it is not one of ours or is damaged. */
  | { kind: 'unreadable'; why: string };

export async function readState(device: string): Promise<StateReading> {
  const path = `${await runDir()}/${device}.json`;
  let text: string;
  try {
    text = await readTextFile(path, { limitBytes: STATE_LIMIT_BYTES, regularOnly: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'none' };
    return { kind: 'unreadable', why: `cannot read ${path}: ${String(error)}` };
  }
  const state = parseState(text, device);
  if (state !== undefined) return { kind: 'state', state };
  return { kind: 'unreadable', why: `${path} is damaged or was written by another version` };
}

/**
 * The record in a file's text; undefined if it is not as it was written. A digest tells: what is made of a
 * record goes to tc and the firewall, and a look at its shape would not see a changed number.
 */
export function parseState(text: string, device: string): DeviceState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('digest' in value)) return undefined;
    const { digest, ...state } = value;
    return digest === digestOf(state) && isState(state, device) ? state : undefined;
  } catch {
    return undefined;
  }
}

export function renderState(state: DeviceState): string {
  return `${JSON.stringify({ ...state, digest: digestOf(state) })}\n`;
}

function digestOf(state: object): string {
  return createHash('sha256').update(JSON.stringify(state)).digest('hex');
}

function isState(value: unknown, device: string): value is DeviceState {
  if (typeof value !== 'object' || value === null) return false;
  const state = value as Partial<Record<keyof DeviceState, unknown>>;
  return (
    state.version === VERSION &&
    (state.phase === 'active' || state.phase === 'changing' || state.phase === 'measuring') &&
    typeof state.since === 'string' &&
    isPlan(state.plan, device) &&
    (state.previous === undefined || isPlan(state.previous, device)) &&
    (state.worker === undefined || isWorker(state.worker)) &&
    (state.said === undefined || isSaid(state.said))
  );
}

/** Shape enough for the uses that are made of it: identity, statements, firewall backend. */
function isPlan(value: unknown, device: string): value is Plan {
  if (typeof value !== 'object' || value === null) return false;
  const plan = value as Partial<Record<keyof Plan, unknown>>;
  const link = plan.link as { ifindex?: unknown } | null | undefined;
  return plan.device === device && Array.isArray(plan.tc) && typeof link?.ifindex === 'number';
}

/**
 * Replaces the file as a whole: a reader sees the old or the new one. Unless they are given anew, `madeTables` and `said` of the
 * record before it are kept.
 */
export async function writeState(
  device: string,
  state: Omit<DeviceState, 'version' | 'namespace'>,
): Promise<void> {
  const path = `${await makeRunDir()}/${device}.json`;
  const { madeTables: made, said: saidNow, ...rest } = state;
  const namespace = await networkNamespace();
  const before = await readState(device);
  const known = before.kind === 'state' ? before.state : undefined;
  const madeTables = made ?? known?.madeTables ?? [];
  const said = saidNow ?? known?.said;
  const content: DeviceState = {
    version: VERSION,
    ...rest,
    ...(madeTables.length === 0 ? {} : { madeTables }),
    ...(said === undefined ? {} : { said }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  await replaceFile(path, renderState(content), { mode: 0o644 });
}

/** Which record there is, without reading it: another one has another file. Undefined: there is none. */
export async function recordIdentity(device: string): Promise<string | undefined> {
  const found = await stat(`${await runDir()}/${device}.json`, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.ino} ${found.mtimeNs}`;
}

export async function removeState(device: string): Promise<void> {
  const path = `${await runDir()}/${device}.json`;
  await rm(path, { force: true }).catch((error: unknown) => {
    throw removeError(path, error);
  });
}

/**
 * Devices that there is a record of.
 * @param folder the records of another network namespace than this process's
 */
export async function recordedDevices(folder?: string): Promise<string[]> {
  const names = await readdir(folder ?? (await runDir())).catch(() => []);
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .filter((device) => deviceNameProblem(device) === undefined)
    .sort();
}
