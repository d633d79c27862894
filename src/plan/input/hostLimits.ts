/** Limits of hosts and networks: what the sections `[host…]` and `[network…]` of the file come to on one line. Pure. */
import { isSetName } from '../../firewall/sets.ts';

/** Words for what leaves: the classes that a host's packets can be sent to. */
export const PRIORITIES = ['interactive', 'normal', 'bulk'] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface HostLimit {
  /** `guest`, `192.168.1.20`: as the section has it; no two have the same. */
  name: string;
  /** Addresses and networks of either family, of which none is within another, and sets of nft (`@kids`). */
  hosts: readonly string[];
  /** What all of them together have at most, in bit/s of IP packets, without framing; undefined: no limit. */
  upBitPerSec?: number;
  downBitPerSec?: number;
  /** Undefined: their packets are sorted as those of others. */
  priority?: Priority;
}

/** Below a kilobyte per second nothing works any more, and iptables reckons in steps of 16 bytes. */
export const MIN_LIMIT_BIT_PER_SEC = 8000;

/** Whether only nft can carry them. */
export function needsSets(limits: readonly HostLimit[] = []): boolean {
  return limits.some(({ hosts }) => hosts.some(isSetName));
}
