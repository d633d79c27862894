/** Metrics for Prometheus (text format 0.0.4). Names end in their unit; counters in `_total`. */
import { exposition, type MetricFamily, type Sample } from '../../core/exposition.ts';
import { VERSION } from '../../core/version.ts';
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

function renderMetrics(stats: RelaySummary, held: Held): string {
  const families: MetricFamily[] = [];
  const metric = (
    name: string,
    type: MetricFamily['type'],
    help: string,
    values: readonly (readonly [Sample['labels'], number])[],
  ): void => {
    const samples = values.map(([labels, value]) => ({ labels, value }));
    families.push({ name: `iprelay_${name}`, type, help, samples });
  };
  metric('info', 'gauge', 'The version.', [[{ version: stats.version }, 1]]);
  metric('uptime_seconds', 'gauge', 'Since the start.', [[{}, stats.upSec]]);
  metric('connections', 'gauge', 'Open connections.', [[{}, held.connections]]);
  metric('connections_total', 'counter', 'Accepted connections.', [[{}, stats.totalConnections]]);
  metric('connect_failures_total', 'counter', 'Servers not reached.', [[{}, stats.failedConnects]]);
  metric(
    'refused_total',
    'counter',
    'Clients refused by the access list, the limit on connections or their PROXY header.',
    [[{}, stats.refused]],
  );
  metric('bytes_total', 'counter', 'Bytes forwarded; up is client to server.', [
    [{ direction: 'up' }, stats.out.bytes],
    [{ direction: 'down' }, stats.in.bytes],
  ]);
  metric(
    'limit_bytes_per_second',
    'gauge',
    'The limit of the process; missing without one.',
    (['up', 'down'] as const).flatMap((direction) => {
      const limit = stats.limit[direction];
      return limit === null ? [] : [[{ direction }, limit] as const];
    }),
  );
  metric(
    'forwarder_connections',
    'gauge',
    'Open connections of each forwarder.',
    stats.forwarders.map((each) => [labels(each), each.openConnections]),
  );
  metric(
    'forwarder_connections_total',
    'counter',
    'Accepted connections of each forwarder.',
    stats.forwarders.map((each) => [labels(each), each.totalConnections]),
  );
  metric(
    'forwarder_bytes_total',
    'counter',
    'Bytes forwarded by each forwarder; up is client to server.',
    stats.forwarders.flatMap((each) =>
      (['up', 'down'] as const).map((direction) => [
        { ...labels(each), direction },
        direction === 'up' ? each.outBytes : each.inBytes,
      ]),
    ),
  );
  metric(
    'client_connections',
    'gauge',
    'Open connections of each client; at most 100 are named.',
    stats.clients.map((each) => [{ client: each.client }, each.openConnections]),
  );
  metric(
    'client_bytes_total',
    'counter',
    'Bytes forwarded for each client; up is client to server.',
    stats.clients.flatMap((each) =>
      (['up', 'down'] as const).map((direction) => [
        { client: each.client, direction },
        direction === 'up' ? each.outBytes : each.inBytes,
      ]),
    ),
  );
  metric('buffered_bytes', 'gauge', 'Bytes held in this process.', [[{}, held.bufferedBytes]]);
  metric('resident_memory_bytes', 'gauge', 'Memory of this process.', [[{}, held.memoryBytes]]);
  return exposition(families);
}
