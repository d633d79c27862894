/**
 * A whole run: prepare the line, measure step by step, judge, and whatever happens put back what was in force.
 * The decisions are made in sweep.ts, auto.ts, judge.ts and recommend.ts; here are the effects and their order.
 */
import { failure, UserError } from '../../core/errors.ts';
import { isDecided, nextAuto, recommendAuto, recordAuto, startAuto } from '../decide/auto.ts';
import type { Clock } from '../../line/clock.ts';
import { judgeLine, type JudgedLine, type Limits } from '../decide/judge.ts';
import { wentAway, type LineControl } from '../../line/control/line.ts';
import type { Load } from '../../line/load/load.ts';
import { LoadWatch, loadProblem, type DeviceCounters } from '../../line/load/loadWatch.ts';
import {
  addWindows,
  type Direction,
  type LineFacts,
  type Measurement,
} from '../../line/samples/measurement.ts';
import { measure, type MeasurePorts, type MeasureRequest } from './measure.ts';
import {
  concludePacing,
  nextPacing,
  PACING_FILLED_SHARE,
  PACING_PINGS,
  recordPacing,
  startPacing,
  type PacingOutcome,
  type PacingResult,
  type PacingTrial,
} from '../decide/pacingTrial.ts';
import type { Pinger } from '../../line/ping/pinger.ts';
import { recommend, type Recommendation } from '../decide/recommend.ts';
import { finalLines, nextStep, recordLine, startSweep } from '../decide/sweep.ts';
import type { Task } from '../decide/task.ts';

export interface SessionSettings {
  tasks: readonly Task[];
  limits: Limits;
  pingIntervalMs: number;
  settleLimitMs: number;
  /** `auto`: what was found for DOWN is measured with window pacing as well. */
  pacing: 'auto' | 'off';
}

export type SessionEvent =
  | { kind: 'preparing' }
  | { kind: 'direction'; task: Task }
  | {
      kind: 'step';
      direction: Direction;
      rateBitPerSec: number | null;
      attempt: number;
      index: number;
      total: number | null;
    }
  | { kind: 'line'; direction: Direction; line: JudgedLine; paced?: true }
  | { kind: 'pacing' }
  | { kind: 'reasoning'; sentence: string }
  /** What went wrong with a load of our own, but did not end the run. */
  | { kind: 'load-trouble'; text: string }
  | { kind: 'recommendation'; recommendation: Recommendation }
  | { kind: 'restoring' };

export interface DirectionResult {
  task: Task;
  /** The rate the other direction really had. */
  otherBitPerSec: number | null;
  lines: readonly JudgedLine[];
  reasoning: readonly string[];
  recommendation: Recommendation;
  /** Null: there was nothing to try it with. */
  pacing: PacingResult | null;
}

export interface SessionPorts {
  device: string;
  line: LineControl;
  /** What all devices have received so far: tells where a load came in that did not come in by this one. */
  readDevices: () => Promise<DeviceCounters>;
  pinger: Pinger;
  clock: Clock;
  signal: AbortSignal;
  onEvent: (event: SessionEvent) => void;
  /** Begins the load of a direction; undefined where it is the user's own. */
  startLoad: (direction: Direction) => Load | undefined;
  /** Called before each direction after the first, so that the user can change the load over. */
  beforeNext: (direction: Direction) => Promise<void>;
  /**
   * Pacing has no hold on connections that began before it. Called where the load is the user's own, so that it is
   * begun anew; false: nobody is there to do it.
   */
  renewLoad: () => Promise<boolean>;
}

/** How long a load of our own may take to move its first bytes. */
const LOAD_START_LIMIT_MS = 15_000;

/**
 * Runs all tasks and returns what was found. Throws a `UserError` for what goes wrong outside, and the signal's
 * reason when aborted; in every case the line is restored before this settles.
 */
export async function runSession(settings: SessionSettings, ports: SessionPorts): Promise<DirectionResult[]> {
  const { line, signal, onEvent } = ports;
  const results: DirectionResult[] = [];
  let failed: { error: unknown } | undefined;
  try {
    signal.throwIfAborted();
    onEvent({ kind: 'preparing' });
    await line.prepare();
    const originMs = ports.clock.nowMs();
    for (const task of settings.tasks) {
      if (results.length > 0) await ports.beforeNext(task.direction);
      results.push(await runTask(task, results, settings, ports, originMs));
    }
  } catch (error) {
    failed = { error: await reasonOf(error, ports) };
  }
  try {
    onEvent({ kind: 'restoring' });
  } catch (error) {
    // To tell of it matters less than to do it.
    failed ??= { error };
  }
  try {
    await line.restore();
  } catch (error) {
    throw restoreFailed(error, failed?.error);
  }
  if (failed !== undefined) throw failed.error;
  return results;
}

/** Without the device each program fails in words of its own: what they come from is said instead. */
async function reasonOf(error: unknown, { device, line }: SessionPorts): Promise<unknown> {
  if (!(error instanceof UserError) || (await line.isThere())) return error;
  return wentAway(device, error);
}

/** A shaper left behind is the worse of two evils, so it is told first. */
function restoreFailed(error: unknown, before: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const also = before instanceof Error ? ` (after: ${before.message})` : '';
  return new UserError(
    error.exitCode,
    `the earlier shaper could not be put back: ${error.message}${also}`,
    error.hint,
    {
      cause: error,
    },
  );
}

async function runTask(
  task: Task,
  earlier: readonly DirectionResult[],
  settings: SessionSettings,
  ports: SessionPorts,
  originMs: number,
): Promise<DirectionResult> {
  ports.onEvent({ kind: 'direction', task });
  let load = ports.startLoad(task.direction);
  try {
    if (load !== undefined) await waitForLoad(load, ports);
    const otherBitPerSec = task.otherBitPerSec ?? earlier.at(-1)?.recommendation.rateBitPerSec ?? null;
    const watchLoad = (): Promise<LoadWatch> | undefined =>
      load === undefined ? undefined : LoadWatch.begin(load, task.direction, ports);
    const context = { ...settings, otherBitPerSec, originMs, watchLoad };
    const found =
      task.mode === 'grid' ? await runGrid(task, context, ports) : await runAuto(task, context, ports);
    const renewLoad = async (): Promise<boolean> => {
      if (load === undefined) return ports.renewLoad();
      await load.stop();
      load = ports.startLoad(task.direction);
      if (load !== undefined) await waitForLoad(load, ports);
      return true;
    };
    const result = await withPacing(found, context, ports, renewLoad);
    const trouble = load === undefined ? undefined : loadTrouble(load);
    if (trouble !== undefined) ports.onEvent({ kind: 'load-trouble', text: trouble });
    ports.onEvent({ kind: 'recommendation', recommendation: result.recommendation });
    return result;
  } finally {
    await load?.stop();
  }
}

async function waitForLoad(load: Load, ports: SessionPorts): Promise<void> {
  const deadlineMs = ports.clock.nowMs() + LOAD_START_LIMIT_MS;
  for (;;) {
    const problem = loadProblem(load);
    if (problem !== undefined) throw problem;
    if (load.status().bytes > 0) return;
    if (ports.clock.nowMs() > deadlineMs) {
      const { lastError } = load.status();
      throw failure(
        `the load does not start${lastError === null ? '' : `: ${lastError}`}`,
        'is the URL right, and can its server be reached? Try it with curl',
      );
    }
    await ports.clock.sleep(100, ports.signal);
  }
}

/** Transfers that failed, for the user; undefined: none did. */
function loadTrouble(load: Load): string | undefined {
  const { failures, completed, lastError } = load.status();
  if (failures === 0 || lastError === null) return undefined;
  return `${failures} of the ${failures + completed} transfers of the load that have ended failed, at last ${lastError}`;
}

interface TaskContext extends SessionSettings {
  otherBitPerSec: number | null;
  originMs: number;
  /** Undefined: the load is the user's own. */
  watchLoad: () => Promise<LoadWatch> | undefined;
}

async function runGrid(
  task: Extract<Task, { mode: 'grid' }>,
  context: TaskContext,
  ports: SessionPorts,
): Promise<DirectionResult> {
  let state = startSweep(task.grid);
  let step = nextStep(state);
  while (step.kind === 'measure') {
    const { rateBitPerSec, attempt, index } = step;
    ports.onEvent({
      kind: 'step',
      direction: task.direction,
      rateBitPerSec,
      attempt,
      index,
      total: state.rates.length,
    });
    const measurement = await measureStep(task.direction, rateBitPerSec, context, ports, {
      expectFull: isFull(finalLines(state.lines), rateBitPerSec),
      isEnough: (samples) => samples.length >= task.pings,
      wanted: (samples) => task.pings - samples.length,
    });
    const line = judge(measurement, attempt, task.direction, state.lines, context, ports);
    state = recordLine(state, line);
    ports.onEvent({ kind: 'line', direction: task.direction, line });
    step = nextStep(state);
  }
  const recommendation = recommend({
    direction: task.direction,
    lines: state.lines,
    grid: task.grid,
    limits: context.limits,
    givenUp: step.kind === 'given-up' ? step.trouble : null,
  });
  const { otherBitPerSec } = context;
  return { task, otherBitPerSec, lines: state.lines, reasoning: [], recommendation, pacing: null };
}

/** Fewest pings of the unshaped measurement: its throughput is what the rest starts from. */
const UNSHAPED_PINGS = 25;

async function runAuto(
  task: Extract<Task, { mode: 'auto' }>,
  context: TaskContext,
  ports: SessionPorts,
): Promise<DirectionResult> {
  const { maxRttMs } = context.limits;
  let state = startAuto(task.direction, context.limits);
  let step = nextAuto(state);
  while (step.kind === 'measure') {
    const { rateBitPerSec, attempt } = step;
    const index = state.lines.length;
    ports.onEvent({ kind: 'step', direction: task.direction, rateBitPerSec, attempt, index, total: null });
    const measurement = await measureStep(task.direction, rateBitPerSec, context, ports, {
      expectFull: rateBitPerSec === null,
      isEnough: (samples) =>
        rateBitPerSec === null ? samples.length >= UNSHAPED_PINGS : isDecided(samples, maxRttMs),
      wanted: () => Number.POSITIVE_INFINITY,
    });
    const line = judge(measurement, attempt, task.direction, state.lines, context, ports);
    const before = state.reasoning.length;
    state = recordAuto(state, line);
    ports.onEvent({ kind: 'line', direction: task.direction, line });
    for (const sentence of state.reasoning.slice(before)) ports.onEvent({ kind: 'reasoning', sentence });
    step = nextAuto(state);
  }
  return {
    task,
    otherBitPerSec: context.otherBitPerSec,
    lines: state.lines,
    reasoning: state.reasoning,
    recommendation: recommendAuto(state),
    pacing: null,
  };
}

/** The result with what pacing makes of it: only of DOWN, and not before the last measurement worth making. */
async function withPacing(
  found: DirectionResult,
  context: TaskContext,
  ports: SessionPorts,
  renewLoad: () => Promise<boolean>,
): Promise<DirectionResult> {
  if (found.task.direction === 'up') return found;
  const without = (outcome: PacingOutcome): DirectionResult => ({ ...found, pacing: { outcome, lines: [] } });
  if (context.pacing === 'off') return without({ kind: 'off' });
  const { recommendation } = found;
  const trial = startPacing(recommendation, found.lines, context.limits);
  if (trial === null || recommendation.next !== null) return found;
  const rates = { downBitPerSec: trial.recommendedBitPerSec, upBitPerSec: context.otherBitPerSec };
  const problem = await ports.line.setPacing(true, rates);
  if (problem !== undefined) return without({ kind: 'not-tried', reason: problem });
  try {
    if (!(await renewLoad())) {
      const reason = 'it has no hold on downloads that began before it; with --load URL it is tried';
      return without({ kind: 'not-tried', reason });
    }
    ports.onEvent({ kind: 'pacing' });
    const pacing = await runPacing(trial, found.task.direction, context, ports);
    const { outcome } = pacing;
    if (outcome.kind !== 'gained') return { ...found, pacing };
    return {
      ...found,
      pacing,
      recommendation: { ...recommendation, rateBitPerSec: outcome.paced.rateBitPerSec },
    };
  } finally {
    await ports.line.setPacing(false, rates);
  }
}

async function runPacing(
  first: PacingTrial,
  direction: Direction,
  context: TaskContext,
  ports: SessionPorts,
): Promise<PacingResult> {
  let trial = first;
  let sentPackets = 0;
  let lowered = 0;
  let step = nextPacing(trial);
  while (step.kind === 'measure') {
    const { rateBitPerSec, attempt } = step;
    const index = trial.lines.length;
    ports.onEvent({ kind: 'step', direction, rateBitPerSec, attempt, index, total: null });
    const before = await ports.line.readLoweredWindows();
    const measurement = await measureStep(direction, rateBitPerSec, context, ports, {
      expectFull: false,
      isEnough: (samples) => samples.length >= PACING_PINGS,
      wanted: (samples) => PACING_PINGS - samples.length,
    });
    lowered += (await ports.line.readLoweredWindows()) - before;
    sentPackets += addWindows(measurement.windows).txPackets;
    const line = judge(measurement, attempt, direction, [], context, ports, PACING_FILLED_SHARE);
    trial = recordPacing(trial, line);
    ports.onEvent({ kind: 'line', direction, line, paced: true });
    step = nextPacing(trial);
  }
  return { outcome: concludePacing(trial, lowered / Math.max(1, sentPackets)), lines: trial.lines };
}

/** Whether a line at this or a lower bandwidth already overfilled the far queue. */
function isFull(lines: readonly JudgedLine[], rateBitPerSec: number): boolean {
  return lines.some(
    ({ measurement, verdict }) =>
      (verdict.kind === 'slow' || verdict.kind === 'above-line') &&
      measurement.rateBitPerSec !== null &&
      measurement.rateBitPerSec <= rateBitPerSec,
  );
}

async function measureStep(
  direction: Direction,
  rateBitPerSec: number | null,
  context: TaskContext,
  ports: MeasurePorts,
  how: Pick<MeasureRequest, 'expectFull' | 'isEnough' | 'wanted'>,
): Promise<Measurement> {
  const watch = await context.watchLoad();
  const measurement = await measure(ports, {
    direction,
    rateBitPerSec,
    otherBitPerSec: context.otherBitPerSec,
    pingIntervalMs: context.pingIntervalMs,
    maxRttMs: context.limits.maxRttMs,
    originMs: context.originMs,
    settleLimitMs: context.settleLimitMs,
    ...how,
  });
  await watch?.check();
  return measurement;
}

function judge(
  measurement: Measurement,
  attempt: number,
  direction: Direction,
  earlier: readonly JudgedLine[],
  context: TaskContext,
  ports: SessionPorts,
  leastFilledShare?: number,
): JudgedLine {
  const facts: LineFacts = {
    direction,
    mtuBytes: ports.line.describe().mtuBytes,
    wireBytes: (bytes) => ports.line.wireBytes(bytes),
  };
  const { limits, otherBitPerSec } = context;
  return judgeLine(measurement, attempt, { facts, limits, otherBitPerSec, earlier, leastFilledShare });
}
