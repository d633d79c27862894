/** What `inetgw metrics` says: each figure of the statistics, in base units, and each metric explained in the documents. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { CONDITIONS } from '../../../../src/conditions/table.ts';
import { exposition } from '../../../../src/core/exposition.ts';
import { parsePerHost } from '../../../../src/report/metrics/hosts.ts';
import { metricsOf, type DeviceReading, type DeviceReport } from '../../../../src/report/metrics/metrics.ts';
import type { Statistics } from '../../../../src/report/statistics/statistics.ts';
import { someStatistics } from '../someStatistics.ts';

const warning = { id: 'mtu-lowered', severity: 'warning', text: 'the MTU', remedy: 'set it up' } as const;
const inForce = (statistics: Statistics): DeviceReading => ({
  phase: 'active',
  conditions: statistics.conditions,
  statistics,
  isWhole: true,
});
const REPORTS: DeviceReport[] = [
  { device: 'ppp0', reading: inForce(someStatistics({ conditions: [warning] })) },
  { device: 'eth1', reading: inForce(someStatistics({ device: 'eth1', ingress: 'cake' })) },
  {
    device: 'eth2',
    reading: inForce(someStatistics({ device: 'eth2', options: { pacing: 'off' }, ingress: 'police' })),
  },
  { device: 'wan0', reading: { phase: 'changing', conditions: [], statistics: undefined, isWhole: false } },
  { device: 'wan1', reading: undefined },
];
const all = metricsOf(REPORTS, '1.2.3');
/** `{device="ppp0"}` and its value. */
const valuesOf = (name: string): Record<string, number> =>
  Object.fromEntries(
    all
      .filter((family) => family.name === `inetgw_${name}`)
      .flatMap(({ samples }) => samples.map(({ labels, value }) => [Object.values(labels).join(' '), value])),
  );

it('is to the letter what it was', async () => {
  await expect(exposition(all)).toMatchFileSnapshot('../../../golden/files/metrics.prom');
});

it('has rates in bytes per second, times in seconds', () => {
  expect(valuesOf('rate_bytes_per_second')).toMatchObject({ 'ppp0 up': 26_250, 'ppp0 down': 213_750 });
  expect(valuesOf('pacing_rtt_seconds')).toEqual({ ppp0: 0.0415 });
  expect(valuesOf('set_up_timestamp_seconds')['ppp0']).toBe(Date.UTC(2026, 10, 22, 8) / 1000);
});

it('has stages where there are any, and the queue of what comes in where one stands', () => {
  expect(Object.keys(valuesOf('ingress_stage_dropped_packets_total'))).toEqual([
    ...['ppp0 1', 'ppp0 2', 'ppp0 3', 'eth2 1', 'eth2 2', 'eth2 3'],
  ]);
  expect(valuesOf('ingress_queue_backlog_packets')).toEqual({ ppp0: 4, eth1: 5 });
});

it('has answer times as a histogram, by direction', () => {
  // 20 in the bucket from 20.48 to 24.576 ms.
  expect(valuesOf('answer_seconds')).toMatchObject({ 'ppp0 down 0.016384': 0, 'ppp0 down 0.024576': 20 });
  expect(valuesOf('answer_seconds')).toMatchObject({
    'ppp0 down +Inf': 20,
    'ppp0 down': 20,
    'ppp0 up +Inf': 10,
  });
  const text = exposition(all);
  expect(text).toContain('# TYPE inetgw_answer_seconds histogram\n');
  expect(text).toContain('inetgw_answer_seconds_sum{device="ppp0",direction="down"} 0.5\n');
});

it('tells each condition of the table with 0 or 1', () => {
  const found = valuesOf('condition');
  expect(Object.keys(found)).toHaveLength(4 * CONDITIONS.length);
  expect(Object.entries(found).filter(([, value]) => value === 1)).toEqual([['ppp0 mtu-lowered warning', 1]]);
});

it('tells what is not in force, and what could not be read, and nothing more of it', () => {
  expect(valuesOf('in_force')).toEqual({ ppp0: 1, eth1: 1, eth2: 1, wan0: 0 });
  expect(valuesOf('read_success')).toEqual({ ppp0: 1, eth1: 1, eth2: 1, wan0: 1, wan1: 0 });
  expect(valuesOf('record_phase')).toMatchObject({ 'wan0 changing': 1 });
  const mentioned = all.filter(({ samples }) => samples.some(({ labels }) => labels['device'] === 'wan1'));
  expect(mentioned.map(({ name }) => name)).toEqual(['inetgw_read_success']);
});

it('leaves out what cannot be read here: no rules, no map of the program', () => {
  const { pacing, firewall, ...rest } = someStatistics();
  if (pacing === undefined) throw new Error('it is paced');
  const blind = {
    ...rest,
    pacing: { ...pacing, activeFlows: null, windowBytes: null, rttMs: null },
    firewall: { ...firewall, present: false },
  };
  const names = metricsOf([{ device: 'ppp0', reading: inForce(blind) }], '1')
    .filter(({ samples }) => samples.length > 0)
    .map(({ name }) => name);
  expect(names).toContain('inetgw_pacing_lowered_windows_total');
  expect(names).not.toContain('inetgw_pacing_active_flows');
  expect(names).not.toContain('inetgw_marked_packets_total');
});

describe('series of hosts, for whoever asks for them', () => {
  const of = (reports: readonly DeviceReport[], perHost: number): Record<string, number> =>
    Object.fromEntries(
      metricsOf(reports, '1', perHost)
        .filter(({ name }) => name.startsWith('inetgw_host'))
        .flatMap(({ name, samples }) =>
          samples.map(({ labels, value, suffix = '' }) => [
            [name.slice('inetgw_'.length) + suffix, ...Object.values(labels)].join(' '),
            value,
          ]),
        ),
    );
  const names = new Map([['192.168.1.20', 'laptop']]);
  const some = { device: 'ppp0', reading: inForce(someStatistics()), names };
  const [first, second] = (some.reading.statistics?.pacing?.hosts ?? []).map(({ number }) => number);

  it('has none unless they are asked for', () => {
    expect(of([some], 0)).toEqual({});
  });

  it('has those of the hosts that took most, and how many hosts there are', () => {
    expect(of([some], 1)).toEqual({
      'hosts ppp0': 2,
      [`host_info ppp0 ${first} 192.168.1.20 laptop`]: 1,
      [`host_received_bytes_total ppp0 ${first}`]: 300_000,
      [`host_sent_bytes_total ppp0 ${first}`]: 4000,
      [`host_connections ppp0 ${first}`]: 2,
      [`host_active_connections ppp0 ${first}`]: 1,
      [`host_answer_seconds_sum ppp0 ${first}`]: 0.75,
      [`host_answer_seconds_count ppp0 ${first}`]: 30,
    });
    expect(of([some], 2)).toMatchObject({ [`host_received_bytes_total ppp0 ${second}`]: 20_000 });
  });

  it('has no more than are asked for, whoever comes', () => {
    const { pacing, ...rest } = someStatistics();
    const host = pacing?.hosts?.[0];
    if (pacing === undefined || host === undefined) throw new Error('it has hosts');
    const hosts = Array.from({ length: 4096 }, (_, number) => ({ ...host, number }));
    const series = of([{ device: 'ppp0', reading: inForce({ ...rest, pacing: { ...pacing, hosts } }) }], 100);
    expect(Object.keys(series)).toHaveLength(1 + 100 * 7);
    expect(series['hosts ppp0']).toBe(4096);
  });

  it('a counter goes on from where it was when a host leaves the first and comes again', () => {
    const { pacing, ...rest } = someStatistics();
    const [busy, other] = pacing?.hosts ?? [];
    if (pacing === undefined || busy === undefined || other === undefined) throw new Error('it has hosts');
    const read = (received: readonly [number, number]): Record<string, number> => {
      const hosts = [
        { ...busy, receivedBytes: received[0] },
        { ...other, receivedBytes: received[1] },
      ].toSorted((one, two) => two.receivedBytes - one.receivedBytes);
      return of([{ device: 'ppp0', reading: inForce({ ...rest, pacing: { ...pacing, hosts } }) }], 1);
    };
    const name = `host_received_bytes_total ppp0 ${busy.number}`;
    expect([read([5e5, 1e5]), read([5e5, 6e5]), read([7e5, 6e5])].map((each) => each[name])).toEqual([
      5e5,
      undefined,
      7e5,
    ]);
  });

  it.each(['0', '101', '-1', '1.5', '', 'all', '1e1'])('--per-host %j is refused', (word) => {
    expect(() => parsePerHost(word)).toThrow('--per-host takes a number of hosts from 1 to 100');
  });
});

describe('docs/monitoring.md', async () => {
  const page = await readFile(new URL('../../../../docs/monitoring.md', import.meta.url), 'utf8');
  // The role for Ansible has variables of such names, in another section.
  const [, section = ''] = page.split('\n## The metrics\n');
  const explained = [...section.matchAll(/^\| `(inetgw_\w+)`/gm)].map(([, name]) => name);
  it('explains each metric, and none that there is not', () => {
    expect(explained.toSorted()).toEqual(all.map(({ name }) => name).toSorted());
  });
});
