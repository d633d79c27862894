/**
 * What tc can be told to keep on a device, as values. A plan is a list of these; batch.ts and render.ts
 * make the commands that bring them about.
 */

/** `1:10`; major and minor are hexadecimal in tc, and so they are kept as text. */
export type ClassId = `${string}:${string}`;
/** `1:` */
export type Handle = `${string}:`;

export interface Stab {
  linkLayer: 'atm' | 'ethernet';
  /** May be negative: the link header that is already in the length is taken off. */
  overheadBytes: number;
  mpuBytes: number;
  /** The longest packet the table must cover. */
  mtuBytes: number;
}

export type QdiscSpec =
  | { kind: 'htb'; defaultMinor: string }
  | {
      kind: 'fq_codel';
      limitPackets: number;
      flows: number;
      quantumBytes: number;
      targetUs: number;
      intervalUs: number;
      ecn: boolean;
    }
  | { kind: 'sfq'; limitPackets: number; quantumBytes: number; perturbSec: number }
  | {
      /** For what comes in: `ingress` counts what it drops, so that senders slow down before the line is full. */
      kind: 'cake';
      bandwidthBitPerSec: number;
      linkLayer: 'atm' | 'noatm';
      /** On the IP packet, whatever the device: cake takes the link header off itself. */
      overheadBytes: number;
      mpuBytes: number;
    }
  | {
      /** In a class, where it does not shape: hosts take turns, and then the flows of each. Behind NAT conntrack tells which. */
      kind: 'cake';
      /** Which end of a packet is the host behind the gateway. */
      hosts: 'source' | 'destination';
      /** codel's interval; its target is a twentieth of it. */
      rttUs: number;
      memoryBytes: number;
      /** Of acknowledgements of a connection that wait, the last is kept, which says what all say. Absent: all are. */
      ackFilter?: 'aggressive';
    }
  | { kind: 'ingress' }
  /** Hooks at ingress and egress; excludes `ingress`. */
  | { kind: 'clsact' };

/** cake's word for hosts that take turns. */
export const CAKE_FLOW_MODE = { source: 'dual-srchost', destination: 'dual-dsthost' } as const;

export interface Qdisc {
  type: 'qdisc';
  dev: string;
  parent: 'root' | 'ingress' | ClassId;
  handle: Handle;
  spec: QdiscSpec;
  stab?: Stab;
}

export interface HtbClass {
  type: 'class';
  dev: string;
  parent: Handle | ClassId;
  classId: ClassId;
  rateBitPerSec: number;
  ceilBitPerSec: number;
  burstBytes: number;
  cburstBytes: number;
  quantumBytes: number;
  prio: number;
}

/** `ok` accepts and ends, `continue` goes to the next filter, `pipe` to the next action of this filter. */
export type Verdict = 'ok' | 'drop' | 'continue' | 'pipe';

export type Action =
  | {
      /** Token bucket. Both verdicts are always written: the default for exceed, reclassify, loops. */
      kind: 'police';
      index: number;
      rateBitPerSec: number;
      burstBytes: number;
      /** Packets longer than this exceed whatever the bucket holds; tc's own default of 2040 is a trap. */
      mtuBytes: number;
      overheadBytes: number;
      mpuBytes: number;
      linkLayer: 'atm' | 'ethernet';
      exceed: Verdict;
      conform: Verdict;
      /** Its rate follows the line, so that another one may stand there. */
      follows?: true;
    }
  | {
      /** Size test: a police action without a rate. */
      kind: 'policeSize';
      index: number;
      maxBytes: number;
      exceed: Verdict;
      conform: Verdict;
    }
  /** `priority`: set along with the mark; a record of an earlier version has none. */
  | { kind: 'mark'; index: number; mark: number; priority?: ClassId; then: Verdict }
  | { kind: 'drop'; index: number }
  | { kind: 'ok'; index: number }
  /** Counts, and leaves the packet to the next action. */
  | { kind: 'count'; index: number }
  /** Counts, and leaves the packet to the next filter. */
  | { kind: 'countOnly'; index: number }
  /** To the egress side of another device, as though it were to be sent there; an ifb hands it back. */
  | { kind: 'redirect'; index: number; toDev: string };

export interface Filter {
  type: 'filter';
  dev: string;
  parent: Handle | ClassId;
  pref: number;
  /** matchall: every packet, IPv4, IPv6 and all else. */
  match: 'all';
  actions: readonly Action[];
}

/** A classifier program (eBPF) out of an object file; what it matches runs through the actions. */
export interface ProgramFilter {
  type: 'program';
  dev: string;
  parent: Handle | ClassId;
  pref: number;
  objectFile: string;
  /** Of the object file as it is installed: another one is another program, which takes the place of this one. */
  digest: string;
  section: string;
  /** What is set in the object file: another configuration is another program. */
  config: Readonly<Record<string, number>>;
  actions: readonly Action[];
}

/** Packets of less than 256 bytes (IP length) of one family, for a class. */
export interface SmallPacketFilter {
  type: 'small';
  dev: string;
  parent: Handle;
  pref: number;
  protocol: 'ip' | 'ipv6';
  classId: ClassId;
}

/**
 * Packets of UDP of one family, for a class: those from a port, or those whose sender takes marks instead of drops (ECT(0), and
 * what has got its mark already; RFC 3168).
 */
export interface UdpFilter {
  type: 'udp';
  dev: string;
  parent: Handle;
  pref: number;
  protocol: 'ip' | 'ipv6';
  which: { fromPort: number } | 'ecn';
  classId: ClassId;
}

export type TcObject = Qdisc | HtbClass | Filter | ProgramFilter | SmallPacketFilter | UdpFilter;
