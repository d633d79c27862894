/** Runs a whole session on the model line in virtual time. */
import {
  runSession,
  type DirectionResult,
  type SessionEvent,
  type Task,
} from '../../src/searchbw/session.ts';
import { ADSL, makeModel, type Model, type ModelLine } from './line.ts';

export interface ModelRun {
  result: DirectionResult;
  events: SessionEvent[];
  elapsedMs: number;
  model: Model;
}

export const LIMITS = { maxRttMs: 100, maxLossShare: 0.02 };

export async function runOnModel(task: Task, options: Partial<ModelLine> = {}): Promise<ModelRun> {
  const model = makeModel({ ...ADSL, ...options });
  const events: SessionEvent[] = [];
  const [result] = await runSession(
    { tasks: [task], limits: LIMITS, pingIntervalMs: 200, settleLimitMs: 25_000 },
    {
      ...model,
      signal: new AbortController().signal,
      onEvent: (event) => events.push(event),
      startLoad: () => undefined,
      beforeNext: () => Promise.resolve(),
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
