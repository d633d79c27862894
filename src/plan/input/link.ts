/** Facts of the device that a plan depends on. Read by system/link/link.ts, plain values here. */
import type { LinkKind } from './framing.ts';
import type { IngressKind } from './ingressKinds.ts';
import type { TunnelFacts } from './tunnels.ts';

export interface LinkFacts {
  device: string;
  /** Tells a device from another that later came up under the same name. */
  ifindex: number;
  kind: LinkKind;
  mtuBytes: number;
  /** Absent: it is no tunnel, or nobody has looked. */
  tunnel?: TunnelFacts;
}

/** Bytes of link header that egress qdiscs count on top of the IP packet. */
export function linkHeaderBytes(kind: LinkKind): number {
  return kind === 'ethernet' ? 14 : 0;
}

/** What comes in by a device of IPsec's own has the link header of the device below (bpf/segment.h, `find_ip`). */
export const hasHeaderOfBelow = ({ tunnel }: Pick<LinkFacts, 'tunnel'>): boolean =>
  tunnel?.keyword === 'ipsec' || tunnel?.keyword === 'ipsec6';

/** Bytes of link header before what comes in, which an ifb counts, and the size test of an action. */
export function incomingHeaderBytes(link: LinkFacts): number {
  const carrier = hasHeaderOfBelow(link) ? link.tunnel?.carrier : undefined;
  return linkHeaderBytes(carrier?.kind ?? link.kind);
}

/** How our filters stand beside those of others at one clsact qdisc. */
export interface SharedClsact {
  /** Ours have this preference and the next ones. */
  firstPref: number;
  /** The qdisc is ours all the same: it goes when theirs have gone. */
  madeByUs: boolean;
}

/** What the kernel offers where a plan has a choice. */
export interface KernelFacts {
  /** What queues within a class: cake knows hosts and flows, the others flows. */
  leafQdisc: 'cake' | 'fq_codel' | 'sfq';
  /** What is to be tried, or was found to work; `police` by default. */
  ingress?: IngressKind;
  /** Where the pacing program is put for tc to load; undefined: it cannot be loaded. */
  pacingObjectFile?: string | undefined;
  /** UDP ports that WireGuard on this machine listens on, and sends from. */
  wireGuardPorts?: readonly number[];
  /** False: this kernel decrypts nothing, or does not tell. */
  hasIpsec?: boolean;
  /** False: nft has no hash here, so that its rules cannot number hosts. */
  numbersHosts?: boolean;
  /** Pacing is left out for a reason that says nothing of the kernel: it is to be tried again next time. */
  pacingUntried?: boolean;
  /** Why there is no pacing although it was wanted, in the kernel's or the tool's words. */
  pacingWhy?: string | undefined;
  /** The device has a clsact of somebody else's: ours are added to it, behind theirs. */
  sharedClsact?: SharedClsact | undefined;
}
