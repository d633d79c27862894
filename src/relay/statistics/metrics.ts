/** Metrics for Prometheus (text format 0.0.4). Names end in their unit; counters in `_total`. */
import { exposition, type MetricFamily, type Sample } from '../../core/exposition.ts';
import { VERSION } from '../../core/version.ts';
import { type Direction, DIRECTIONS } from '../settings/direction.ts';
import type { Relay } from '../forwarding/relay.ts';
import { formatPorts } from '../settings/spec.ts';
import { bufferedBytes, collectSummary, type RelaySummary } from './stats.ts';

export function metricsOf(relay: Relay): string {
  return renderMetrics(collectSummary(relay, VERSION), {
    connections: relay.connections.size,
    bufferedBytes: bufferedBytes(relay),
    memoryBytes: process.memoryUsage.rss(),
  });
}

const labels = ({ number, listen, lastListen }: RelaySummary['forwarders'][number]): Sample['labels'] => ({
  forwarder: number,
  port: formatPorts(listen, lastListen),
});

/** What the process holds at this moment. */
interface Held {
  readonly connections: number;
  readonly bufferedBytes: number;
  readonly memoryBytes: number;
}

type Values = readonly (readonly [Sample['labels'], number])[];

function family(name: string, type: MetricFamily['type'], help: string, values: Values): MetricFamily {
  const samples = values.map(([labels, value]) => ({ labels, value }));
  return { name: `iprelay_${name}`, type, help, samples };
}

const renderMetrics = (stats: RelaySummary, held: Held): string =>
  exposition([
    ...ofProcess(stats, held),
    ...ofShare(stats),
    ...ofForwarders(stats),
    ...ofClients(stats),
    family('buffered_bytes', 'gauge', 'Bytes held in this process.', [[{}, held.bufferedBytes]]),
    family('resident_memory_bytes', 'gauge', 'Memory of this process.', [[{}, held.memoryBytes]]),
  ]);

/** A sample for each direction that has a value. */
const ofDirections = (values: Readonly<Record<Direction, number | null>>): Values =>
  DIRECTIONS.flatMap((direction) => {
    const value = values[direction];
    return value === null ? [] : [[{ direction }, value] as const];
  });

function ofProcess(stats: RelaySummary, held: Held): MetricFamily[] {
  return [
    family('info', 'gauge', 'The version.', [[{ version: stats.version }, 1]]),
    family('uptime_seconds', 'gauge', 'Since the start.', [[{}, stats.upSec]]),
    family('connections', 'gauge', 'Open connections.', [[{}, held.connections]]),
    family('connections_total', 'counter', 'Accepted connections.', [[{}, stats.totalConnections]]),
    family('connect_failures_total', 'counter', 'Servers not reached.', [[{}, stats.failedConnects]]),
    family(
      'refused_total',
      'counter',
      'Clients refused by the access list, the limit on connections or their PROXY header.',
      [[{}, stats.refused]],
    ),
    family(
      'bytes_total',
      'counter',
      'Bytes forwarded; up is client to server.',
      ofDirections({ up: stats.out.bytes, down: stats.in.bytes }),
    ),
    family(
      'limit_bytes_per_second',
      'gauge',
      'The limit of the process in force; missing without one.',
      ofDirections(stats.limit),
    ),
    family(
      'client_limit_bytes_per_second',
      'gauge',
      'The limit of each client in force; missing without one.',
      stats.clientLimit === null ? [] : [[{}, stats.clientLimit]],
    ),
    family(
      'group_limit_bytes_per_second',
      'gauge',
      'The limit of each group in force; missing without one.',
      stats.groups.flatMap(({ name, limitInForce }) => labelled({ group: name }, limitInForce)),
    ),
  ];
}

/** Nothing where the limit is not shared. */
function ofShare({ share }: RelaySummary): MetricFamily[] {
  if (share === null) return [];
  return [
    family(
      'share_bytes_per_second',
      'gauge',
      'What this relay has of the limit that it shares.',
      ofDirections(share.share),
    ),
    family('share_relays', 'gauge', 'Relays that share the limit, as last heard.', [[{}, share.relays ?? 0]]),
    family('share_engine_answers', 'gauge', '1 while shares are told, 0 while each relay has its part.', [
      [{}, share.state === 'shared' ? 1 : 0],
    ]),
  ];
}

function ofForwarders({ forwarders }: RelaySummary): MetricFamily[] {
  return [
    family(
      'forwarder_connections',
      'gauge',
      'Open connections of each forwarder.',
      forwarders.map((each) => [labels(each), each.openConnections]),
    ),
    family(
      'forwarder_connections_total',
      'counter',
      'Accepted connections of each forwarder.',
      forwarders.map((each) => [labels(each), each.totalConnections]),
    ),
    family(
      'forwarder_bytes_total',
      'counter',
      'Bytes forwarded by each forwarder; up is client to server.',
      forwarders.flatMap((each) => bothWays(labels(each), each)),
    ),
    family(
      'forwarder_limit_bytes_per_second',
      'gauge',
      'The limit of each forwarder in force; missing without one.',
      forwarders.flatMap((each) => labelled(labels(each), each.limitInForce)),
    ),
  ];
}

function ofClients({ clients }: RelaySummary): MetricFamily[] {
  return [
    family(
      'client_connections',
      'gauge',
      'Open connections of each client; at most 100 are named.',
      clients.map((each) => [{ client: each.client }, each.openConnections]),
    ),
    family(
      'client_bytes_total',
      'counter',
      'Bytes forwarded for each client; up is client to server.',
      clients.flatMap((each) => bothWays({ client: each.client }, each)),
    ),
  ];
}

const bothWays = (
  of: Sample['labels'],
  { inBytes, outBytes }: { readonly inBytes: number; readonly outBytes: number },
): Values => labelled(of, { up: outBytes, down: inBytes });

const labelled = (of: Sample['labels'], values: Parameters<typeof ofDirections>[0]): Values =>
  ofDirections(values).map(([direction, value]) => [{ ...of, ...direction }, value]);
