/**
 * The law by which the rate of one direction follows its line:
 *
 *     steady ──► drain ──► hold ──► probe ──► …
 *
 * A queue shows that the line is full, and then what comes through it is what it carries. The rate is set below that until
 * the queue is gone (drain), a little below it for a second (hold), and then rises as long as there is load and no queue
 * (probe), ever faster. Whatever tells nothing changes nothing: an idle line, one that is silent for seconds. Pure.
 */
import type { FollowPhase } from '../../plan/input/followPhases.ts';
import type { RateLimits } from './sample.ts';

/** Where what is counted goes by: behind the queue, as what comes in, or before it, as what is sent. */
export type Side = 'behind-queue' | 'before-queue';

export interface LawState {
  phase: FollowPhase;
  rateBitPerSec: number;
  /** When the phase began. */
  sinceMs: number;
  /** What the line carried when it was last full; undefined: that was not seen yet. */
  lineBitPerSec: number | undefined;
  /** The last spans, the newest last. */
  recent: readonly Span[];
  /** The spans of the queue that stands just now; none: it does not. */
  full: readonly Span[];
  /** For how long there was load without a queue since the last one. */
  clearMs: number;
  /** What was when the queue began to be drained. */
  drain: { rateBitPerSec: number; queueMs: number; leastMs: number } | undefined;
}

interface Span {
  spanMs: number;
  bitPerSec: number;
  queueMs: number | undefined;
}

export interface Seen {
  atMs: number;
  spanMs: number;
  bitPerSec: number;
  /** Undefined: nothing tells it. */
  queueMs: number | undefined;
}

export interface LawStep {
  state: LawState;
  /** What is taken for a queue does not go away although less is sent than the line carries: the way has become longer. */
  longerWay: boolean;
}

/** A full packet and its frame. */
const PACKET_BITS = 1518 * 8;
/** A queue above this and two packets stands; below that and one packet there is none. */
const QUEUE_MS = { stands: 10, none: 4 } as const;
/** So many times that is a queue at once, without a second look. */
const SURELY = 3;
/** The queue is gone in this time, within the shares of the line's rate that this may take. */
const DRAIN = { ms: 300, leastShare: 0.05, mostShare: 0.5 } as const;
/** It is full where so much of the rate comes through, or the queue is so many times what it was at least. */
const FULL = { share: 1.02, grown: 1.2 } as const;
const HOLD = { ms: 1000, share: 0.97 } as const;
/** Per second; doubled in each such time. */
const PROBE = { growth: 0.03, doublesMs: 500, mostGrowth: 1 } as const;
/** Where more comes through than the line carried when it was last full, and no queue stands, it has become faster. */
const FASTER = { share: 1.05, growth: 1.5 } as const;
/** A full line carries something: late packets that are fewer, or less of the least rate, tell nothing of it. */
const LEAST_SEEN = { packets: 4, shareOfLeast: 0.1 } as const;
/** There is load for a higher rate if this share of the one in force is taken. */
const LOAD_SHARE = 0.8;
const KEPT_SPANS = 4;
const MOST_FULL_SPANS = 8;
/** Drained for so long and the time in which it should have been gone, a queue of which this much is left is none. */
const LONGER_WAY = { ms: 2000, leftShare: 0.75, arrivesShare: 1.05 } as const;

export function startLaw(rateBitPerSec: number, atMs: number): LawState {
  return {
    ...{ phase: 'steady', rateBitPerSec, sinceMs: atMs, lineBitPerSec: undefined },
    ...{ recent: [], full: [], clearMs: 0, drain: undefined },
  };
}

/** What follows from a span. The rate is within the limits, whatever was seen. */
export function followLine(before: LawState, seen: Seen, limits: RateLimits, side: Side): LawStep {
  const { spanMs, bitPerSec, queueMs } = seen;
  const span: Span = { spanMs, bitPerSec, queueMs };
  const state: LawState = { ...before, recent: [...before.recent, span].slice(-KEPT_SPANS) };
  if (queueMs === undefined) return within({ ...state, full: [] }, limits);
  const packetMs = (PACKET_BITS / state.rateBitPerSec) * 1000;
  const standsMs = QUEUE_MS.stands + 2 * packetMs;
  if (queueMs > standsMs) {
    const full = [...state.full, span].slice(-MOST_FULL_SPANS);
    const isSure = full.length > 1 || queueMs > SURELY * standsMs || state.phase === 'drain';
    if (!isSure || !tells(full, limits)) return within({ ...state, full }, limits);
    return drain({ ...state, full }, seen, queueMs, limits, side);
  }
  if (queueMs > QUEUE_MS.none + packetMs) return within({ ...state, full: [] }, limits);
  return within(withoutQueue({ ...state, full: [] }, seen), limits);
}

/** Whether so much came through while it was late that the line may be full. */
function tells(full: readonly Span[], { leastBitPerSec }: RateLimits): boolean {
  return (
    bitsOf(full) >= LEAST_SEEN.packets * PACKET_BITS &&
    meanBitPerSec(full) >= LEAST_SEEN.shareOfLeast * leastBitPerSec
  );
}

function drain(state: LawState, seen: Seen, queueMs: number, limits: RateLimits, side: Side): LawStep {
  const began = state.drain ?? { rateBitPerSec: state.rateBitPerSec, queueMs, leastMs: queueMs };
  const lineBitPerSec = lineRate(state, carried(state.full, side), queueMs);
  const share = Math.min(DRAIN.mostShare, Math.max(DRAIN.leastShare, queueMs / DRAIN.ms));
  const draining: LawState = {
    ...entered(state, 'drain', seen.atMs),
    rateBitPerSec: clamp(Math.min(began.rateBitPerSec, lineBitPerSec * (1 - share)), limits),
    lineBitPerSec,
    clearMs: 0,
    drain: { ...began, leastMs: Math.min(began.leastMs, queueMs) },
  };
  if (!isLongerWay(draining, seen)) return within(draining, limits);
  const held = { ...entered(draining, 'hold', seen.atMs), drain: undefined, full: [] };
  return { ...within({ ...held, rateBitPerSec: began.rateBitPerSec }, limits), longerWay: true };
}

/**
 * While a queue is drained, more than the rate comes through: what the line carries. If just the rate does, the line is not
 * full, unless the queue grows: what it carried is then as it was.
 */
function lineRate(
  { phase, lineBitPerSec, rateBitPerSec, drain: began }: LawState,
  through: number,
  queueMs: number,
): number {
  if (phase !== 'drain' || lineBitPerSec === undefined || began === undefined) return through;
  const isFull = through > rateBitPerSec * FULL.share || queueMs > began.leastMs * FULL.grown;
  return isFull ? through : lineBitPerSec;
}

/**
 * Less arrives than the line carried, as it should, and the delay stays. Where limits keep the rate from falling below what the
 * line carries, nothing is drained, and nothing follows from a queue that stays.
 */
function isLongerWay({ drain: began, sinceMs, rateBitPerSec, lineBitPerSec }: LawState, seen: Seen): boolean {
  if (began === undefined || seen.atMs - sinceMs < LONGER_WAY.ms + began.queueMs) return false;
  if (lineBitPerSec === undefined || rateBitPerSec >= lineBitPerSec) return false;
  const follows = seen.bitPerSec <= rateBitPerSec * LONGER_WAY.arrivesShare;
  return follows && began.leastMs > began.queueMs * LONGER_WAY.leftShare;
}

/** What a full line carried in these spans. What is sent into a queue that grows is more than that, by how fast it grows. */
function carried(full: readonly Span[], side: Side): number {
  const bitPerSec = meanBitPerSec(full);
  const [first] = full;
  const last = full.at(-1);
  if (side === 'behind-queue' || first === undefined || last === undefined || first === last)
    return bitPerSec;
  const grownMs = (last.queueMs ?? 0) - (first.queueMs ?? 0);
  const passedMs = full.slice(1).reduce((sum, { spanMs }) => sum + spanMs, 0);
  return bitPerSec / Math.max(1, 1 + grownMs / passedMs);
}

function withoutQueue(before: LawState, { atMs, spanMs }: Seen): LawState {
  const held =
    before.phase === 'drain' && before.lineBitPerSec !== undefined
      ? {
          ...entered(before, 'hold', atMs),
          rateBitPerSec: HOLD.share * before.lineBitPerSec,
          drain: undefined,
        }
      : before;
  const arrivesBitPerSec = meanBitPerSec(held.recent);
  if (arrivesBitPerSec <= LOAD_SHARE * held.rateBitPerSec) return held;
  const clearMs = held.clearMs + spanMs;
  if (clearMs <= HOLD.ms) return { ...held, clearMs };
  const { lineBitPerSec = Infinity } = held;
  const doubled = PROBE.growth * 2 ** Math.floor((clearMs - HOLD.ms) / PROBE.doublesMs);
  const isFaster = arrivesBitPerSec > FASTER.share * lineBitPerSec;
  const growth = isFaster ? FASTER.growth : Math.min(PROBE.mostGrowth, doubled);
  return {
    ...entered(held, 'probe', atMs),
    clearMs,
    rateBitPerSec: held.rateBitPerSec * (1 + (growth * spanMs) / 1000),
  };
}

function entered(state: LawState, phase: FollowPhase, atMs: number): LawState {
  return state.phase === phase ? state : { ...state, phase, sinceMs: atMs };
}

function within(state: LawState, limits: RateLimits): LawStep {
  return { state: { ...state, rateBitPerSec: clamp(state.rateBitPerSec, limits) }, longerWay: false };
}

function clamp(rateBitPerSec: number, { leastBitPerSec, mostBitPerSec }: RateLimits): number {
  return Math.min(mostBitPerSec, Math.max(leastBitPerSec, rateBitPerSec));
}

function meanBitPerSec(spans: readonly Span[]): number {
  const ms = spans.reduce((sum, { spanMs }) => sum + spanMs, 0);
  return ms > 0 ? (bitsOf(spans) * 1000) / ms : 0;
}

const bitsOf = (spans: readonly Span[]): number =>
  spans.reduce((sum, { spanMs, bitPerSec }) => sum + (bitPerSec * spanMs) / 1000, 0);
