/** One measurement: set the rate, let the queue come to rest, then pings and counters over the same time. */
import { failure } from '../../core/errors.ts';
import type { Clock } from '../../line/clock.ts';
import type { LineControl, LineCounters, LineRates } from '../../line/control/line.ts';
import type { ByteWindow, Direction, Measurement, PingSample } from '../../line/samples/measurement.ts';
import type { Pinger } from '../../line/ping/pinger.ts';
import {
  isDrained,
  isSettled,
  needsDraining,
  settleWindow,
  type SettleWindow,
} from '../../line/samples/settle.ts';

export interface MeasurePorts {
  line: LineControl;
  pinger: Pinger;
  clock: Clock;
  signal: AbortSignal;
}

export interface MeasureRequest {
  direction: Direction;
  /** Null: unshaped. */
  rateBitPerSec: number | null;
  otherBitPerSec: number | null;
  pingIntervalMs: number;
  maxRttMs: number;
  /** Whether these samples are enough. */
  isEnough: (samples: readonly PingSample[]) => boolean;
  /** How many pings are at most still wanted, so that a fixed number is met exactly. */
  wanted: (samples: readonly PingSample[]) => number;
  /** No use in emptying a queue that is going to be full anyway. */
  expectFull: boolean;
  /** `atMs` of the results counts from here. */
  originMs: number;
  settleLimitMs: number;
}

/** Pings of one settling window, at this pace whatever the measurement's own. */
const SETTLE_PINGS = 5;
const SETTLE_INTERVAL_MS = 200;
/** While draining, this share of the rate: a second of queue is gone in three. */
const DRAIN_SHARE = 0.7;
const DRAIN_LIMIT_MS = 12_000;
/** Counters are read about once a second, so that a stall within the measurement shows. */
const WINDOW_MS = 1000;

export async function measure(ports: MeasurePorts, request: MeasureRequest): Promise<Measurement> {
  const { clock, line } = ports;
  const setAtMs = clock.nowMs();
  await line.setRates(ratesOf(request, request.rateBitPerSec));
  const { settled, fastestMs } = await settle(ports, request);
  const atMs = clock.nowMs();
  const samples: PingSample[] = [];
  const windows: ByteWindow[] = [];
  const perWindow = Math.max(1, Math.round(WINDOW_MS / request.pingIntervalMs));
  let before = await line.readCounters();
  while (!request.isEnough(samples)) {
    const count = Math.max(1, Math.min(perWindow, request.wanted(samples)));
    const startMs = clock.nowMs();
    const taken = await ports.pinger.series({
      count,
      intervalMs: request.pingIntervalMs,
      signal: ports.signal,
    });
    // The last ping's own time belongs to the pace, too: otherwise fast answers would hurry the next window.
    const restMs = startMs + count * request.pingIntervalMs - clock.nowMs();
    if (restMs > 0) await clock.sleep(restMs, ports.signal);
    samples.push(...taken);
    const after = await line.readCounters();
    windows.push(difference(before, after));
    before = after;
  }
  return {
    rateBitPerSec: request.rateBitPerSec,
    atMs: atMs - request.originMs,
    settleMs: atMs - setAtMs,
    settled,
    fastestMs: fastestOf([fastestMs, ...samples.map(({ rttMs }) => rttMs)]),
    samples: samples.map((sample) => ({ ...sample, atMs: sample.atMs - request.originMs })),
    windows,
  };
}

/** Waits until the queue is at rest; false if the time limit came first. */
async function settle(
  ports: MeasurePorts,
  request: MeasureRequest,
): Promise<{ settled: boolean; fastestMs: number | null }> {
  const { clock, line } = ports;
  const deadlineMs = clock.nowMs() + request.settleLimitMs;
  let windows: SettleWindow[] = [await oneWindow(ports, request.direction)];
  const seen = [...windows];
  const first = windows[0];
  const { rateBitPerSec, maxRttMs } = request;
  if (
    first !== undefined &&
    rateBitPerSec !== null &&
    !request.expectFull &&
    needsDraining(first, maxRttMs)
  ) {
    seen.push(...(await drain(ports, request, rateBitPerSec)));
    await line.setRates(ratesOf(request, rateBitPerSec));
    windows = [];
  }
  while (!isSettled(windows, maxRttMs)) {
    if (clock.nowMs() >= deadlineMs) return { settled: false, fastestMs: fastestIn(seen) };
    const window = await oneWindow(ports, request.direction);
    windows.push(window);
    seen.push(window);
  }
  return { settled: true, fastestMs: fastestIn(seen) };
}

async function drain(
  ports: MeasurePorts,
  request: MeasureRequest,
  rateBitPerSec: number,
): Promise<SettleWindow[]> {
  const deadlineMs = ports.clock.nowMs() + DRAIN_LIMIT_MS;
  await ports.line.setRates(ratesOf(request, Math.round(rateBitPerSec * DRAIN_SHARE)));
  const windows: SettleWindow[] = [];
  while (!isDrained(windows, request.maxRttMs) && ports.clock.nowMs() < deadlineMs) {
    windows.push(await oneWindow(ports, request.direction));
  }
  return windows;
}

function fastestIn(windows: readonly SettleWindow[]): number | null {
  return fastestOf(windows.map(({ fastestRttMs }) => fastestRttMs));
}

function fastestOf(times: readonly (number | null)[]): number | null {
  const known = times.flatMap((time) => (time === null ? [] : [time]));
  return known.length === 0 ? null : Math.min(...known);
}

async function oneWindow(ports: MeasurePorts, direction: Direction): Promise<SettleWindow> {
  const { clock, line, pinger, signal } = ports;
  const before = await line.readCounters();
  const startMs = clock.nowMs();
  const samples = await pinger.series({ count: SETTLE_PINGS, intervalMs: SETTLE_INTERVAL_MS, signal });
  const restMs = startMs + SETTLE_PINGS * SETTLE_INTERVAL_MS - clock.nowMs();
  if (restMs > 0) await clock.sleep(restMs, signal);
  return settleWindow(samples, difference(before, await line.readCounters()), direction);
}

function ratesOf(request: MeasureRequest, rateBitPerSec: number | null): LineRates {
  return request.direction === 'down'
    ? { downBitPerSec: rateBitPerSec, upBitPerSec: request.otherBitPerSec }
    : { downBitPerSec: request.otherBitPerSec, upBitPerSec: rateBitPerSec };
}

function difference(before: LineCounters, after: LineCounters): ByteWindow {
  const window: ByteWindow = {
    durationMs: after.atMs - before.atMs,
    rxBytes: after.rxBytes - before.rxBytes,
    txBytes: after.txBytes - before.txBytes,
    rxPackets: after.rxPackets - before.rxPackets,
    txPackets: after.txPackets - before.txPackets,
  };
  if (Object.values(window).some((value) => value < 0)) {
    throw failure(
      "the device's counters went backwards",
      'was it taken down and up again? measure once more',
    );
  }
  return window;
}
