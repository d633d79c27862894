/** What is answered to whom: from the last snapshot and the histories to paths, statuses and texts. Pure. */
import { exposition } from '../../core/exposition.ts';
import type { HostNames } from '../../core/hostNames.ts';
import { VERSION } from '../../core/version.ts';
import { metricsOf } from '../../report/metrics/metrics.ts';
import type { Figures } from '../../report/watch/figures.ts';
import type { FollowingStatistics } from '../../report/statistics/following.ts';
import type { Histories } from '../feed/histories.ts';
import type { ChangedLine, ChangeLine, DeviceSnapshot, PausedSnapshot, Snapshot } from '../feed/snapshot.ts';
import { openApi } from './openApi.ts';

export interface Answer {
  status: number;
  type: string;
  body: string;
  /** In place of those of every answer. */
  headers?: Readonly<Record<string, string>>;
}

/** The structure of `/api/v1/devices`. */
export interface DevicesJson {
  version: string;
  /** Unix time in ms of the sample; null: there is none yet. */
  atMs: number | null;
  /** With a token for it, rates can be changed, and the shaper be paused and cleared. */
  changes: boolean;
  devices: {
    device: string;
    /** All that was set is in force. */
    isWhole: boolean;
    upBitPerSec: number | null;
    downBitPerSec: number | null;
    /** Why it could not be read; null: it could. */
    error: string | null;
    /** Taken away for a while; null: it is not. */
    paused: PausedSnapshot | null;
  }[];
}

/** What a change is answered that was made. */
export interface ChangedJson {
  device: string;
  change: ChangeLine['word'];
  /** What was done, in one line. */
  message: string;
  warnings: readonly string[];
}

/** What `/events` sends with each sample. */
export interface SampleEvent {
  /** Unix time in ms. */
  atMs: number;
  changes: boolean;
  devices: {
    device: string;
    figures: Figures | null;
    following: FollowingStatistics | null;
    error: string | null;
    paused: PausedSnapshot | null;
  }[];
}

const JSON_TYPE = 'application/json; charset=utf-8';
export const jsonAnswer = (status: number, value: unknown): Answer => ({
  status,
  type: JSON_TYPE,
  body: `${JSON.stringify(value)}\n`,
});
/** Of whatever is refused or not there. */
export const errorAnswer = (status: number, error: string): Answer => jsonAnswer(status, { error });

/** Of a change, made or not. */
export const changedAnswer = (
  { device, word }: Pick<ChangeLine, 'device' | 'word'>,
  { status, message, warnings = [] }: ChangedLine,
): Answer =>
  status === 200
    ? jsonAnswer(200, { device, change: word, message, warnings } satisfies ChangedJson)
    : errorAnswer(status, message);

/**
 * Undefined: there is no such path among those that are reckoned.
 * @param changes they may be asked for
 */
export function answerTo(
  path: string,
  snapshot: Snapshot | undefined,
  histories: Histories,
  changes = false,
): Answer | undefined {
  if (path === '/metrics')
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metricsText(snapshot) };
  if (path === '/api/v1/openapi.json') return jsonAnswer(200, openApi(VERSION));
  if (path === '/api/v1/devices') return jsonAnswer(200, devicesJson(snapshot, changes));
  const [, kind, encoded = ''] = /^\/api\/v1\/(devices|hosts|history)\/([^/]+)$/.exec(path) ?? [];
  if (kind === undefined) return undefined;
  const device = decoded(encoded);
  const current = snapshot?.devices.find((each) => each.device === device);
  if (kind === 'devices') return deviceAnswer(current);
  if (kind === 'hosts') return hostsAnswer(current, snapshot?.atMs ?? 0);
  const history = device === undefined ? undefined : histories.get(device);
  return history === undefined
    ? errorAnswer(404, 'nothing is known of this device')
    : jsonAnswer(200, history);
}

/** Undefined: it is not encoded as part of a path. */
export function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** As `inetgw DEV --json` has it. */
function deviceAnswer(snapshot: DeviceSnapshot | undefined): Answer {
  if (snapshot === undefined) return errorAnswer(404, 'there is no record of this device');
  const { device, reading, error } = snapshot;
  if (reading === undefined) return errorAnswer(503, error ?? 'it could not be read');
  return jsonAnswer(200, reading.statistics ?? { device, inForce: false, conditions: reading.conditions });
}

/** As `inetgw watch --once --json` has it. */
function hostsAnswer(snapshot: DeviceSnapshot | undefined, atMs: number): Answer {
  if (snapshot === undefined) return errorAnswer(404, 'there is no record of this device');
  const { device, figures, error, paused } = snapshot;
  if (paused !== undefined) return errorAnswer(503, 'it is paused');
  if (figures === undefined) return errorAnswer(503, error ?? 'it could not be read');
  return jsonAnswer(200, { device, atMs, overMs: figures.overMs, hosts: figures.line?.hosts ?? null });
}

function devicesJson(snapshot: Snapshot | undefined, changes: boolean): DevicesJson {
  return {
    version: VERSION,
    atMs: snapshot?.atMs ?? null,
    changes,
    devices: (snapshot?.devices ?? []).map(({ device, reading, error, paused }) => ({
      device,
      isWhole: reading?.isWhole ?? false,
      upBitPerSec: reading?.statistics?.upBitPerSec ?? null,
      downBitPerSec: reading?.statistics?.downBitPerSec ?? null,
      error: error ?? null,
      paused: paused ?? null,
    })),
  };
}

function metricsText(snapshot: Snapshot | undefined): string {
  const reports = (snapshot?.devices ?? []).map(({ device, reading, figures }) => ({
    device,
    reading,
    names: namesIn(figures),
  }));
  return exposition(metricsOf(reports, VERSION, snapshot?.perHost));
}

/** Those that the page shows. */
function namesIn(figures: Figures | undefined): HostNames {
  const hosts = figures?.line?.hosts ?? [];
  return new Map(
    hosts.flatMap(({ addresses, name }) =>
      name === null ? [] : addresses.slice(0, 1).map((address): [string, string] => [address, name]),
    ),
  );
}

export function sampleEvent({ atMs, devices }: Snapshot, changes = false): SampleEvent {
  return {
    atMs,
    changes,
    devices: devices.map(({ device, figures, reading, error, paused }) => ({
      device,
      figures: figures ?? null,
      following: reading?.statistics?.following ?? null,
      error: error ?? null,
      paused: paused ?? null,
    })),
  };
}
