/** The Grafana dashboard of templates/grafana/: panels from a table of queries, which test/cli/metrics.test.ts asks a real Prometheus. */

interface Query {
  expr: string;
  legend: string;
}

interface Panel {
  title: string;
  kind: 'timeseries' | 'stat' | 'table';
  /** A unit of Grafana. */
  unit: 'percentunit' | 'Bps' | 'bytes' | 'pps' | 's' | 'none';
  /** Of the 24 columns of Grafana's grid. */
  width: 6 | 8 | 12 | 24;
  description: string;
  queries: readonly Query[];
}

/** Replaced by the dashboard's variables, and by the test. */
const CHOSEN = 'site=~"$site",instance=~"$instance",device=~"$device"';
const WINDOW = '$__rate_interval';
const BY = 'on (instance, device)';
const rate = (name: string): string => `rate(inetgw_${name}{${CHOSEN}}[${WINDOW}])`;
const gauge = (name: string, labels = ''): string => `inetgw_${name}{${CHOSEN}${labels}}`;
const of = (what: string): Query[] => [{ expr: what, legend: '{{device}} {{class}}' }];

const PANELS: readonly Panel[] = [
  {
    ...{ title: 'In force', kind: 'stat', unit: 'none', width: 6 },
    description: '1: all that was set is in force. 0: "inetgw DEV" says what is missing.',
    queries: [{ expr: gauge('in_force'), legend: '{{device}}' }],
  },
  {
    ...{ title: 'What is the case', kind: 'table', unit: 'none', width: 6 },
    description: 'docs/conditions.md explains each.',
    queries: [{ expr: `${gauge('condition')} > 0`, legend: '{{device}} {{code}}' }],
  },
  {
    ...{ title: 'Up, of the rate that was set', kind: 'timeseries', unit: 'percentunit', width: 6 },
    description: 'Framing included.',
    queries: [
      {
        expr: `sum by (instance, device) (${rate('class_sent_bytes_total')}) / ${BY} ${gauge('rate_bytes_per_second', ',direction="up"')}`,
        legend: '{{device}}',
      },
    ],
  },
  {
    ...{ title: 'Down, of the rate that was set', kind: 'timeseries', unit: 'percentunit', width: 6 },
    description:
      'Framing included where a queue counts it; with stages alone IP bytes, which come to less than 1.',
    queries: [
      {
        expr: `(${rate('ingress_passed_bytes_total')} or ${rate('ingress_received_bytes_total')}) / ${BY} ${gauge('rate_bytes_per_second', ',direction="down"')}`,
        legend: '{{device}}',
      },
    ],
  },
  {
    ...{ title: 'Sent by class', kind: 'timeseries', unit: 'Bps', width: 8 },
    description: 'Bytes as the line sees them.',
    queries: of(rate('class_sent_bytes_total')),
  },
  {
    ...{ title: 'Waiting by class', kind: 'timeseries', unit: 'bytes', width: 8 },
    description: 'What waits in each class.',
    queries: of(gauge('class_backlog_bytes')),
  },
  {
    ...{ title: 'Dropped by class', kind: 'timeseries', unit: 'pps', width: 8 },
    description: 'Packets dropped by the queue of each class.',
    queries: of(rate('class_dropped_packets_total')),
  },
  {
    ...{ title: 'Came in too fast', kind: 'timeseries', unit: 'pps', width: 8 },
    description: 'Beyond the share of each stage, and dropped by it. Nothing where a queue shapes.',
    queries: [
      { expr: rate('ingress_stage_excess_packets_total'), legend: '{{device}} stage {{stage}}: beyond' },
      { expr: rate('ingress_stage_dropped_packets_total'), legend: '{{device}} stage {{stage}}: dropped' },
    ],
  },
  {
    ...{ title: 'Waiting on the way in', kind: 'timeseries', unit: 'bytes', width: 8 },
    description: 'The local queue of window pacing, or the queue that shapes.',
    queries: [{ expr: gauge('ingress_queue_backlog_bytes'), legend: '{{device}}' }],
  },
  {
    ...{ title: 'Downloads that are paced', kind: 'timeseries', unit: 'none', width: 8 },
    description: 'One that takes less than its share counts for less.',
    queries: [{ expr: gauge('pacing_active_flows'), legend: '{{device}}' }],
  },
  {
    ...{ title: 'Path of the download paced last', kind: 'timeseries', unit: 's', width: 24 },
    description: 'Its least round trip of late, so without what queues add.',
    queries: [{ expr: gauge('pacing_rtt_seconds'), legend: '{{device}}' }],
  },
];

export const DASHBOARD_QUERIES: readonly string[] = PANELS.flatMap(({ queries }) =>
  queries.map(({ expr }) => expr),
);

const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const HEIGHT = 7;
const COLUMNS = 24;

/** Left to right, and on below when a row is full. */
function places(): { x: number; y: number; w: number; h: number }[] {
  let [x, y] = [0, 0];
  return PANELS.map(({ width: w }) => {
    if (x + w > COLUMNS) [x, y] = [0, y + HEIGHT];
    const place = { x, y, w, h: HEIGHT };
    x += w;
    return place;
  });
}

/** The values of a label, of what the variables before it have left. */
function variable(name: string, among = ''): object {
  const definition = `label_values(inetgw_in_force${among}, ${name})`;
  return {
    ...{ type: 'query', name, label: name, datasource: SOURCE, refresh: 2, sort: 1 },
    ...{ multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
    query: { query: definition, refId: name },
    definition,
  };
}

/** In the form of Grafana 10 and later (schema 39), which imports it. */
export function dashboard(): string {
  const at = places();
  const panels = PANELS.map(({ title, kind, unit, description, queries }, n) => ({
    ...{ id: n + 1, title, description, type: kind, datasource: SOURCE, gridPos: at[n] },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(({ expr, legend }, m) => ({
      ...{ refId: String.fromCharCode(65 + m), datasource: SOURCE, expr, legendFormat: legend },
      ...(kind === 'timeseries'
        ? { range: true }
        : { instant: true, format: kind === 'table' ? 'table' : 'time_series' }),
    })),
  }));
  const list = [
    { type: 'datasource', name: 'datasource', label: 'Prometheus', query: 'prometheus' },
    // A label that targets may have (templates/prometheus/gateways.yml); all of them where none has it.
    variable('site'),
    variable('instance', '{site=~"$site"}'),
    variable('device', '{site=~"$site",instance=~"$instance"}'),
  ];
  const head = {
    uid: 'inetgw',
    title: 'inetgw',
    tags: ['inetgw'],
    schemaVersion: 39,
    version: 1,
    editable: true,
  };
  const rest = { time: { from: 'now-1h', to: 'now' }, refresh: '30s', templating: { list }, panels };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}
