/**
 * What a tunnel puts around a packet, before the line puts its own framing around that. Pure; system/device/tunnel.ts reads
 * what stands here.
 */
import type { Framing, LinkKind } from './framing.ts';

/** One tunnel's headers. */
export interface TunnelHeaders {
  /** Bytes on a packet as the tunnel's device sees it, counted from the IP packet inside. */
  bytes: number;
  /** The shortest packet that it carries, with the padding that it gives to one; 0: it gives none. */
  leastInnerBytes: number;
}

/** A tunnel that a device is, as far as it is known. */
export interface TunnelFacts extends TunnelHeaders {
  /** For people: `WireGuard over IPv6`. */
  what: string;
  /** As `--framing` has it; its bytes are those without options such as a key. */
  keyword: TunnelKeyword;
  /** False: by the name of the device, or by what such devices usually are. */
  isKnown: boolean;
  /** The device that the outer packets leave by; undefined: not known. `framing`: the one that inetgw has set there. */
  carrier?: { device: string; kind: LinkKind; framing?: Framing };
}

const IPV4_BYTES = 20; // RFC 791
const IPV6_BYTES = 40; // RFC 8200
const UDP_BYTES = 8; // RFC 768
const ETHERNET_BYTES = 14; // IEEE 802.3, without the checksum
const GRE_BYTES = 4; // RFC 2784
/** Of a GRE checksum (RFC 2784), key and sequence number (RFC 2890), each. */
const GRE_OPTION_BYTES = 4;
/** A destination option that Linux puts before the inner packet unless `encaplimit none` is set (RFC 2473, 4.1.1). */
const ENCAPSULATION_LIMIT_BYTES = 8;
/** GUE without options (draft-ietf-intarea-gue-09); FOU has no header of its own. */
const GUE_BYTES = 4;

/** What stands between the outer IP header and the packet inside. */
const KINDS = {
  /** Type, receiver, counter and tag (wireguard.com/protocol, data message); it pads to 16 bytes: an ACK of 52 is 64 long. */
  wireguard: { name: 'WireGuard', bytes: UDP_BYTES + 32, leastInnerBytes: 64 },
  /** Over UDP with AES-GCM or ChaCha20-Poly1305, its default: opcode and peer 4, packet number 4, tag 16 (P_DATA_V2). */
  openvpn: { name: 'OpenVPN', bytes: UDP_BYTES + 24, leastInnerBytes: 0 },
  /** ESP in tunnel mode (RFC 4303) with AES-GCM (RFC 4106): header 8, IV 8, up to 3 of padding, trailer 2, tag 16. */
  ipsec: { name: 'IPsec', bytes: 37, leastInnerBytes: 0 },
  /** The same behind a NAT (RFC 3948). */
  'ipsec-udp': { name: 'IPsec in UDP', bytes: UDP_BYTES + 37, leastInnerBytes: 0 },
  gre: { name: 'GRE', bytes: GRE_BYTES, leastInnerBytes: 0 },
  gretap: { name: 'GRE with Ethernet frames', bytes: GRE_BYTES + ETHERNET_BYTES, leastInnerBytes: 0 },
  /** RFC 7348. */
  vxlan: { name: 'VXLAN', bytes: UDP_BYTES + 8 + ETHERNET_BYTES, leastInnerBytes: 0 },
  /** RFC 8926, without options. */
  geneve: { name: 'GENEVE', bytes: UDP_BYTES + 8 + ETHERNET_BYTES, leastInnerBytes: 0 },
  /** L2TPv2 (RFC 2661) without length and sequence 6, PPP 4 (RFC 1661). */
  l2tp: { name: 'L2TP', bytes: UDP_BYTES + 10, leastInnerBytes: 0 },
} as const;

type Kind = keyof typeof KINDS;

/** Tunnels of one outer family only (RFC 2003, RFC 4213, RFC 2473), and what providers call them (RFC 5969, RFC 6333). */
const IP_IN_IP = {
  ipip: ['IPv4 in IPv4', IPV4_BYTES],
  sit: ['IPv6 in IPv4', IPV4_BYTES],
  '6rd': ['IPv6 in IPv4', IPV4_BYTES],
  ip6tnl: ['IP in IPv6', IPV6_BYTES],
  'ds-lite': ['IP in IPv6', IPV6_BYTES],
} as const;

export type TunnelKeyword = Kind | `${Kind}6` | keyof typeof IP_IN_IP;

/** Each as `--framing` takes it; those that end in 6 are carried over IPv6. */
export const TUNNEL_KEYWORDS: readonly TunnelKeyword[] = [
  ...(Object.keys(KINDS) as Kind[]).flatMap((kind): TunnelKeyword[] => [kind, `${kind}6`]),
  ...(Object.keys(IP_IN_IP) as (keyof typeof IP_IN_IP)[]),
];

export function isTunnelKeyword(text: string): text is TunnelKeyword {
  return (TUNNEL_KEYWORDS as readonly string[]).includes(text);
}

/** What the keyword means, in bytes and for people. */
export function tunnelByKeyword(keyword: TunnelKeyword): TunnelHeaders & { what: string } {
  if (isIpInIp(keyword)) {
    const [what, bytes] = IP_IN_IP[keyword];
    return { what, bytes, leastInnerBytes: 0 };
  }
  const overIpv6 = keyword.endsWith('6');
  const { name, bytes, leastInnerBytes } = KINDS[(overIpv6 ? keyword.slice(0, -1) : keyword) as Kind];
  return {
    what: `${name} over ${overIpv6 ? 'IPv6' : 'IPv4'}`,
    bytes: bytes + (overIpv6 ? IPV6_BYTES : IPV4_BYTES),
    leastInnerBytes,
  };
}

const isIpInIp = (keyword: TunnelKeyword): keyword is keyof typeof IP_IN_IP =>
  Object.hasOwn(IP_IN_IP, keyword);

/** tc takes no more for a size table, cake no more at all. */
export const MOST_OVERHEAD_BYTES = 256;

/** The framing of a packet that goes through the tunnels, the innermost last, and over the line: `docsis,wireguard`. */
export function stackFraming(
  line: Framing,
  tunnels: readonly (TunnelHeaders & { keyword: TunnelKeyword })[],
): Framing {
  const overheadBytes = tunnels.reduce((sum, { bytes }) => sum + bytes, line.overheadBytes);
  // Only the innermost sees what the user's packets are long.
  const least = tunnels.at(-1)?.leastInnerBytes ?? 0;
  const mpuBytes = Math.max(line.mpuBytes, least === 0 ? 0 : least + overheadBytes);
  return {
    name: [line.name, ...tunnels.map(({ keyword }) => keyword)].join(','),
    linkLayer: line.linkLayer,
    overheadBytes,
    mpuBytes: Math.min(mpuBytes, MOST_OVERHEAD_BYTES),
  };
}

/** What `ip -d -j link show` tells of a device's kind, as far as it is of use. */
export interface KernelTunnel {
  /** `gre`, `ip6tnl`, `wireguard`, `tun`, … */
  kind: string;
  /** Outer address of the other side; undefined: none is fixed. */
  remote: string | undefined;
  overIpv6: boolean;
  /** How many of key, checksum and sequence number there are. */
  greOptions: number;
  hasEncapsulationLimit: boolean;
  /** The tunnel's packets are put into UDP. */
  encapsulation: 'fou' | 'gue' | undefined;
  /** A tun device that carries Ethernet frames, as virtual machines have them. */
  isTap: boolean;
}

/** Kinds as the kernel names them. */
const BY_KERNEL_KIND: Readonly<Record<string, TunnelKeyword>> = {
  wireguard: 'wireguard',
  gre: 'gre',
  ip6gre: 'gre6',
  gretap: 'gretap',
  ip6gretap: 'gretap6',
  ipip: 'ipip',
  sit: 'sit',
  ip6tnl: 'ip6tnl',
  vti: 'ipsec',
  vti6: 'ipsec6',
  xfrm: 'ipsec',
  vxlan: 'vxlan',
  geneve: 'geneve',
  tun: 'openvpn',
};

/** Kinds whose headers follow from the kind: of the others it is not known what the program behind them does. */
const KNOWN_BY_KIND = [
  'wireguard',
  'vxlan',
  'geneve',
  'gre',
  'ip6gre',
  'gretap',
  'ip6gretap',
  'ipip',
  'sit',
  'ip6tnl',
];

/** The tunnel that the kernel shows; undefined: it is none. Where the outer family is not known, IPv4. */
export function tunnelFacts(shown: KernelTunnel, device: string): TunnelFacts | undefined {
  const { kind, remote, overIpv6 } = shown;
  if (shown.isTap) return undefined;
  const base = Object.hasOwn(BY_KERNEL_KIND, kind) ? BY_KERNEL_KIND[kind] : undefined;
  if (base === undefined) return undefined;
  const ofProgram = kind === 'tun' && isUserspaceWireGuard(device) ? 'wireguard' : base;
  const keyword: TunnelKeyword =
    overIpv6 && Object.hasOwn(KINDS, ofProgram) ? `${ofProgram as Kind}6` : ofProgram;
  const { what, bytes, leastInnerBytes } = tunnelByKeyword(keyword);
  return {
    what,
    keyword,
    isKnown: KNOWN_BY_KIND.includes(kind) && (remote !== undefined || isIpInIp(keyword)),
    bytes: bytes + optionBytes(shown),
    leastInnerBytes,
  };
}

function optionBytes(shown: KernelTunnel): number {
  const inUdp = { fou: UDP_BYTES, gue: UDP_BYTES + GUE_BYTES } as const;
  return (
    shown.greOptions * GRE_OPTION_BYTES +
    (shown.hasEncapsulationLimit ? ENCAPSULATION_LIMIT_BYTES : 0) +
    (shown.encapsulation === undefined ? 0 : inUdp[shown.encapsulation])
  );
}

/** Tailscale runs WireGuard's protocol on a tun device of this name. */
const isUserspaceWireGuard = (device: string): boolean => device.startsWith('tailscale');

/** What kind of tunnel a device will be that is not there yet, by its name; undefined: none. */
export function tunnelByName(device: string): TunnelFacts | undefined {
  const found = NAMES.find(([pattern]) => pattern.test(device))?.[1];
  return found === undefined ? undefined : { ...tunnelByKeyword(found), keyword: found, isKnown: false };
}

const NAMES: readonly [RegExp, TunnelKeyword][] = [
  [/^(?:wg|tailscale)/, 'wireguard'],
  [/^tun(?!l)/, 'openvpn'],
  [/^sit/, 'sit'],
  [/^gre(?!tap)/, 'gre'],
  [/^ip6tnl/, 'ip6tnl'],
  [/^(?:tunl|ipip)/, 'ipip'],
];

/** Undefined where the output is not what `ip -d -j link show dev X` prints. */
export function parseKernelTunnel(output: string): KernelTunnel | undefined {
  let links: unknown;
  try {
    links = JSON.parse(output);
  } catch {
    return undefined;
  }
  const info = objectAt(Array.isArray(links) ? links[0] : undefined, 'linkinfo');
  const kind = info?.['info_kind'];
  if (info === undefined || typeof kind !== 'string') return undefined;
  const data = objectAt(info, 'info_data') ?? {};
  const remote = [data['remote'], data['remote6']].find((each) => typeof each === 'string' && each !== 'any');
  const isGre = /^(?:ip6)?(?:gre|gretap)$/.test(kind);
  const encapsulation = objectAt(data, 'encap')?.['type'];
  return {
    kind,
    remote: typeof remote === 'string' ? remote : undefined,
    overIpv6: typeof remote === 'string' && remote.includes(':'),
    greOptions: isGre
      ? ['okey', 'ocsum', 'oseq'].filter((name) => name in data && data[name] !== false).length
      : 0,
    hasEncapsulationLimit: 'encap_limit' in data,
    encapsulation: encapsulation === 'fou' || encapsulation === 'gue' ? encapsulation : undefined,
    isTap: kind === 'tun' && data['type'] === 'tap',
  };
}

function objectAt(value: unknown, name: string): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = (value as Record<string, unknown>)[name];
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
}
