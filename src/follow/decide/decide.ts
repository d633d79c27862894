/** From samples of a line to the rates of both directions. Pure: the clock is in the samples. */
import type { FollowPhase } from '../../plan/input/followPhases.ts';
import type { RawRates } from '../../plan/input/framing.ts';
import { blame, isLoaded } from './blame.ts';
import { followLine, startLaw, type LawState } from './law.ts';
import type { LineLimits, Sample } from './sample.ts';

export interface FollowState {
  down: LawState;
  up: LawState;
  /** Since when there is load and nothing tells how late it comes; undefined: there is no load, or something does. */
  untoldSinceMs: number | undefined;
  /** When pings were last needed; undefined: not since something else told. */
  neededMs: number | undefined;
}

export interface Decision {
  downBitPerSec: number;
  upBitPerSec: number;
  why: { down: FollowPhase; up: FollowPhase };
  /** Pings are needed: the line is loaded by what has no timestamps, as QUIC. Never on an idle line. */
  pings: boolean;
  /** The least delays known are those of a shorter way: what is the least from now on counts. */
  forgetLeast: boolean;
  /** The same of the shortest ping, which may be charged to either direction. */
  forgetLeastPing: boolean;
}

/** For so long after the last sample that told something, none is missed. */
const UNTOLD_MS = 500;
/** A load that comes in bursts needs them throughout, and so does a queue that is drained. */
const LINGER_MS = 3000;
/** Pings take no more of the uplink than this, and no more than 20 a second are of use. */
const PING = { bits: 106 * 8, mostShare: 0.01, leastMs: 50, mostMs: 500 } as const;

/** From one ping to the next. */
export const pingIntervalMs = (upBitPerSec: number): number =>
  Math.min(PING.mostMs, Math.max(PING.leastMs, (PING.bits * 1000) / (PING.mostShare * upBitPerSec)));

/** Begins at these rates, which may be any: the first decision is within the limits. */
export function startFollowing(rates: RawRates, atMs: number): FollowState {
  return {
    down: startLaw(rates.downBitPerSec, atMs),
    up: startLaw(rates.upBitPerSec, atMs),
    untoldSinceMs: undefined,
    neededMs: undefined,
  };
}

export function decide(
  state: FollowState,
  sample: Sample,
  limits: LineLimits,
): { state: FollowState; decision: Decision } {
  const rates = { downBitPerSec: state.down.rateBitPerSec, upBitPerSec: state.up.rateBitPerSec };
  const queues = blame(sample, rates);
  const { atMs, spanMs } = sample;
  const down = followLine(
    state.down,
    { atMs, spanMs, bitPerSec: sample.downBitPerSec, queueMs: queues.downMs },
    limits.down,
    'behind-queue',
  );
  const up = followLine(
    state.up,
    { atMs, spanMs, bitPerSec: sample.upBitPerSec, queueMs: queues.upMs },
    limits.up,
    'before-queue',
  );
  const isTold = sample.downQueueMs !== undefined || sample.roundTripMs !== undefined;
  const untoldSinceMs = isTold || !isLoaded(sample, rates) ? undefined : (state.untoldSinceMs ?? atMs);
  const isNeeded = untoldSinceMs !== undefined && atMs - untoldSinceMs >= UNTOLD_MS;
  const neededMs = isTold ? undefined : isNeeded ? atMs : state.neededMs;
  return {
    state: { down: down.state, up: up.state, untoldSinceMs, neededMs },
    decision: {
      downBitPerSec: down.state.rateBitPerSec,
      upBitPerSec: up.state.rateBitPerSec,
      why: { down: down.state.phase, up: up.state.phase },
      pings: neededMs !== undefined && atMs - neededMs <= LINGER_MS,
      // Least round trips are not among them: they tell of the uplink, and are kept by the connections.
      forgetLeast: down.longerWay,
      forgetLeastPing: down.longerWay || up.longerWay,
    },
  };
}
