/** What `inetgw DEV` tells: the readings as one documented structure, and as text for a person. Pure. */
import type { RuleCounters } from '../firewall/counters.ts';
import { CLASS_IDS, EGRESS_CLASSES, type EgressClass } from '../shaper/egress.ts';
import { describeFraming, type Framing } from '../shaper/framing.ts';
import { actionIndex, type ActionName } from '../shaper/ingress.ts';
import type { Plan } from '../shaper/plan.ts';
import type { Counters, QueueCounters } from '../tc/statistics.ts';
import { formatRate, formatSize } from '../units.ts';
import { pacingLines, pacingStatistics, type PacingReadings, type PacingStatistics } from './pacing.ts';
import { table } from './table.ts';

/** The structure of `inetgw DEV --json`. Rates in bit/s, counts since `since`. */
export interface Statistics {
  device: string;
  /** ISO 8601: when the settings in force were made. */
  since: string;
  link: { kind: string; mtuBytes: number };
  framing: Framing;
  upBitPerSec: number;
  downBitPerSec: number;
  egress: EgressStatistics[];
  ingress: IngressStatistics;
  firewall: FirewallStatistics;
  /** Absent: no window pacing. */
  pacing?: PacingStatistics;
  /** What is not as it should be. */
  warnings: string[];
}

export interface EgressStatistics {
  class: EgressClass;
  /** What the class gets when all classes want everything. */
  guaranteedBitPerSec: number;
  /** What it gets at most. */
  ceilBitPerSec: number;
  /** Bytes as the line sees them, framing included. */
  sentBytes: number;
  sentPackets: number;
  droppedPackets: number;
  backlogBytes: number;
  backlogPackets: number;
}

export interface IngressStatistics {
  /** Packets and IP bytes, without framing, that came in. */
  seenPackets: number;
  seenBytes: number;
  /** Small packets that passed in the last 1 %, which is kept for them. */
  reservePackets: number;
  stages: [StageStatistics, StageStatistics, StageStatistics];
}

export interface StageStatistics {
  /** 1: above 98 % marked. 2: above 99 % large packets dropped. 3: above 100 % dropped. */
  stage: 1 | 2 | 3;
  seenPackets: number;
  /** Beyond the stage's share: given on to the next one unless dropped. */
  excessPackets: number;
  droppedPackets: number;
}

export interface FirewallStatistics {
  backend: 'nft' | 'iptables' | 'none';
  /** False: somebody has taken the rules away. */
  present: boolean;
  /** Marked packets that reached the rules. */
  markedPackets: number;
  largeDownloadDroppedPackets: number;
  largeDownloadDroppedBytes: number;
  /** Packets and bytes per rule, by the rule's name. */
  rules: Record<string, { packets: number; bytes: number }>;
}

export interface Readings {
  qdiscs: ReadonlyMap<string, QueueCounters>;
  actions: ReadonlyMap<string, Counters>;
  /** Undefined: the rules are not there. */
  rules: RuleCounters | undefined;
  pacing?: PacingReadings | undefined;
}

export function statisticsOf(
  plan: Plan,
  since: string,
  readings: Readings,
  notices: readonly string[],
): Statistics {
  const firewall = firewallStatistics(plan, readings.rules);
  const warnings = [...notices];
  if (!firewall.present) warnings.push('the firewall rules were taken away by someone');
  if (warnings.length > 0) warnings.push(`to put it right, set it again: inetgw ${plan.device} UP DOWN`);
  return {
    device: plan.device,
    since,
    link: { kind: plan.link.kind, mtuBytes: plan.link.mtuBytes },
    framing: plan.framing,
    upBitPerSec: plan.upBitPerSec,
    downBitPerSec: plan.downBitPerSec,
    egress: EGRESS_CLASSES.map((name) => egressStatistics(plan, name, readings.qdiscs)),
    ingress: ingressStatistics(plan, readings.actions),
    firewall,
    ...(readings.pacing === undefined ? {} : { pacing: pacingStatistics(plan, readings.pacing) }),
    warnings,
  };
}

function egressStatistics(
  plan: Plan,
  name: EgressClass,
  qdiscs: ReadonlyMap<string, QueueCounters>,
): EgressStatistics {
  const classId = CLASS_IDS[name];
  const htbClass = plan.tc.find((object) => object.type === 'class' && object.classId === classId);
  const leaf = qdiscs.get(classId);
  return {
    class: name,
    guaranteedBitPerSec: htbClass?.type === 'class' ? htbClass.rateBitPerSec : 0,
    ceilBitPerSec: htbClass?.type === 'class' ? htbClass.ceilBitPerSec : 0,
    sentBytes: leaf?.bytes ?? 0,
    sentPackets: leaf?.packets ?? 0,
    droppedPackets: leaf?.dropped ?? 0,
    backlogBytes: leaf?.backlogBytes ?? 0,
    backlogPackets: leaf?.backlogPackets ?? 0,
  };
}

function ingressStatistics(plan: Plan, actions: ReadonlyMap<string, Counters>): IngressStatistics {
  const counters = (kind: 'police' | 'gact', name: ActionName): Counters =>
    actions.get(`${kind} ${actionIndex(plan.link.ifindex, name)}`) ?? NO_COUNTERS;
  const isSmall = counters('police', 'isSmall');
  const reserve = counters('police', 'reserve');
  const stage1 = counters('police', 'stage1');
  const stage2 = counters('police', 'stage2');
  const stage3 = counters('gact', 'dropAll');
  return {
    seenPackets: isSmall.packets,
    seenBytes: isSmall.bytes,
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

function firewallStatistics(plan: Plan, rules: RuleCounters | undefined): FirewallStatistics {
  const large = [...(rules ?? [])].filter(([name]) => name.startsWith('large-download-'));
  const sum = (pick: 'packets' | 'bytes'): number =>
    large.reduce((total, [, counter]) => total + counter[pick], 0);
  return {
    backend: plan.firewall?.backend ?? 'none',
    present: plan.firewall === undefined || rules !== undefined,
    markedPackets: sum('packets') + (rules?.get('mark-done')?.packets ?? 0),
    largeDownloadDroppedPackets: sum('packets'),
    largeDownloadDroppedBytes: sum('bytes'),
    rules: Object.fromEntries(rules ?? []),
  };
}

const STAGE_NAMES = {
  1: '1  above 98 %: marked',
  2: '2  above 99 %: large packets dropped',
  3: '3  above 100 %: dropped',
} as const;

/** The statistics for a person, without a final newline. */
export function statisticsText(statistics: Statistics): string {
  const { egress, ingress, firewall } = statistics;
  const count = (value: number): string => value.toLocaleString('en-US');
  return [
    `${statistics.device} (${statistics.link.kind}, mtu ${statistics.link.mtuBytes}): up ${formatRate(statistics.upBitPerSec)},` +
      ` down ${formatRate(statistics.downBitPerSec)}`,
    `framing: ${describeFraming(statistics.framing)}`,
    `since:   ${statistics.since}`,
    '',
    table(
      ['egress class', 'at least', 'at most', 'sent', 'packets', 'dropped', 'waiting'],
      egress.map((row) => [
        row.class,
        formatRate(row.guaranteedBitPerSec),
        formatRate(row.ceilBitPerSec),
        formatSize(row.sentBytes),
        count(row.sentPackets),
        count(row.droppedPackets),
        `${count(row.backlogPackets)} (${formatSize(row.backlogBytes)})`,
      ]),
    ),
    '',
    table(
      ['ingress stage', 'seen', 'excess', 'dropped'],
      ingress.stages.map((row) => [
        STAGE_NAMES[row.stage],
        count(row.seenPackets),
        count(row.excessPackets),
        row.stage === 1 ? '-' : count(row.droppedPackets),
      ]),
    ),
    `came in: ${count(ingress.seenPackets)} packets (${formatSize(ingress.seenBytes)}),` +
      ` of which ${count(ingress.reservePackets)} small ones passed in the 1 % kept for them`,
    '',
    `large downloads: ${count(firewall.largeDownloadDroppedPackets)} packets (${formatSize(firewall.largeDownloadDroppedBytes)})` +
      ` dropped of ${count(firewall.markedPackets)} marked; firewall rules: ${firewall.backend}`,
    ...(statistics.pacing === undefined ? [] : ['', ...pacingLines(statistics.pacing)]),
    ...statistics.warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}
