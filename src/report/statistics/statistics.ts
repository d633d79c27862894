/** What `inetgw DEV` tells: the readings as one documented structure, and as text for a person. Pure. */
import type { RuleCounters } from '../../firewall/counters.ts';
import { EGRESS_CLASSES, EGRESS_CLASS_NAMES, type EgressClass } from '../../plan/queues/egressClasses.ts';
import { describeFraming, type Framing } from '../../plan/input/framing.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Readings } from '../../plan/readings.ts';
import type { FoundCondition } from '../../conditions/condition.ts';
import { conditionLine } from '../../conditions/table.ts';
import { fallbacks } from '../../plan/fallbacks.ts';
import type { QueueCounters } from '../../tc/statistics.ts';
import { formatRate, formatSize } from '../../core/units.ts';
import {
  ingressLines,
  ingressStatistics,
  type FirewallStatistics,
  type IngressStatistics,
} from './ingress.ts';
import { followingLines, type FollowingStatistics } from './following.ts';
import { limitLines, limitStatistics, type LimitStatistics } from './limits.ts';
import { pacingLines, pacingStatistics, type PacingStatistics } from './pacing.ts';
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
  /** Absent: the rates are fixed. */
  following?: FollowingStatistics;
  egress: EgressStatistics[];
  ingress: IngressStatistics;
  firewall: FirewallStatistics;
  /** Absent: no host or network has a limit. */
  limits?: LimitStatistics[];
  /** Absent: no window pacing. */
  pacing?: PacingStatistics;
  /** What stands in for something that the kernel lacks. */
  fallbacks: string[];
  /** What is not as it should be, and what to do about it: of `conditions`, those that are no notes. */
  warnings: string[];
  /** What is the case: see docs/conditions.md. */
  conditions: FoundCondition[];
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

export function statisticsOf(
  plan: Plan,
  since: string,
  readings: Readings,
  conditions: readonly FoundCondition[],
  followed?: Pick<FollowingStatistics, 'pid' | 'up' | 'down'>,
): Statistics {
  const firewall = firewallStatistics(plan, readings.rules);
  const limits = limitStatistics(plan, readings.rules);
  return {
    device: plan.device,
    since,
    link: { kind: plan.link.kind, mtuBytes: plan.link.mtuBytes },
    framing: plan.framing,
    upBitPerSec: plan.upBitPerSec,
    downBitPerSec: plan.downBitPerSec,
    ...(plan.follows === undefined
      ? {}
      : { following: { limits: plan.follows.limits, ...(followed ?? { pid: null }) } }),
    egress: EGRESS_CLASS_NAMES.map((name) => egressStatistics(plan, name, readings.qdiscs)),
    ingress: ingressStatistics(plan, readings),
    firewall,
    ...(limits.length === 0 ? {} : { limits }),
    ...(readings.pacing === undefined
      ? {}
      : { pacing: pacingStatistics(plan, readings.pacing, readings.actions) }),
    fallbacks: fallbacks(plan),
    warnings: conditions.flatMap(({ severity, text, remedy }) =>
      severity === 'note' ? [] : [`${text}; ${remedy}`],
    ),
    conditions: [...conditions],
  };
}

function egressStatistics(
  plan: Plan,
  name: EgressClass,
  qdiscs: ReadonlyMap<string, QueueCounters>,
): EgressStatistics {
  const classId = EGRESS_CLASSES[name].id;
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

function firewallStatistics(plan: Plan, rules: RuleCounters | undefined): FirewallStatistics {
  const large = [...(rules ?? [])].filter(([name]) => name.startsWith('large-download-'));
  const sum = (pick: 'packets' | 'bytes'): number =>
    large.reduce((total, [, counter]) => total + counter[pick], 0);
  const unmarked = [...(rules ?? [])].reduce(
    (total, [name, { packets }]) =>
      name === 'mark-done' || name.startsWith('tunnel-download-') ? total + packets : total,
    0,
  );
  return {
    backend: plan.firewall?.backend ?? 'none',
    present: plan.firewall === undefined || rules !== undefined,
    markedPackets: sum('packets') + unmarked,
    largeDownloadDroppedPackets: sum('packets'),
    largeDownloadDroppedBytes: sum('bytes'),
    rules: Object.fromEntries(rules ?? []),
  };
}

/** The statistics for a person, without a final newline. */
export function statisticsText(statistics: Statistics): string {
  const { egress, ingress, firewall } = statistics;
  const count = (value: number): string => value.toLocaleString('en-US');
  return [
    `${statistics.device} (${statistics.link.kind}, mtu ${statistics.link.mtuBytes}): up ${formatRate(statistics.upBitPerSec)},` +
      ` down ${formatRate(statistics.downBitPerSec)}`,
    `framing: ${describeFraming(statistics.framing)}`,
    `since:   ${statistics.since}`,
    ...(statistics.following === undefined ? [] : followingLines(statistics.following)),
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
    ...ingressLines(ingress, firewall),
    ...(statistics.limits === undefined ? [] : ['', ...limitLines(statistics.limits)]),
    ...(statistics.pacing === undefined ? [] : ['', ...pacingLines(statistics.pacing)]),
    ...statistics.conditions.map(
      (each) => `${each.severity === 'note' ? 'note' : 'warning'}: ${conditionLine(each)}`,
    ),
  ].join('\n');
}
