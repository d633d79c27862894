/**
 * Series of single hosts, for whoever asks for them, of so many hosts at most. There is none for the rest together: a host that
 * comes among the first or leaves them would make that sum jump, or fall, which Prometheus takes for a counter that began anew. Pure.
 */
import { usageError } from '../../core/errors.ts';
import type { MetricFamily, Sample } from '../../core/exposition.ts';
import { nameOf, type HostNames } from '../../core/hostNames.ts';
import type { HostStatistics } from '../statistics/hosts.ts';

/** Seven series each: as many as four devices have besides. */
const MOST_HOSTS = 100;

/** @throws UserError where `--per-host` says anything else than 1 to 100 */
export function parsePerHost(word: string): number {
  const hosts = /^\d{1,3}$/.test(word) ? Number(word) : 0;
  if (hosts >= 1 && hosts <= MOST_HOSTS) return hosts;
  throw usageError(
    `--per-host takes a number of hosts from 1 to ${MOST_HOSTS}, not '${word}'`,
    'for example: --per-host 20',
  );
}

interface HostDefinition {
  name: string;
  type: MetricFamily['type'];
  help: string;
  of: (host: HostStatistics, names: HostNames) => readonly Sample[];
}

/** Its number stays while its addresses come and go; host_info joins the two. */
const hostLabel = (number: number): string => (number < 0 ? 'unknown' : String(number));
const one = (value: number): Sample[] => [{ labels: {}, value }];

export const HOST_SERIES: readonly HostDefinition[] = [
  {
    name: 'host_info',
    type: 'gauge',
    help: 'The first address of the host, IPv4 where it has one, and its name where one is known; always 1.',
    of: ({ addresses }, names) => [
      { labels: { address: addresses[0] ?? '', name: nameOf(addresses, names) ?? '' }, value: 1 },
    ],
  },
  {
    name: 'host_received_bytes_total',
    type: 'counter',
    help: 'User data of TCP that the host received, what was sent again counted again.',
    of: ({ receivedBytes }) => one(receivedBytes),
  },
  {
    name: 'host_sent_bytes_total',
    type: 'counter',
    help: 'User data of TCP that the host sent, what was sent again counted again.',
    of: ({ sentBytes }) => one(sentBytes),
  },
  {
    name: 'host_connections',
    type: 'gauge',
    help: 'Connections of the host that are remembered.',
    of: ({ flows }) => one(flows),
  },
  {
    name: 'host_active_connections',
    type: 'gauge',
    help: 'Connections of the host that something went over within the last second or two.',
    of: ({ activeFlows }) => one(activeFlows),
  },
  {
    name: 'host_answer_seconds',
    type: 'summary',
    help: 'Round trips of TCP beyond the gateway, of the host: how many, and their sum.',
    of: ({ answers: { count, sumMs } }) => [
      { suffix: '_sum', labels: {}, value: sumMs / 1000 },
      { suffix: '_count', labels: {}, value: count },
    ],
  },
];

/** Of those that have taken most since the device was set up: the same at each reading, but for hosts that overtake others. */
export function hostSamples(
  { of }: HostDefinition,
  hosts: readonly HostStatistics[],
  most: number,
  names: HostNames,
): Sample[] {
  return hosts.slice(0, most).flatMap((host) =>
    of(host, names).map(({ labels, ...rest }) => ({
      labels: { host: hostLabel(host.number), ...labels },
      ...rest,
    })),
  );
}
