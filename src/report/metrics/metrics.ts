/** What `inetgw metrics` tells, from the readings of `inetgw DEV`. docs/monitoring.md explains each. Pure. */
import type { FoundCondition, RecordReading } from '../../conditions/condition.ts';
import { CONDITIONS } from '../../conditions/table.ts';
import type { MetricFamily, Sample } from '../../core/exposition.ts';
import type { HostNames } from '../../core/hostNames.ts';
import { ANSWER_KINDS, ANSWERS_SHORT, bucketMostMs } from '../../plan/pacing/accounts.ts';
import type { AnswerStatistics } from '../statistics/answers.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { HOST_SERIES, hostSamples } from './hosts.ts';

/** A device and what was read of it. */
export interface DeviceReport {
  device: string;
  /** Undefined: it could not be read. */
  reading: DeviceReading | undefined;
  /** Of its hosts; undefined: none are known. */
  names?: HostNames | undefined;
}

export interface DeviceReading {
  /** Undefined: there is no record, or none that can be read. */
  phase: RecordReading['phase'] | undefined;
  conditions: readonly FoundCondition[];
  /** Undefined: nothing is in force. */
  statistics: Statistics | undefined;
  /** All that was set is in force. */
  isWhole: boolean;
}

interface Definition {
  name: string;
  type: MetricFamily['type'];
  help: string;
}

/** Of what was read of any device. */
interface ReadingDefinition extends Definition {
  of: (reading: DeviceReading) => readonly Sample[];
}

/** Of a device on which something is in force. */
interface StatisticsDefinition extends Definition {
  of: (statistics: Statistics) => readonly Sample[];
}

const one = (value: number, labels: Sample['labels'] = {}): Sample[] => [{ labels, value }];
const bit = (is: boolean): number => (is ? 1 : 0);
const BITS_PER_BYTE = 8;

const OF_READING: readonly ReadingDefinition[] = [
  {
    name: 'in_force',
    type: 'gauge',
    help: 'Whether all that was set is in force (1) or not (0).',
    of: ({ isWhole }) => one(bit(isWhole)),
  },
  {
    name: 'record_phase',
    type: 'gauge',
    help: 'What the record says of the device: the phase it is in has 1, others no series.',
    of: ({ phase }) => (phase === undefined ? [] : one(1, { phase })),
  },
  {
    name: 'condition',
    type: 'gauge',
    help: 'Whether a condition of docs/conditions.md is the case (1) or not (0).',
    of: ({ conditions }) =>
      CONDITIONS.map(({ id, severity }) => ({
        labels: { code: id, severity },
        value: bit(conditions.some((found) => found.id === id)),
      })),
  },
];

const perClass =
  (value: (row: Statistics['egress'][number]) => number) =>
  ({ egress }: Statistics): Sample[] =>
    egress.map((row) => ({ labels: { class: row.class }, value: value(row) }));

const SETTINGS: readonly StatisticsDefinition[] = [
  {
    name: 'device_info',
    type: 'gauge',
    help: 'How the device is set up; always 1.',
    of: ({ link, framing, ingress, pacing, firewall }) =>
      one(1, {
        kind: link.kind,
        framing: framing.name,
        link_layer: framing.linkLayer,
        ingress: ingress.how,
        pacing: pacing === undefined ? 'off' : 'bpf',
        firewall: firewall.backend,
      }),
  },
  {
    name: 'set_up_timestamp_seconds',
    type: 'gauge',
    help: 'When the settings in force were made; counters begin at 0 where queues were made anew.',
    of: ({ since }) => {
      const ms = Date.parse(since);
      return Number.isNaN(ms) ? [] : one(ms / 1000);
    },
  },
  {
    name: 'rate_bytes_per_second',
    type: 'gauge',
    help: 'Raw rate that was set.',
    of: ({ upBitPerSec, downBitPerSec }) => [
      ...one(upBitPerSec / BITS_PER_BYTE, { direction: 'up' }),
      ...one(downBitPerSec / BITS_PER_BYTE, { direction: 'down' }),
    ],
  },
  {
    name: 'overhead_bytes',
    type: 'gauge',
    help: 'What the framing adds to an IP packet.',
    of: ({ framing }) => one(framing.overheadBytes),
  },
  {
    name: 'mtu_bytes',
    type: 'gauge',
    help: 'The MTU that the settings reckon with.',
    of: ({ link }) => one(link.mtuBytes),
  },
];

const EGRESS: readonly StatisticsDefinition[] = [
  {
    name: 'class_guaranteed_bytes_per_second',
    type: 'gauge',
    help: 'What the class gets when all classes want everything.',
    of: perClass(({ guaranteedBitPerSec }) => guaranteedBitPerSec / BITS_PER_BYTE),
  },
  {
    name: 'class_sent_bytes_total',
    type: 'counter',
    help: 'Bytes sent as the line sees them, framing included.',
    of: perClass(({ sentBytes }) => sentBytes),
  },
  {
    name: 'class_sent_packets_total',
    type: 'counter',
    help: 'Packets sent.',
    of: perClass(({ sentPackets }) => sentPackets),
  },
  {
    name: 'class_dropped_packets_total',
    type: 'counter',
    help: 'Packets dropped by the queue of the class.',
    of: perClass(({ droppedPackets }) => droppedPackets),
  },
  {
    name: 'class_backlog_bytes',
    type: 'gauge',
    help: 'Bytes that wait now.',
    of: perClass(({ backlogBytes }) => backlogBytes),
  },
  {
    name: 'class_backlog_packets',
    type: 'gauge',
    help: 'Packets that wait now.',
    of: perClass(({ backlogPackets }) => backlogPackets),
  },
];

/** The queue on the ifb: the one that shapes, or the local one of window pacing. */
const queueOf = ({ ingress, pacing }: Statistics): { [K in QueueValue]: number } | undefined =>
  ingress.queue ?? pacing?.queue;
type QueueValue = 'sentPackets' | 'droppedPackets' | 'backlogBytes' | 'backlogPackets';
const ofQueue =
  (value: QueueValue) =>
  (statistics: Statistics): Sample[] => {
    const queue = queueOf(statistics);
    return queue === undefined ? [] : one(queue[value]);
  };
/** Nothing where a queue shapes instead. */
const perStage =
  (value: (row: Statistics['ingress']['stages'][number]) => number) =>
  ({ ingress }: Statistics): Sample[] =>
    ingress.queue === undefined
      ? ingress.stages.map((row) => ({ labels: { stage: row.stage }, value: value(row) }))
      : [];

const INGRESS: readonly StatisticsDefinition[] = [
  {
    name: 'ingress_received_bytes_total',
    type: 'counter',
    help: 'IP bytes that came in, without framing.',
    of: ({ ingress }) => one(ingress.seenBytes),
  },
  {
    name: 'ingress_received_packets_total',
    type: 'counter',
    help: 'Packets that came in.',
    of: ({ ingress }) => one(ingress.seenPackets),
  },
  {
    name: 'ingress_passed_bytes_total',
    type: 'counter',
    help: 'Bytes that the queue of what comes in has passed, as the line sees them, framing included.',
    of: ({ ingress }) => (ingress.passedBytes === undefined ? [] : one(ingress.passedBytes)),
  },
  {
    name: 'ingress_reserve_packets_total',
    type: 'counter',
    help: 'Small packets that passed in the 1 % kept for them.',
    of: ({ ingress }) => (ingress.queue === undefined ? one(ingress.reservePackets) : []),
  },
  {
    name: 'ingress_stage_seen_packets_total',
    type: 'counter',
    help: 'Packets that came to the stage: 1 above 98 %, 2 above 99 %, 3 above 100 %.',
    of: perStage(({ seenPackets }) => seenPackets),
  },
  {
    name: 'ingress_stage_excess_packets_total',
    type: 'counter',
    help: 'Packets beyond the share of the stage.',
    of: perStage(({ excessPackets }) => excessPackets),
  },
  {
    name: 'ingress_stage_dropped_packets_total',
    type: 'counter',
    help: 'Packets dropped by the stage; stage 1 marks and drops none.',
    of: perStage(({ droppedPackets }) => droppedPackets),
  },
  {
    name: 'ingress_queue_sent_packets_total',
    type: 'counter',
    help: 'Packets that the queue of what comes in has passed.',
    of: ofQueue('sentPackets'),
  },
  {
    name: 'ingress_queue_dropped_packets_total',
    type: 'counter',
    help: 'Packets that the queue of what comes in has dropped.',
    of: ofQueue('droppedPackets'),
  },
  {
    name: 'ingress_queue_backlog_bytes',
    type: 'gauge',
    help: 'Bytes that wait in the queue of what comes in.',
    of: ofQueue('backlogBytes'),
  },
  {
    name: 'ingress_queue_backlog_packets',
    type: 'gauge',
    help: 'Packets that wait in the queue of what comes in.',
    of: ofQueue('backlogPackets'),
  },
];

const FIREWALL: readonly StatisticsDefinition[] = [
  {
    name: 'firewall_present',
    type: 'gauge',
    help: 'Whether the firewall rules are there, all of them (1) or not (0).',
    of: ({ firewall }) => one(bit(firewall.present)),
  },
  {
    name: 'marked_packets_total',
    type: 'counter',
    help: 'Packets with the mark of stage 1 that reached the firewall rules.',
    of: ({ firewall }) => (firewall.present ? one(firewall.markedPackets) : []),
  },
  {
    name: 'large_download_dropped_packets_total',
    type: 'counter',
    help: 'Packets dropped by the rule for large downloads.',
    of: ({ firewall }) => (firewall.present ? one(firewall.largeDownloadDroppedPackets) : []),
  },
  {
    name: 'large_download_dropped_bytes_total',
    type: 'counter',
    help: 'Bytes dropped by the rule for large downloads.',
    of: ({ firewall }) => (firewall.present ? one(firewall.largeDownloadDroppedBytes) : []),
  },
];

type Limit = NonNullable<Statistics['limits']>[number];
const perLimit =
  (value: (row: Limit) => number) =>
  ({ limits = [] }: Statistics): Sample[] =>
    limits.map((row) => ({ labels: { limit: row.name, direction: row.direction }, value: value(row) }));
/** Nothing where the rules are gone: a counter that falls to 0 looks like one that was made anew. */
const countedByLimit =
  (value: (row: Limit) => number) =>
  (statistics: Statistics): Sample[] =>
    statistics.firewall.present ? perLimit(value)(statistics) : [];

const LIMITS: readonly StatisticsDefinition[] = [
  {
    name: 'limit_bytes_per_second',
    type: 'gauge',
    help: 'What a host or network has at most, in IP bytes.',
    of: perLimit(({ limitBitPerSec }) => limitBitPerSec / BITS_PER_BYTE),
  },
  {
    name: 'limit_passed_bytes_total',
    type: 'counter',
    help: 'IP bytes that the limit let pass.',
    of: countedByLimit(({ passedBytes }) => passedBytes),
  },
  {
    name: 'limit_passed_packets_total',
    type: 'counter',
    help: 'Packets that the limit let pass.',
    of: countedByLimit(({ passedPackets }) => passedPackets),
  },
  {
    name: 'limit_dropped_bytes_total',
    type: 'counter',
    help: 'IP bytes that were above the limit.',
    of: countedByLimit(({ droppedBytes }) => droppedBytes),
  },
  {
    name: 'limit_dropped_packets_total',
    type: 'counter',
    help: 'Packets that were above the limit.',
    of: countedByLimit(({ droppedPackets }) => droppedPackets),
  },
];

type Pacing = NonNullable<Statistics['pacing']>;
const ofPacing =
  (value: (pacing: Pacing) => number | null) =>
  ({ pacing }: Statistics): Sample[] => {
    const read = pacing === undefined ? null : value(pacing);
    return read === null ? [] : one(read);
  };

/** Zero stands for none so far. */
const orNone = (value: number | null): number | null => (value === 0 ? null : value);

const PACING: readonly StatisticsDefinition[] = [
  {
    name: 'pacing_lowered_windows_total',
    type: 'counter',
    help: 'Outgoing segments whose window was lowered.',
    of: ofPacing(({ rewrittenPackets }) => rewrittenPackets),
  },
  {
    name: 'pacing_spared_packets_total',
    type: 'counter',
    help: 'Packets above the stages that were not dropped, since windows bound them.',
    of: ofPacing(({ beyondStagesPackets }) => beyondStagesPackets),
  },
  {
    name: 'pacing_slowing_packets_total',
    type: 'counter',
    help: 'Packets of QUIC and other UDP that were lost so that their senders slow down.',
    of: ofPacing(({ slowingPackets }) => slowingPackets),
  },
  {
    name: 'pacing_active_flows',
    type: 'gauge',
    help: 'Flows that are paced now; one that takes less than its share counts for less.',
    of: ofPacing(({ activeFlows }) => activeFlows),
  },
  {
    name: 'pacing_window_bytes',
    type: 'gauge',
    help: 'The receive window that was written last.',
    of: ofPacing(({ windowBytes }) => orNone(windowBytes)),
  },
  {
    name: 'pacing_rtt_seconds',
    type: 'gauge',
    help: 'Least round trip of late of the flow whose window was written last.',
    of: ofPacing(({ rttMs }) => orNone(rttMs === null ? null : rttMs / 1000)),
  },
];

/** Every second of the program's buckets from 2 ms to 2.1 s: none of them has to be divided, and rates of them stay few. */
const ANSWER_BOUNDS_MS = Array.from({ length: 21 }, (_, n) => bucketMostMs(8 + 2 * n));

function histogram({ count, sumMs, buckets }: AnswerStatistics, labels: Sample['labels']): Sample[] {
  const upTo = (boundMs: number): number =>
    buckets.reduce(
      (sum, each) => (each.mostMs !== null && each.mostMs <= boundMs ? sum + each.count : sum),
      0,
    );
  return [
    ...ANSWER_BOUNDS_MS.map((ms): Sample => ({
      suffix: '_bucket',
      labels: { ...labels, le: ms / 1000 },
      value: upTo(ms),
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sumMs / 1000 },
    { suffix: '_count', labels, value: count },
  ];
}

const ANSWERS: readonly StatisticsDefinition[] = [
  {
    name: 'answer_seconds',
    type: 'histogram',
    help: 'Round trips of TCP beyond the gateway, by what they answer.',
    of: ({ pacing }) => {
      const answers = pacing?.answers ?? null;
      if (answers === null) return [];
      return ANSWER_KINDS.flatMap((kind) => histogram(answers[kind], { direction: ANSWERS_SHORT[kind] }));
    },
  },
];

const OF_STATISTICS = [...SETTINGS, ...EGRESS, ...INGRESS, ...FIREWALL, ...LIMITS, ...PACING, ...ANSWERS];

const HOSTS: Definition = {
  name: 'hosts',
  type: 'gauge',
  help: 'Hosts that have connections or had answers, also those without series of their own.',
};
/** Null: they cannot be told apart, or cannot be read. */
const hostsOf = ({ reading }: DeviceReport): Pacing['hosts'] => reading?.statistics?.pacing?.hosts ?? null;

/**
 * Every series has the label `device`; the number of series per device does not depend on flows.
 * @param perHost so many hosts have series of their own
 */
export function metricsOf(reports: readonly DeviceReport[], version: string, perHost = 0): MetricFamily[] {
  const family = (definition: Definition, of: (report: DeviceReport) => readonly Sample[]): MetricFamily => ({
    name: `inetgw_${definition.name}`,
    type: definition.type,
    help: definition.help,
    samples: reports.flatMap((report) =>
      of(report).map(({ labels, ...rest }) => ({ labels: { device: report.device, ...labels }, ...rest })),
    ),
  });
  return [
    {
      name: 'inetgw_info',
      type: 'gauge',
      help: 'The version; always 1.',
      samples: [{ labels: { version }, value: 1 }],
    },
    family(
      { name: 'read_success', type: 'gauge', help: 'Whether the device could be read (1) or not (0).' },
      ({ reading }) => one(bit(reading !== undefined)),
    ),
    ...OF_READING.map((each) =>
      family(each, ({ reading }) => (reading === undefined ? [] : each.of(reading))),
    ),
    ...OF_STATISTICS.map((each) =>
      family(each, ({ reading }) => (reading?.statistics === undefined ? [] : each.of(reading.statistics))),
    ),
    family(HOSTS, (report) => {
      const hosts = perHost === 0 ? null : hostsOf(report);
      return hosts === null ? [] : one(hosts.length);
    }),
    ...HOST_SERIES.map((each) =>
      family(each, (report) =>
        hostSamples(each, hostsOf(report) ?? [], perHost, report.names ?? new Map<string, string>()),
      ),
    ),
  ];
}
