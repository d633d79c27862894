/** What `inetgw watch` shows: two readings of a device, one after the other, as rates and levels. Pure. */
import type { FoundCondition } from '../../conditions/condition.ts';
import { framedBytes } from '../../plan/input/framing.ts';
import type { EgressClass } from '../../plan/queues/egressClasses.ts';
import { forEachKind, type AnswersOf } from '../../plan/pacing/accounts.ts';
import type { Statistics } from '../statistics/statistics.ts';
import type { PingFigures } from './pings.ts';
import { answerFigures, hostFigures, type AnswerFigures, type HostFigures } from './hosts.ts';

export interface WatchReading {
  device: string;
  /** Of a clock that is never set, in ms. */
  atMs: number;
  conditions: readonly FoundCondition[];
  /** All that was set is in force. */
  isWhole: boolean;
  /** Undefined: nothing is in force. */
  statistics: Statistics | undefined;
  /** Undefined: none is sent. */
  ping?: PingFigures | undefined;
}

/** The structure of `inetgw watch --once --json`. Rates in bit/s or per second; null: not known (yet). */
export interface Figures {
  device: string;
  isWhole: boolean;
  /** What rates are an average of; null: there was one reading only, or the counters have begun anew. */
  overMs: number | null;
  /** Null: nothing is in force. */
  line: LineFigures | null;
  /** What pings to the next hop take; null: none is sent. */
  ping: PingFigures | null;
  conditions: readonly FoundCondition[];
}

export interface LineFigures {
  /** ISO 8601. */
  since: string;
  framing: string;
  up: DirectionFigures;
  down: DirectionFigures;
  classes: ClassFigures[];
  /** Null: a queue shapes instead. */
  stages: StageFigures[] | null;
  /** What comes in waits there: with window pacing the local queue, else the one that shapes; null: there is none. */
  queue: QueueFigures | null;
  /** Null: no window pacing. */
  pacing: PacingFigures | null;
  /** Whoever takes most comes first; null: hosts cannot be told apart, or cannot be read here. */
  hosts: HostFigures[] | null;
}

export interface DirectionFigures {
  setBitPerSec: number;
  nowBitPerSec: number | null;
  /** Nothing counts framing here: reckoned from bytes and packets. */
  isEstimated: boolean;
}

export interface ClassFigures {
  class: EgressClass;
  guaranteedBitPerSec: number;
  nowBitPerSec: number | null;
  backlogBytes: number;
  backlogPackets: number;
  droppedPerSec: number | null;
}

export interface StageFigures {
  stage: 1 | 2 | 3;
  seenPerSec: number | null;
  excessPerSec: number | null;
  droppedPerSec: number | null;
}

export interface QueueFigures {
  backlogBytes: number;
  backlogPackets: number;
  passedPerSec: number | null;
  droppedPerSec: number | null;
}

export interface PacingFigures {
  /** Null: cannot be read here. */
  activeFlows: number | null;
  /** Least round trip of late of the flow whose window was written last: the path without its queues; null: none so far. */
  rttMs: number | null;
  loweredPerSec: number | null;
  sparedPerSec: number | null;
  /** Round trips beyond the gateway, by what they answer, of the last seconds; null: not known (yet). */
  answers: Record<AnswersOf, AnswerFigures> | null;
}

/** @param answersFrom the reading since which answer times are told: those of a second are few */
export function figuresOf(
  before: WatchReading | undefined,
  now: WatchReading,
  answersFrom: WatchReading | undefined = before,
): Figures {
  const { device, isWhole, conditions, statistics } = now;
  const earlier = sameCounters(before, now) ? before : undefined;
  const overMs = earlier === undefined ? null : now.atMs - earlier.atMs;
  const first = sameCounters(answersFrom, now) ? answersFrom.statistics : undefined;
  const line =
    statistics === undefined
      ? null
      : lineFigures(earlier?.statistics, first, statistics, (overMs ?? 0) / 1000);
  return { device, isWhole, overMs, line, ping: now.ping ?? null, conditions };
}

/** Counters go on from one reading to the next, and there is time between them. */
function sameCounters(before: WatchReading | undefined, now: WatchReading): before is WatchReading {
  if (before?.statistics === undefined || now.statistics === undefined || before.atMs >= now.atMs)
    return false;
  const [one, other] = [before.statistics, now.statistics].map(totals);
  return (
    before.device === now.device &&
    before.statistics.since === now.statistics.since &&
    (one ?? []).every((value, n) => value <= (other?.[n] ?? 0))
  );
}

const totals = ({ egress, ingress }: Statistics): number[] => [
  ...egress.map(({ sentPackets }) => sentPackets),
  ingress.seenPackets,
];

type Counter = (statistics: Statistics) => number | undefined;

/** The growth of a counter, per second; null where there is nothing to compare with. */
interface Growth {
  perSec: (counter: Counter) => number | null;
  /** Of a counter of bytes. */
  bitPerSec: (counter: Counter) => number | null;
}

function growthOf(before: Statistics | undefined, now: Statistics, seconds: number): Growth {
  const perSec = (counter: Counter): number | null => {
    const [from, to] = [before === undefined ? undefined : counter(before), counter(now)];
    return from === undefined || to === undefined || to < from ? null : (to - from) / seconds;
  };
  const bitPerSec = (counter: Counter): number | null => {
    const bytes = perSec(counter);
    return bytes === null ? null : bytes * 8;
  };
  return { perSec, bitPerSec };
}

function lineFigures(
  before: Statistics | undefined,
  answersFrom: Statistics | undefined,
  now: Statistics,
  seconds: number,
): LineFigures {
  const growth = growthOf(before, now, seconds);
  const { perSec, bitPerSec } = growth;
  return {
    since: now.since,
    framing: now.framing.name,
    up: {
      setBitPerSec: now.upBitPerSec,
      nowBitPerSec: bitPerSec(({ egress }) => egress.reduce((sum, { sentBytes }) => sum + sentBytes, 0)),
      isEstimated: false,
    },
    down: downFigures(now, growth),
    classes: now.egress.map((row, n) => ({
      class: row.class,
      guaranteedBitPerSec: row.guaranteedBitPerSec,
      nowBitPerSec: bitPerSec(({ egress }) => egress[n]?.sentBytes),
      backlogBytes: row.backlogBytes,
      backlogPackets: row.backlogPackets,
      droppedPerSec: perSec(({ egress }) => egress[n]?.droppedPackets),
    })),
    stages:
      now.ingress.queue === undefined
        ? now.ingress.stages.map(({ stage }, n) => ({
            stage,
            seenPerSec: perSec(({ ingress }) => ingress.stages[n]?.seenPackets),
            excessPerSec: perSec(({ ingress }) => ingress.stages[n]?.excessPackets),
            droppedPerSec: perSec(({ ingress }) => ingress.stages[n]?.droppedPackets),
          }))
        : null,
    queue: queueFigures(now, growth),
    pacing:
      now.pacing === undefined
        ? null
        : {
            activeFlows: now.pacing.activeFlows,
            rttMs: now.pacing.rttMs === 0 ? null : now.pacing.rttMs,
            loweredPerSec: perSec(({ pacing }) => pacing?.rewrittenPackets),
            sparedPerSec: perSec(({ pacing }) => pacing?.beyondStagesPackets),
            answers: answersOfLine(answersFrom, now),
          },
    hosts: hostFigures(before, answersFrom, now, seconds),
  };
}

function answersOfLine(before: Statistics | undefined, now: Statistics): PacingFigures['answers'] {
  const [from, to] = [before?.pacing?.answers, now.pacing?.answers];
  if (from === undefined || from === null || to === undefined || to === null) return null;
  return forEachKind((of) => answerFigures(from[of], to[of]));
}

function downFigures(now: Statistics, { perSec, bitPerSec }: Growth): DirectionFigures {
  const hasQueue = now.ingress.passedBytes !== undefined;
  const nowBitPerSec = hasQueue
    ? bitPerSec(({ ingress }) => ingress.passedBytes)
    : framedBitPerSec(
        now,
        bitPerSec(({ ingress }) => ingress.seenBytes),
        perSec(({ ingress }) => ingress.seenPackets),
      );
  return { setBitPerSec: now.downBitPerSec, nowBitPerSec, isEstimated: !hasQueue };
}

/** What comes in waits there. */
function queueOf({ ingress, pacing }: Statistics) {
  return ingress.queue ?? pacing?.queue;
}

function queueFigures(now: Statistics, { perSec }: Growth): QueueFigures | null {
  const queue = queueOf(now);
  if (queue === undefined) return null;
  return {
    backlogBytes: queue.backlogBytes,
    backlogPackets: queue.backlogPackets,
    passedPerSec: perSec((statistics) => queueOf(statistics)?.sentPackets),
    droppedPerSec: perSec((statistics) => queueOf(statistics)?.droppedPackets),
  };
}

/** IP bits as the line carries them, if all packets were of their mean length. */
function framedBitPerSec(
  { framing }: Statistics,
  ipBitPerSec: number | null,
  packetsPerSec: number | null,
): number | null {
  if (ipBitPerSec === null || packetsPerSec === null) return null;
  if (packetsPerSec === 0) return 0;
  return framedBytes(framing, ipBitPerSec / 8 / packetsPerSec) * packetsPerSec * 8;
}
