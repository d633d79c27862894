/** What came in, in the statistics: the stages, or the queue that shapes instead. Pure. */
import { actionIndex, type ActionName } from '../../plan/ingress/stages.ts';
import { hasStages, INGRESS_KINDS, type IngressKind } from '../../plan/input/ingressKinds.ts';
import type { FirewallBackend } from '../../plan/input/settings.ts';
import type { Plan } from '../../plan/plan.ts';
import { redirectIndex } from '../../plan/queues/queue.ts';
import type { Readings } from '../../plan/readings.ts';
import type { Counters } from '../../tc/statistics.ts';
import { counted, formatSize } from '../../core/units.ts';
import { table } from './table.ts';

/** The rules, all of which see what comes in but for those that class packets. */
export interface FirewallStatistics {
  backend: FirewallBackend | 'none';
  /** False: somebody has taken the rules away. */
  present: boolean;
  /** Marked packets that reached the rules. */
  markedPackets: number;
  largeDownloadDroppedPackets: number;
  largeDownloadDroppedBytes: number;
  /** Packets and bytes per rule, by the rule's name. */
  rules: Record<string, { packets: number; bytes: number }>;
}

export interface IngressStatistics {
  /** The stages, or the queue on an ifb that shapes instead. */
  how: IngressKind;
  /** Absent with `police`. What waits there and what it sent and dropped. */
  queue?: IngressQueueStatistics;
  /** Packets and IP bytes, without framing, that came in. */
  seenPackets: number;
  seenBytes: number;
  /** Bytes that passed, as the line sees them; absent where no queue stands on an ifb: nothing else counts framing. */
  passedBytes?: number;
  /** Small packets that passed in the last 1 %, which is kept for them. */
  reservePackets: number;
  /** All zero where a queue shapes instead. */
  stages: [StageStatistics, StageStatistics, StageStatistics];
}

export interface IngressQueueStatistics {
  /** The ifb. */
  device: string;
  sentPackets: number;
  droppedPackets: number;
  backlogBytes: number;
  backlogPackets: number;
}

export interface StageStatistics {
  /** 1: above 98 % marked. 2: above 99 % large packets dropped. 3: above 100 % dropped. */
  stage: 1 | 2 | 3;
  seenPackets: number;
  /** Beyond the stage's share: given on to the next one unless dropped. */
  excessPackets: number;
  droppedPackets: number;
}

export function ingressStatistics(plan: Plan, { actions, queue, pacing }: Readings): IngressStatistics {
  const counters = (kind: 'police' | 'gact', name: ActionName): Counters =>
    actions.get(`${kind} ${actionIndex(plan.link.ifindex, name)}`) ?? NO_COUNTERS;
  const isSmall = counters('police', 'isSmall');
  const reserve = counters('police', 'reserve');
  const stage1 = counters('police', 'stage1');
  const stage2 = counters('police', 'stage2');
  const stage3 = counters('gact', 'dropAll');
  const redirected = actions.get(`mirred ${redirectIndex(plan.link.ifindex)}`) ?? NO_COUNTERS;
  const seen = hasStages(plan.ingress) ? isSmall : redirected;
  const root = queue?.get('root');
  const passed = root ?? pacing?.queues.get('root');
  return {
    how: plan.ingress,
    ...(hasStages(plan.ingress) || plan.queueDevice === undefined
      ? {}
      : {
          queue: {
            device: plan.queueDevice,
            sentPackets: root?.packets ?? 0,
            droppedPackets: root?.dropped ?? 0,
            backlogBytes: root?.backlogBytes ?? 0,
            backlogPackets: root?.backlogPackets ?? 0,
          },
        }),
    seenPackets: seen.packets,
    seenBytes: seen.bytes,
    ...(passed === undefined ? {} : { passedBytes: passed.bytes }),
    reservePackets: reserve.packets - reserve.overlimits,
    stages: [
      { stage: 1, seenPackets: stage1.packets, excessPackets: stage1.overlimits, droppedPackets: 0 },
      {
        stage: 2,
        seenPackets: stage2.packets,
        excessPackets: stage2.overlimits,
        droppedPackets: counters('police', 'dropLarge').dropped,
      },
      {
        stage: 3,
        seenPackets: stage3.packets,
        excessPackets: stage3.packets,
        droppedPackets: stage3.dropped,
      },
    ],
  };
}

const NO_COUNTERS: Counters = { bytes: 0, packets: 0, dropped: 0, overlimits: 0 };

const STAGE_NAMES = {
  1: '1  above 98 %: marked',
  2: '2  above 99 %: large packets dropped',
  3: '3  above 100 %: dropped',
} as const;

/** For a person. */
export function ingressLines(ingress: IngressStatistics, firewall: FirewallStatistics): string[] {
  const count = (value: number): string => value.toLocaleString('en-US');
  const packets = (value: number): string => counted(count(value), 'packet');
  const cameIn = `came in: ${packets(ingress.seenPackets)} (${formatSize(ingress.seenBytes)})`;
  const { queue } = ingress;
  if (queue !== undefined) {
    return [
      `ingress: shaped by ${INGRESS_KINDS[ingress.how].text} on ${queue.device}; ${packets(queue.sentPackets)} sent on,` +
        ` ${count(queue.droppedPackets)} dropped, ${count(queue.backlogPackets)} (${formatSize(queue.backlogBytes)}) waiting`,
      cameIn,
      '',
      `firewall rules: ${firewall.backend}`,
    ];
  }
  return [
    table(
      ['ingress stage', 'seen', 'excess', 'dropped'],
      ingress.stages.map((row) => [
        STAGE_NAMES[row.stage],
        count(row.seenPackets),
        count(row.excessPackets),
        row.stage === 1 ? '-' : count(row.droppedPackets),
      ]),
    ),
    `${cameIn}, of which ${counted(count(ingress.reservePackets), 'small one')} passed in the 1 % kept for them`,
    '',
    `large downloads: ${packets(firewall.largeDownloadDroppedPackets)} (${formatSize(firewall.largeDownloadDroppedBytes)})` +
      ` dropped of ${count(firewall.markedPackets)} marked; firewall rules: ${firewall.backend}`,
  ];
}
