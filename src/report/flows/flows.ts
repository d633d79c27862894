/** Who talks to whom over a line, by protocol and port: connections that carried something between two looks. Pure. */
import { nameOf, type HostNames } from '../../core/hostNames.ts';
import type { Connection } from '../../plan/pacing/accounts.ts';
import { MOST_LOOKED_AT, type Grown } from './look.ts';
import type { TrackedConnection } from './messages.ts';

/** More are no table that anybody reads. */
export const MOST_FLOWS = 100;

export interface FlowEnd {
  /** Null: names are not asked for, or none is known. */
  name: string | null;
  address: string;
}

/** All connections of one host with one other, by one protocol to one port. Bytes are those of IP packets, headers included. */
export interface FlowFigures {
  /** `tcp`, `udp`, `icmp`, …; `ip 99` where it has no name here. */
  protocol: string;
  /** Of the end that was asked; null: the protocol has none. */
  port: number | null;
  openedBy: 'host' | 'remote';
  /** Behind NAT: as it is behind it. */
  host: FlowEnd;
  remote: FlowEnd;
  connections: number;
  /** Those of them whose window was lowered; null: it cannot be told. */
  pacedConnections: number | null;
  downBitPerSec: number;
  upBitPerSec: number;
  /** Since these connections began. */
  downBytes: number;
  upBytes: number;
}

/** The member `flows` of `inetgw watch --once --json`. */
export interface FlowsFigures {
  /** What rates are an average of; null: they cannot be told. */
  overMs: number | null;
  /** Connections of the machine, over whatever device; null: they cannot be read. */
  connections: number | null;
  /** Those of them that carried something. */
  activeConnections: number | null;
  /** Those of them whose packets nobody counts. */
  uncountedConnections: number | null;
  /** Who takes most comes first, at most 100; null: `reason` says why. */
  flows: FlowFigures[] | null;
  /** Flows that are not among these. */
  moreFlows: number;
  /** Null: all connections were looked at; else what was not, in words. */
  leftOut: string | null;
  /** Null: it can be told. */
  reason: string | null;
}

/** What tells which connections go over a line, and who is on which side. */
export interface LineFacts {
  device: string;
  /** The device's addresses, and all of the machine's. */
  own: ReadonlySet<string>;
  machine: ReadonlySet<string>;
  /** Whether an address is of a network that another device of the machine is on. */
  isNeighbour: (address: string) => boolean;
  /** By which device the kernel would send to an address; undefined: not known. */
  deviceTo: (address: string) => string | undefined;
  /** What window pacing remembers: connections of this line alone. Undefined: it cannot be told. */
  remembered: ReadonlyMap<string, Connection> | undefined;
}

/** So that one can be found as connection tracking has it. */
export const byTuple = (connections: readonly Connection[]): Map<string, Connection> =>
  new Map(connections.map((each) => [keyOf(each), each]));

type OnLine = Pick<Connection, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;
const keyOf = ({ localAddress, localPort, remoteAddress, remotePort }: OnLine): string =>
  `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;

/** IANA's number of TCP: the pacing program knows no other. */
const TCP = 6;

/** What window pacing remembers of a connection that was opened from that side. */
function rememberedOf(
  { protocol, opened, answered }: TrackedConnection,
  openedBy: 'host' | 'remote',
  { remembered }: LineFacts,
): Connection | undefined {
  if (protocol !== TCP || remembered === undefined) return undefined;
  // What comes in over the line: answers to the host, or what the remote side has opened it with.
  const { from, fromPort, to, toPort } = openedBy === 'host' ? answered : opened;
  return remembered.get(
    keyOf({ localAddress: to, localPort: toPort ?? 0, remoteAddress: from, remotePort: fromPort ?? 0 }),
  );
}

/**
 * Who opened a connection that goes over the line, seen from behind it; undefined: it does not go over it. Surest first: what the
 * program on the line has seen, whom NAT has given the line's address, where the kernel would send to.
 */
export function openedBy(connection: TrackedConnection, facts: LineFacts): 'host' | 'remote' | undefined {
  const { opened, answered } = connection;
  const { device, own, machine, isNeighbour, deviceTo } = facts;
  if (machine.has(opened.from) && machine.has(answered.from)) return undefined;
  for (const side of ['host', 'remote'] as const)
    if (rememberedOf(connection, side, facts) !== undefined) return side;
  if (own.has(answered.to)) return isNeighbour(answered.from) ? undefined : 'host';
  if (own.has(opened.to)) return isNeighbour(opened.from) ? undefined : 'remote';
  const [asked, asking] = [deviceTo(answered.from) === device, deviceTo(opened.from) === device];
  return asked === asking ? undefined : asked ? 'host' : 'remote';
}

/** The addresses whose way tells whether these connections go over the line, where nothing else does. */
export function addressesToAsk(connections: readonly TrackedConnection[], facts: LineFacts): string[] {
  const asked = new Set<string>();
  const deviceTo = (address: string): undefined => {
    asked.add(address);
  };
  for (const connection of connections) openedBy(connection, { ...facts, deviceTo });
  return [...asked];
}

export interface GrownConnection {
  connection: TrackedConnection;
  grown: Grown;
}

/** Connections of the line by who talks to whom, whoever takes most first. */
export function flowsOf(grown: readonly GrownConnection[], facts: LineFacts, overMs: number): FlowFigures[] {
  const flows = new Map<string, FlowFigures>();
  for (const each of grown) {
    const side = openedBy(each.connection, facts);
    if (side === undefined) continue;
    const flow = flowOf(each, side, facts, overMs);
    const key = [side, flow.protocol, flow.port, flow.host.address, flow.remote.address].join(' ');
    const others = flows.get(key);
    flows.set(key, others === undefined ? flow : together(others, flow));
  }
  return [...flows.values()].toSorted((one, other) => taking(other) - taking(one));
}

export const taking = ({ downBitPerSec, upBitPerSec }: FlowFigures): number => downBitPerSec + upBitPerSec;

function flowOf(
  { connection, grown }: GrownConnection,
  side: 'host' | 'remote',
  facts: LineFacts,
  overMs: number,
): FlowFigures {
  const { protocol, opened, answered } = connection;
  const isHosts = side === 'host';
  const bitPerSec = (bytes: number): number => (bytes * 8 * 1000) / overMs;
  const end = (address: string): FlowEnd => ({ name: null, address });
  const isPaced = rememberedOf(connection, side, facts)?.isPaced === true;
  return {
    protocol: PROTOCOLS.get(protocol) ?? `ip ${protocol}`,
    // Who answers has it behind NAT as well.
    port: answered.fromPort,
    openedBy: side,
    host: end(isHosts ? opened.from : answered.from),
    remote: end(isHosts ? answered.from : opened.from),
    connections: 1,
    pacedConnections: facts.remembered === undefined ? null : Number(isPaced),
    downBitPerSec: bitPerSec(isHosts ? grown.answeredGrowth : grown.openedGrowth),
    upBitPerSec: bitPerSec(isHosts ? grown.openedGrowth : grown.answeredGrowth),
    downBytes: isHosts ? grown.answeredBytes : grown.openedBytes,
    upBytes: isHosts ? grown.openedBytes : grown.answeredBytes,
  };
}

const together = (one: FlowFigures, other: FlowFigures): FlowFigures => ({
  ...one,
  connections: one.connections + other.connections,
  pacedConnections:
    one.pacedConnections === null || other.pacedConnections === null
      ? null
      : one.pacedConnections + other.pacedConnections,
  downBitPerSec: one.downBitPerSec + other.downBitPerSec,
  upBitPerSec: one.upBitPerSec + other.upBitPerSec,
  downBytes: one.downBytes + other.downBytes,
  upBytes: one.upBytes + other.upBytes,
});

/** IANA's numbers. */
const PROTOCOLS: ReadonlyMap<number, string> = new Map(
  Object.entries({
    ...{ icmp: 1, tcp: TCP, udp: 17, dccp: 33, ipv6: 41, gre: 47, esp: 50, icmpv6: 58, sctp: 132 },
    udplite: 136,
  }).map(([name, protocol]) => [protocol, name]),
);

/** Nothing can be told, and why. */
export function noFlows(reason: string, counted: Partial<FlowsFigures> = {}): FlowsFigures {
  return {
    ...{ overMs: null, connections: null, activeConnections: null, uncountedConnections: null },
    ...{ flows: null, moreFlows: 0, leftOut: null, reason },
    ...counted,
  };
}

/** How much of the connections a look has seen. */
export interface Seen {
  connections: number;
  active: number;
  uncounted: number;
  unknown: number;
  /** The kernel has told of all. */
  isAll: boolean;
}

const number = (value: number): string => value.toLocaleString('en-US');

/** Why nothing can be told of what connections carry; undefined: it can. */
export function whyNone(
  { connections, uncounted }: Seen,
  accounting: string | undefined,
): string | undefined {
  if (connections === 0)
    return 'connection tracking has no connection: no rule of the firewall asks for it, or there was no traffic';
  if (uncounted < connections) return undefined;
  return accounting === '1'
    ? 'all connections are older than the counting of their bytes, or a flowtable carries them uncounted'
    : 'the bytes of connections are not counted: sysctl net.netfilter.nf_conntrack_acct=1 has those counted that begin from then on';
}

/** What a look has not seen, in words; null: nothing. */
export function leftOutOf({ connections, active, unknown, isAll }: Seen): string | null {
  const left = [
    ...(isAll ? [] : [`only the first ${number(connections)} connections were read`]),
    ...(active > MOST_LOOKED_AT
      ? [
          `of ${number(active)} active connections the ${number(MOST_LOOKED_AT)} that took most were looked at`,
        ]
      : []),
    ...(unknown > 0 ? [`${number(unknown)} were too many to be compared`] : []),
  ];
  return left.length === 0 ? null : left.join('; ');
}

/** Ends without a name get one where their address has one. */
export function withFlowNames(figures: FlowsFigures, names: HostNames | undefined): FlowsFigures {
  if (names === undefined || figures.flows === null) return figures;
  const named = (end: FlowEnd): FlowEnd => ({
    ...end,
    name: end.name ?? nameOf([end.address], names) ?? null,
  });
  const flows = figures.flows.map((flow) => ({
    ...flow,
    host: named(flow.host),
    remote: named(flow.remote),
  }));
  return { ...figures, flows };
}
