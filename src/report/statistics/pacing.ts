/** Window pacing in the statistics. Pure. */
import { pacingActionIndex, type PacingActionName } from '../../plan/pacing/pacing.ts';
import type { Plan } from '../../plan/plan.ts';
import type { PacingReadings } from '../../plan/readings.ts';
import type { Counters, QueueCounters } from '../../tc/statistics.ts';
import { ANSWER_KINDS, forEachKind, type AnswersOf } from '../../plan/pacing/accounts.ts';
import { answerStatistics, type AnswerStatistics } from './answers.ts';
import { hostLines, hostStatistics, type HostStatistics } from './hosts.ts';
import { counted, formatSize } from '../../core/units.ts';

export interface PacingStatistics {
  /** Outgoing segments whose window was lowered. */
  rewrittenPackets: number;
  /** Above the stages, and not dropped, since windows bound it: it waits in the local queue. */
  beyondStagesPackets: number;
  /** Of QUIC and other UDP, lost behind the local queue so that its senders slow down. */
  slowingPackets: number;
  /** Null: cannot be read here (no perl). Flows that take less than their share count for less. */
  activeFlows: number | null;
  /** As last written, and that flow's least round trip of late: that of the path, without its queues. */
  windowBytes: number | null;
  rttMs: number | null;
  /** Round trips beyond the gateway, by what they answer; null: cannot be read here. */
  answers: Record<AnswersOf, AnswerStatistics> | null;
  /** Null: hosts cannot be told apart, or cannot be read here. */
  hosts: HostStatistics[] | null;
  /** The local queues that large packets wait in, paced ones and others. */
  queue: { backlogBytes: number; backlogPackets: number; sentPackets: number; droppedPackets: number };
}

/** @param incoming the actions of the device's ingress hook */
export function pacingStatistics(
  plan: Plan,
  readings: PacingReadings,
  incoming: ReadonlyMap<string, Counters>,
): PacingStatistics {
  const packets = (actions: ReadonlyMap<string, Counters>, name: PacingActionName): number =>
    actions.get(`gact ${pacingActionIndex(plan.link.ifindex, name)}`)?.packets ?? 0;
  const queues = ['1:20', '1:21'].map((classId) => readings.queues.get(classId));
  const sum = (count: keyof QueueCounters): number =>
    queues.reduce((all, queue) => all + (queue?.[count] ?? 0), 0);
  const { accounts, addresses } = readings;
  const tellsHosts =
    plan.pacing !== undefined && plan.pacing.config.byHost === 1 && plan.pacing.config.numberedPriority > 0;
  return {
    rewrittenPackets: packets(readings.actions, 'rewritten'),
    beyondStagesPackets: packets(incoming, 'beyondStages'),
    slowingPackets: packets(incoming, 'slowing'),
    activeFlows: readings.state?.activeFlows ?? null,
    windowBytes: readings.state?.windowBytes ?? null,
    rttMs: readings.state?.rttMs ?? null,
    answers: accounts === undefined ? null : forEachKind((of) => answerStatistics(accounts.line[of])),
    hosts:
      accounts === undefined || addresses === undefined || !tellsHosts
        ? null
        : hostStatistics(accounts, addresses),
    queue: {
      backlogBytes: sum('backlogBytes'),
      backlogPackets: sum('backlogPackets'),
      sentPackets: sum('packets'),
      droppedPackets: sum('dropped'),
    },
  };
}

export function pacingLines({
  rewrittenPackets,
  beyondStagesPackets,
  slowingPackets,
  activeFlows,
  windowBytes,
  rttMs,
  answers,
  hosts,
  queue,
}: PacingStatistics): string[] {
  const count = (value: number): string => value.toLocaleString('en-US');
  const known =
    activeFlows === null || windowBytes === null || rttMs === null
      ? ''
      : `; ${counted(activeFlows, 'flow')} active, last window ${formatSize(windowBytes)} for ${rttMs.toFixed(1)} ms`;
  return [
    `window pacing: ${counted(count(rewrittenPackets), 'window')} lowered${known}`,
    `local queue: ${counted(count(queue.backlogPackets), 'packet')} (${formatSize(queue.backlogBytes)}) waiting,` +
      ` ${count(queue.sentPackets)} passed, ${count(queue.droppedPackets)} dropped;` +
      ` ${count(beyondStagesPackets)} spared by the stages, ${count(slowingPackets)} of UDP lost to slow it down`,
    ...(answers === null ? [] : answerLines(answers)),
    ...(hosts === null || hosts.length === 0 ? [] : ['', ...hostLines(hosts)]),
  ];
}

function answerLines(answers: Record<AnswersOf, AnswerStatistics>): string[] {
  const told = ANSWER_KINDS.flatMap((of) => {
    const { p50Ms, p95Ms } = answers[of];
    return p50Ms === null || p95Ms === null ? [] : [`${of} ${p50Ms.toFixed(1)} / ${p95Ms.toFixed(1)} ms`];
  });
  return told.length === 0 ? [] : [`answer times (p50 / p95): ${told.join(', ')}`];
}
