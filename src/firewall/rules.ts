/** Firewall rules as values, the same for iptables and nft; the renderers stand beside this file. */
import type { ClassId } from '../tc/objects.ts';

export type TcpFlag = 'syn' | 'ack' | 'fin' | 'rst';

/** A port, or all ports from one to another, both included. */
export type PortOrRange = number | { from: number; to: number };

/** One condition. All conditions of a rule must hold. */
export type Match =
  | { kind: 'protocol'; protocol: 'tcp' | 'udp' }
  | { kind: 'icmp' }
  /** By IANA's numbers: of what follows the IP header, in IPv6 behind its extension headers, none of which it finds. */
  | { kind: 'protocolNumbers'; numbers: readonly number[] }
  | {
      kind: 'port';
      protocol: 'tcp' | 'udp';
      side: 'source' | 'destination' | 'either';
      /** No port twice. */
      ports: readonly PortOrRange[];
    }
  /** Of the flags in `mask` exactly those in `set` are on. */
  | { kind: 'tcpFlags'; mask: readonly TcpFlag[]; set: readonly TcpFlag[] }
  | { kind: 'dscp'; values: readonly number[] }
  /** Source or destination is one of these addresses or networks, of either family, or in one of these sets of nft (`@kids`). */
  | { kind: 'host'; hosts: readonly string[] }
  | { kind: 'maxIpBytes'; bytes: number }
  /**
   * The mark of ingress stage 1. nft also asks for the priority that stage 1 sets along with it (`STAGE_1_PRIORITY`):
   * a mark of that value may come from anywhere else.
   */
  | { kind: 'mark'; mark: number }
  /** The connection carries this mark: somebody saves and restores it. For iptables, which cannot ask for a priority. */
  | { kind: 'savedMark'; mark: number }
  /** The connection has carried more than this many bytes in the given direction of conntrack. */
  | { kind: 'carried'; direction: 'original' | 'reply'; moreThanBytes: number }
  /** This packet travels in the given direction of its connection. */
  | { kind: 'direction'; direction: 'original' | 'reply' }
  /** A connection that conntrack's helper announced, such as an FTP data connection. */
  | { kind: 'helper'; helper: 'ftp' };

export type Verdict =
  /** `numbered`: into the priority goes not the class but the number of the host; see `HostNumbers`. */
  | { kind: 'class'; classId: ClassId; numbered?: HostNumbers }
  | { kind: 'drop' }
  /** The packet is as though stage 1 had not marked it, and no further rule of ours is for it. */
  | { kind: 'unmark' }
  /** No further rule is asked. */
  | { kind: 'leave' };

/**
 * What stage 1 puts into a packet's priority beside the mark, for nft's rules to tell it from marks of others: marks are
 * saved with connections and restored, set by masks and compared by many programs, priorities of this form are not.
 * `IG` in ASCII; the last four bits are 0, as those of a packet without a priority.
 */
export const STAGE_1_PRIORITY: ClassId = '4947:10';

/**
 * Who sends a packet, as a number that a classifier behind NAT reads from the packet's priority: so many priorities from this
 * one on. For nft, which can compute them; with iptables packets just go to their class.
 */
export interface HostNumbers {
  first: number;
  count: number;
}

export interface Rule {
  /** Stable name, shown in statistics and as the rule's comment. */
  name: string;
  matches: readonly Match[];
  verdict: Verdict;
}

/**
 * What some hosts together have at most in one direction; what is above it is dropped. Unlike other rules, one that has let a
 * packet pass leaves it to those after it.
 */
export interface LimitRule {
  /** Of the section in the file. */
  name: string;
  direction: 'down' | 'up';
  /** Addresses and networks of either family, of which none is within another, and sets of nft (`@kids`). */
  hosts: readonly string[];
  /** IP bytes, without framing. */
  bytesPerSec: number;
}

/** The names of its two counters: what was dropped, and what passed. */
export const limitCounters = ({ name, direction }: LimitRule) =>
  ({ dropped: `limit-${direction}-${name}`, passed: `passed-${direction}-${name}` }) as const;

/** Rules for one device; the first rule that matches decides. */
export interface RuleSet {
  device: string;
  /** Seen by what leaves through the device, after routing. */
  egress: readonly Rule[];
  /** Seen by what came in through the device, before routing and before the administrator's own rules. */
  ingress: readonly Rule[];
  /**
   * Seen by what is forwarded through the device, where a host has its own address: after NAT is undone, and before it is
   * done. Absent: there are none.
   */
  limits?: readonly LimitRule[];
}

export type Side = 'egress' | 'ingress';

/** iptables has tables for each. */
export type Family = 'ipv4' | 'ipv6';

/** IANA's protocol numbers. A name would need /etc/protocols, which minimal systems lack (Debian's netbase brings it). */
export const PROTOCOL_NUMBERS = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
/** IPv6's extension headers that the kernel walks over (ipv6_ext_hdr): hop by hop, routing, fragment, AH, destination. */
export const EXTENSION_HEADERS: readonly number[] = [0, 43, 44, 51, 60];
