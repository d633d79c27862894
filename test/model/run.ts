/** Runs a whole session on the model line in virtual time. */
import { makeResult, type SearchResult } from '../../src/search/result/result.ts';
import {
  runSession,
  type DirectionResult,
  type SessionEvent,
  type SessionSettings,
} from '../../src/search/run/session.ts';
import type { Task } from '../../src/search/decide/task.ts';
import { ADSL, makeModel, type Model, type ModelLine } from './line.ts';

export interface ModelRun {
  result: DirectionResult;
  events: SessionEvent[];
  elapsedMs: number;
  model: Model;
}

export const LIMITS = { maxRttMs: 100, maxLossShare: 0.02 };

export async function runOnModel(
  task: Task,
  line: Partial<ModelLine> = {},
  settings: Partial<Omit<SessionSettings, 'tasks'>> = {},
): Promise<ModelRun> {
  const model = makeModel({ ...ADSL, ...line });
  const events: SessionEvent[] = [];
  const [result] = await runSession(
    {
      tasks: [task],
      limits: LIMITS,
      pingIntervalMs: 200,
      settleLimitMs: 25_000,
      pacing: 'auto',
      ...settings,
    },
    {
      ...model,
      device: 'ppp0',
      readDevices: () => Promise.resolve(new Map()),
      signal: new AbortController().signal,
      onEvent: (event) => events.push(event),
      startLoad: () => undefined,
      beforeNext: () => Promise.resolve(),
      renewLoad: () => Promise.resolve(true),
    },
  );
  if (result === undefined) throw new Error('no result');
  return { result, events, elapsedMs: model.clock.nowMs(), model };
}

/** A grid around a rate, in bit/s: `lines` lines from `from` to `to` times the rate. */
export function gridTask(
  rateBitPerSec: number,
  from: number,
  to: number,
  lines: number,
  pings: number,
): Extract<Task, { mode: 'grid' }> {
  const stepBitPerSec = Math.round((rateBitPerSec * (to - from)) / (lines - 1));
  const lowerBitPerSec = Math.round(rateBitPerSec * from);
  return {
    mode: 'grid',
    direction: 'down',
    grid: { lowerBitPerSec, upperBitPerSec: lowerBitPerSec + (lines - 1) * stepBitPerSec, stepBitPerSec },
    pings,
    otherBitPerSec: rateBitPerSec,
  };
}

/** A whole stored result from the model, the same every time. */
export function modelResult(runs: readonly ModelRun[]): SearchResult {
  return makeResult(
    {
      startedAt: '2026-01-02T03:04:05.000Z',
      finishedAt: '2026-01-02T03:08:09.000Z',
      tool: { name: 'searchbw', version: '0.1.0', node: '20.0.0' },
      line: {
        device: 'ppp0',
        kind: 'ppp',
        framing: 'atm, overhead 40 (pppoe-llcsnap)',
        mtuBytes: 1492,
        kernel: '6.1.0-test',
        versions: { tc: '6.1.0', ping: '20221126' },
      },
      pingHost: { address: '10.0.0.1', how: 'peer', hops: 1 },
      limits: LIMITS,
      pingIntervalMs: 200,
      load: { downloadUrls: [], uploadUrls: [], streams: 4 },
    },
    runs.map(({ result }) => result),
  );
}

/** That of the article's overview: downlinks of 1300 to 1800 kbit/s by steps of 50. */
export async function overviewResult(): Promise<SearchResult> {
  return modelResult([
    await runOnModel({
      ...gridTask(1, 1, 1, 2, 1),
      grid: { lowerBitPerSec: 1.3e6, upperBitPerSec: 1.8e6, stepBitPerSec: 50_000 },
      pings: 20,
      otherBitPerSec: 210_000,
    }),
  ]);
}
