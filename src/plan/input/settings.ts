/** What the user asked for, checked. Made by config/, read by the planner; no facts of the device in it. */
import type { PortOrRange } from '../../firewall/rules.ts';
import type { FramingChoice } from './framingChoice.ts';
import type { HostLimit } from './hostLimits.ts';
import type { IngressChoice } from './ingressKinds.ts';
import type { SaidLimits } from './limits.ts';

/** Which firewall tool carries the rules; `auto` takes the first that works on this kernel. */
export type FirewallBackend = 'nft' | 'iptables';
/** Window pacing: `auto` where the kernel and tc can load the program; see docs/pacing.md. */
export const PACING_CHOICES = ['auto', 'bpf', 'off'] as const;
export type PacingChoice = (typeof PACING_CHOICES)[number];

/** Who shares the line: hosts, and then each host's flows, or all flows alike. */
export const FAIR_CHOICES = ['host', 'flow'] as const;
export type FairChoice = (typeof FAIR_CHOICES)[number];

export const FIREWALL_CHOICES = ['auto', 'nft', 'iptables', 'none'] as const;
export type FirewallChoice = (typeof FIREWALL_CHOICES)[number];

export interface LargeDownloadSettings {
  /** A download is large once it has carried more than this. The article: 10 MByte. */
  thresholdBytes: number;
  /** Server ports of HTTP(S) and FTP; QUIC is UDP 443. */
  tcpPorts: readonly PortOrRange[];
  udpPorts: readonly PortOrRange[];
}

/** What an egress class gets beyond what always goes there. */
export interface ClassSettings {
  /** Ports, at either end. */
  tcpPorts: readonly PortOrRange[];
  udpPorts: readonly PortOrRange[];
  /** DSCP values, 0 to 63. */
  dscp: readonly number[];
  /** Addresses and networks of either family, at either end: a machine behind the gateway or a server. */
  hosts: readonly string[];
}

/** Ports of tunnels, at either end: what carries everything is no large upload, whatever it has carried. */
export interface TunnelSettings {
  tcpPorts: readonly PortOrRange[];
  udpPorts: readonly PortOrRange[];
}

export interface BulkSettings extends ClassSettings {
  /** An upload that has carried more than this is bulk. */
  uploadThresholdBytes: number;
}

export interface ShaperSettings {
  device: string;
  /** Raw rates of the line, framing included. */
  upBitPerSec: number;
  downBitPerSec: number;
  /** Undefined: the default for the kind of device and the rates. */
  framing: FramingChoice | undefined;
  /** The firewall mark that ingress sets above 98 %. */
  mark: number;
  /** Packets of at least this IP length are dropped above 99 %. */
  largePacketBytes: number;
  /** Undefined: the large-download rule is left out. */
  largeDownloads: LargeDownloadSettings | undefined;
  /** What must not wait. */
  interactive: ClassSettings;
  /** What may always wait. */
  bulk: BulkSettings;
  tunnels: TunnelSettings;
  firewall: FirewallChoice;
  ingress: IngressChoice;
  pacing: PacingChoice;
  fair: FairChoice;
  /** Between which rates the device follows its line; absent: its rates are fixed. */
  limits?: SaidLimits;
  /** Limits of hosts and networks, the narrower first; absent: there are none. */
  hostLimits?: readonly HostLimit[];
}

/** Everything but the device and the rates. Numbers from the article where it names them. */
export const DEFAULT_SETTINGS: Omit<ShaperSettings, 'device' | 'upBitPerSec' | 'downBitPerSec'> = {
  framing: undefined,
  mark: 20,
  largePacketBytes: 1024,
  largeDownloads: {
    thresholdBytes: 10_000_000,
    // HTTP and its usual alternatives, HTTPS, FTP data and control, FTPS.
    tcpPorts: [80, 443, 8080, 8443, 20, 21, 989, 990],
    udpPorts: [443],
  },
  interactive: {
    tcpPorts: [],
    udpPorts: [],
    // EF, VA, CS4 to CS7: what RFC 4594 and RFC 5865 name for calls, video conferences and control.
    dscp: [46, 44, 32, 40, 48, 56],
    hosts: [],
  },
  bulk: {
    // SMTP, submission and its TLS form.
    tcpPorts: [25, 465, 587],
    udpPorts: [],
    // CS1 and LE (RFC 8622).
    dscp: [8, 1],
    hosts: [],
    uploadThresholdBytes: 10_000_000,
  },
  tunnels: {
    // OpenVPN; IPsec behind NAT (RFC 3948), WireGuard's usual one, L2TP (RFC 2661), VXLAN (RFC 7348), GENEVE (RFC 8926).
    tcpPorts: [1194],
    udpPorts: [1194, 4500, 51_820, 1701, 4789, 6081],
  },
  firewall: 'auto',
  ingress: 'auto',
  pacing: 'auto',
  fair: 'host',
};

/** The range in which bursts, quanta and codel targets were tried. */
export const MIN_RATE_BIT_PER_SEC = 64_000;
export const MAX_RATE_BIT_PER_SEC = 10_000_000_000;
