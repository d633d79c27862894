/** What `show stats`, `watch` and the metrics show: a picture of the relay at one moment. */
import type { Direction } from '../settings/direction.ts';
import { formatLocal } from '../forwarding/localTime.ts';
import type { Timed } from '../forwarding/timetable.ts';
import type { ClientCounts } from '../clients/clients.ts';
import type { Meter } from '../connection/meter.ts';
import type { Relay } from '../forwarding/relay.ts';
import type { ShareStatus } from '../share/sharedLimit.ts';
import { formatServer } from '../settings/spec.ts';
import { formatTime, formatTimed } from '../settings/times.ts';

/** Bytes per second. */
export interface Rates {
  readonly overall: number;
  readonly last5s: number;
  readonly lastMinute: number;
}

export interface TrafficStats {
  readonly bytes: number;
  readonly bytesPerSec: Rates;
}

export type BothLimits = Readonly<Record<Direction, number | null>>;

/** Limits that are others at times of the week. */
export interface TimesStatus {
  /** `process`, `forwarder 1`, `group web`. */
  readonly of: string;
  /** As they are typed. */
  readonly times: readonly string[];
  /** What holds now instead of what is set, as it is typed; null where nothing does. */
  readonly inForce: string | null;
  /** The moment of the next change, in UTC and on the wall clock of the relay; null where none comes. */
  readonly until: string | null;
  readonly untilLocal: string | null;
}

export interface ConnectionStats {
  readonly name: string;
  readonly forwarder: number;
  readonly client: string;
  readonly server: string;
  readonly state: string;
  readonly upSec: number;
  readonly idleSec: number;
  /** Server to client. */
  readonly in: TrafficStats;
  /** Client to server. */
  readonly out: TrafficStats;
  readonly bufferedBytes: number;
}

export interface RelayStats {
  /** Version of this structure. */
  readonly format: 1;
  readonly version: string;
  readonly pid: number;
  /** What SIGHUP reads again; null where there is none. */
  readonly configFile: string | null;
  readonly upSec: number;
  /** Those that are open, each by itself; how many they are is `openConnections` everywhere. */
  readonly connections: readonly ConnectionStats[];
  /** All since the start. */
  readonly totalConnections: number;
  readonly failedConnects: number;
  readonly refused: number;
  /** In force, bytes per second; null where there is none. */
  readonly limit: BothLimits;
  /** In force for each client. */
  readonly clientLimit: number | null;
  /** Those who have times with other limits. */
  readonly times: readonly TimesStatus[];
  /** Where the limit is shared with relays on other machines, else null. */
  readonly share: ShareStatus | null;
  readonly in: TrafficStats;
  readonly out: TrafficStats;
  readonly forwarders: readonly {
    readonly number: number;
    /** The first local port. */
    readonly listen: number;
    /** The last one; the same where it is no range. */
    readonly lastListen: number;
    readonly server: string;
    readonly openConnections: number;
    readonly totalConnections: number;
    /** Server to client. */
    readonly inBytes: number;
    readonly outBytes: number;
    /** In force for all of its connections, bytes per second. */
    readonly limitInForce: BothLimits;
  }[];
  readonly groups: readonly { readonly name: string; readonly limitInForce: BothLimits }[];
  /** Those that are counted by name, at most 100 (clients.ts), busiest first; then all others together, if there are any. */
  readonly clients: readonly ClientStats[];
}

export interface ClientStats {
  /** An IPv4 address, an IPv6 network (`2001:db8::/64`) or `other`. */
  readonly client: string;
  readonly openConnections: number;
  readonly totalConnections: number;
  /** Server to client. */
  readonly inBytes: number;
  readonly outBytes: number;
}

function clientStats({ clients }: Relay): ClientStats[] {
  const of = (client: string, counts: ClientCounts): ClientStats => ({
    client,
    openConnections: counts.openConnections,
    totalConnections: counts.totalConnections,
    inBytes: counts.bytes.down,
    outBytes: counts.bytes.up,
  });
  const named = [...clients.named].map(([name, counts]) => of(name, counts));
  const busiest = named.sort((a, b) => b.inBytes + b.outBytes - a.inBytes - a.outBytes);
  return clients.others.totalConnections > 0 ? [...busiest, of('other', clients.others)] : busiest;
}

/** Times of the process, of groups, of forwarders; only of those that have some. */
export function timesStatus(relay: Relay): TimesStatus[] {
  const forwarders = [...relay.forwarders.values()].sort((a, b) => a.number - b.number);
  const all: (readonly [string, Timed])[] = [
    ['process', relay.timed],
    ...[...relay.groups.all].map(([name, { timed }]) => [`group ${name}`, timed] as const),
    ...forwarders.map(({ number, timed }) => [`forwarder ${number}`, timed] as const),
  ];
  return all.flatMap(([of, { times, limits, untilMs }]) => {
    const inForce = formatTimed(limits);
    const until = untilMs === undefined ? null : new Date(untilMs).toISOString();
    const untilLocal = untilMs === undefined ? null : formatLocal(untilMs);
    const status = { of, times: times.map(formatTime), inForce: inForce === '' ? null : inForce };
    return times.length === 0 ? [] : [{ ...status, until, untilLocal }];
  });
}

const ofBoth = (limit: (direction: Direction) => number | undefined): BothLimits => ({
  up: limit('up') ?? null,
  down: limit('down') ?? null,
});

/** What concerns no single connection: cheap with thousands of them. */
export type RelaySummary = Omit<RelayStats, 'connections'>;

const round = (value: number): number => Math.round(value * 10) / 10;

function traffic(meter: Meter | undefined, startedMs: number, nowMs: number): TrafficStats {
  const ageMs = nowMs - startedMs;
  const bytes = meter?.totalBytes ?? 0;
  return {
    bytes,
    bytesPerSec: {
      // In the first second it counts as one: the original divided by zero.
      overall: round(bytes / Math.max(1, ageMs / 1000)),
      last5s: round(meter?.rate5s(nowMs, ageMs) ?? 0),
      lastMinute: round(meter?.rate1min(nowMs, ageMs) ?? 0),
    },
  };
}

/** Bytes held in this process for all connections. */
export function bufferedBytes(relay: Relay): number {
  let sum = 0;
  for (const { lanes } of relay.connections.values()) {
    if (lanes !== undefined) sum += lanes.up.bufferedBytes + lanes.down.bufferedBytes;
  }
  return sum;
}

/** Takes the picture. */
export function collectStats(relay: Relay, version: string): RelayStats {
  const nowMs = performance.now();
  const connections = [...relay.connections.values()].map((connection): ConnectionStats => {
    const { lanes, startedMs } = connection;
    return {
      name: connection.name,
      forwarder: connection.forwarder,
      client: connection.clientName,
      server: connection.serverName,
      state: connection.state,
      upSec: Math.floor((nowMs - startedMs) / 1000),
      idleSec: Math.floor((nowMs - connection.lastMovedMs) / 1000),
      in: traffic(lanes?.down.meter, startedMs, nowMs),
      out: traffic(lanes?.up.meter, startedMs, nowMs),
      bufferedBytes: (lanes?.up.bufferedBytes ?? 0) + (lanes?.down.bufferedBytes ?? 0),
    };
  });
  return { ...collectSummary(relay, version), connections };
}

/** How many connections of each forwarder are open. */
function openByForwarder(relay: Relay): ReadonlyMap<number, number> {
  const open = new Map<number, number>();
  for (const { forwarder } of relay.connections.values()) open.set(forwarder, (open.get(forwarder) ?? 0) + 1);
  return open;
}

export function collectSummary(relay: Relay, version: string): RelaySummary {
  const nowMs = performance.now();
  const open = openByForwarder(relay);
  return {
    format: 1,
    version,
    pid: process.pid,
    configFile: relay.configFile ?? null,
    upSec: Math.floor((nowMs - relay.startedMs) / 1000),
    totalConnections: relay.totalConnections,
    failedConnects: relay.failedConnects,
    refused: relay.refused,
    limit: ofBoth((direction) => relay.limit(direction)),
    clientLimit: relay.clientLimit ?? null,
    times: timesStatus(relay),
    share: relay.shared?.status ?? null,
    in: traffic(relay.meters.down, relay.startedMs, nowMs),
    out: traffic(relay.meters.up, relay.startedMs, nowMs),
    forwarders: [...relay.forwarders.values()].map((forwarder) => ({
      number: forwarder.number,
      listen: forwarder.spec.localPort,
      lastListen: forwarder.spec.lastLocalPort ?? forwarder.spec.localPort,
      server: formatServer(forwarder.spec),
      openConnections: open.get(forwarder.number) ?? 0,
      totalConnections: forwarder.totalConnections,
      inBytes: forwarder.bytes.down,
      outBytes: forwarder.bytes.up,
      limitInForce: ofBoth((direction) => forwarder.limit(direction)),
    })),
    groups: relay.groups.names.map((name) => ({
      name,
      limitInForce: ofBoth((direction) => relay.groups.limit(name, direction)),
    })),
    clients: clientStats(relay),
  };
}
