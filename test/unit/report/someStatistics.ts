/** Statistics of typical lines, made as `inetgw DEV` makes them, from counters that are told apart by their values. */
import type { FoundCondition } from '../../../src/conditions/condition.ts';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import type { ShaperOptions } from '../../../src/config/keys.ts';
import { actionIndex, type ActionName } from '../../../src/plan/ingress/stages.ts';
import type { IngressKind } from '../../../src/plan/input/ingressKinds.ts';
import { pacingActionIndex } from '../../../src/plan/pacing/pacing.ts';
import type { Answers, Connection } from '../../../src/plan/pacing/accounts.ts';
import { numberOf } from '../../../src/plan/pacing/addresses.ts';
import { makePlan } from '../../../src/plan/plan.ts';
import { redirectIndex } from '../../../src/plan/queues/queue.ts';
import type { Readings } from '../../../src/plan/readings.ts';
import { statisticsOf, type Statistics } from '../../../src/report/statistics/statistics.ts';
import type { Counters, QueueCounters } from '../../../src/tc/statistics.ts';

export interface Line {
  device?: string;
  up?: string;
  down?: string;
  options?: ShaperOptions;
  ingress?: IngressKind;
  conditions?: readonly FoundCondition[];
  /** Counters are so many times those at 1. */
  times?: number;
}

const IFINDEX = 7;
const SINCE = '2026-11-22T08:00:00.000Z';

/** With window pacing, unless the options or the kind say otherwise. */
export function someStatistics({
  device = 'ppp0',
  up = '210',
  down = '1710',
  options = {},
  ingress,
  conditions = [],
  times = 1,
}: Line = {}): Statistics {
  const { settings } = settingsFromArguments(device, up, down, options);
  const link = { device, ifindex: IFINDEX, kind: 'ppp', mtuBytes: 1492 } as const;
  const kernel = {
    leafQdisc: 'fq_codel',
    ...(ingress === undefined ? { pacingObjectFile: '/run/p.o' } : { ingress }),
  } as const;
  const plan = makePlan(settings, link, kernel, 'nft');
  const counters = (packets: number): Counters => ({
    packets: packets * times,
    bytes: packets * 500 * times,
    dropped: Math.floor(packets / 100) * times,
    overlimits: Math.floor(packets / 10) * times,
  });
  const queue = (packets: number, waiting: number): QueueCounters => ({
    ...counters(packets),
    backlogBytes: waiting * 1000,
    backlogPackets: waiting,
  });
  const police = (name: ActionName, packets: number): [string, Counters] => [
    `${name === 'dropAll' ? 'gact' : 'police'} ${actionIndex(IFINDEX, name)}`,
    counters(packets),
  ];
  const gact = (name: 'rewritten' | 'beyondStages' | 'slowing', packets: number): [string, Counters] => [
    `gact ${pacingActionIndex(IFINDEX, name)}`,
    counters(packets),
  ];
  const readings: Readings = {
    qdiscs: new Map([
      ['1:10', queue(1000, 0)],
      ['1:20', queue(2000, 3)],
      ['1:30', queue(3000, 12)],
    ]),
    actions: new Map([
      police('isSmall', 9000),
      police('reserve', 800),
      police('stage1', 8000),
      police('stage2', 700),
      police('dropLarge', 600),
      police('dropAll', 500),
      gact('beyondStages', 400),
      gact('slowing', 30),
      [`mirred ${redirectIndex(IFINDEX)}`, counters(9100)],
    ]),
    rules: new Map([
      ['large-download-443', { packets: 40 * times, bytes: 50_000 * times }],
      ['mark-done', { packets: 60 * times, bytes: 70_000 * times }],
    ]),
    pacing:
      plan.pacing === undefined
        ? undefined
        : {
            ...someHosts(times),
            queues: new Map([
              ['root', queue(5200, 4)],
              ['1:20', queue(5000, 4)],
            ]),
            actions: new Map([gact('rewritten', 2500)]),
            state: { activeFlows: 3.5, windowBytes: 12_000, rttMs: 41.5 },
          },
    queue:
      plan.pacing === undefined && plan.queueDevice !== undefined
        ? new Map([['root', queue(6000, 5)]])
        : undefined,
  };
  return statisticsOf(plan, SINCE, readings, conditions);
}

/** Two hosts behind NAT, of which one is known by its number. */
function someHosts(times: number): Pick<NonNullable<Readings['pacing']>, 'accounts' | 'addresses'> {
  const answers = (bucket: number, count: number): Answers => ({
    sumUs: count * 25_000 * times,
    counts: Array.from({ length: 58 }, (_, n) => (n === bucket ? count * times : 0)),
  });
  const known = '192.168.1.20';
  const flow = (host: number, localPort: number): Connection => ({
    ...{ localAddress: '203.0.113.2', localPort, remoteAddress: '198.51.100.9', remotePort: 443 },
    ...{ host, isActive: localPort % 2 === 0, isPaced: false },
  });
  const hosts = [
    [
      numberOf(known) ?? 0,
      { receivedBytes: 300_000 * times, sentBytes: 4000 * times, answers: answers(22, 30) },
    ],
    [7, { receivedBytes: 20_000 * times, sentBytes: 100_000 * times, answers: answers(27, 10) }],
  ] as const;
  return {
    accounts: {
      hosts: new Map(hosts),
      connections: hosts.flatMap(([host], n) => [flow(host, 40_000 + 3 * n), flow(host, 40_001 + 3 * n)]),
      line: { downloads: answers(22, 20), uploads: answers(27, 10), handshakes: answers(21, 10) },
    },
    addresses: { ipv4: [known], own: new Set(['203.0.113.2']), behindNat: () => undefined },
  };
}
