/**
 * Framing: what the line puts around an IP packet. A provider sells the raw rate, framing included, so a
 * shaper that counts bare IP bytes is off by up to a half on small packets over ATM.
 *
 * `overheadBytes` is counted from the IP packet, as users know it from cake's keywords; the length a qdisc
 * sees may already contain the link header, which `egressOverheadBytes` takes off again.
 */

/** `atm`: cut into 48-byte cells of 53 bytes. `ptm`: 64/65 coding (VDSL2). `ethernet`: as it is. */
export type LinkLayer = 'atm' | 'ptm' | 'ethernet';

export interface Framing {
  /** The keyword, or `custom`. */
  name: string;
  linkLayer: LinkLayer;
  /** Bytes that the line adds to an IP packet; negative values are allowed down to -14. */
  overheadBytes: number;
  /** The shortest frame on the line in bytes, before cells; 0 where there is none. */
  mpuBytes: number;
}

/** Overheads per keyword as tc-cake(8) documents them (iproute2 6.1), counted from the IP packet. */
const KEYWORDS: Readonly<Record<string, readonly [LinkLayer, number, number]>> = {
  raw: ['ethernet', 0, 0],
  conservative: ['atm', 48, 0],
  'ipoa-vcmux': ['atm', 8, 0],
  'ipoa-llcsnap': ['atm', 16, 0],
  'bridged-vcmux': ['atm', 24, 0],
  'bridged-llcsnap': ['atm', 32, 0],
  'pppoa-vcmux': ['atm', 10, 0],
  'pppoa-llc': ['atm', 14, 0],
  'pppoe-vcmux': ['atm', 32, 0],
  'pppoe-llcsnap': ['atm', 40, 0],
  'pppoe-ptm': ['ptm', 30, 0],
  'bridged-ptm': ['ptm', 22, 0],
  docsis: ['ethernet', 18, 64],
  ethernet: ['ethernet', 38, 84],
  'ether-vlan': ['ethernet', 42, 84],
};

export const FRAMING_KEYWORDS: readonly string[] = Object.keys(KEYWORDS);

/** The framing of a keyword; undefined if there is no such keyword. */
export function framingByKeyword(name: string): Framing | undefined {
  const entry = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
  if (entry === undefined) return undefined;
  const [linkLayer, overheadBytes, mpuBytes] = entry;
  return { name, linkLayer, overheadBytes, mpuBytes };
}

/** What kind of device it is, as far as framing and lengths depend on it. */
export type LinkKind = 'ppp' | 'ethernet' | 'ip';

/**
 * The framing taken when the user names none.
 * - ppp: PPPoE over ATM with LLC/SNAP, the largest overhead of the common DSL lines: too much costs a few
 *   per cent of rate, too little costs the answer time.
 * - ethernet: the frame with header and checksum (14 + 4 bytes, at least 64), as cable, fibre and most
 *   Ethernet hand-overs count it.
 * - ip (tunnels, LTE modems in raw IP mode): the bare packet.
 */
export function defaultFraming(kind: LinkKind): Framing {
  switch (kind) {
    case 'ppp':
      return { name: 'pppoe-llcsnap', linkLayer: 'atm', overheadBytes: 40, mpuBytes: 0 };
    case 'ethernet':
      return { name: 'docsis', linkLayer: 'ethernet', overheadBytes: 18, mpuBytes: 64 };
    case 'ip':
      return { name: 'raw', linkLayer: 'ethernet', overheadBytes: 0, mpuBytes: 0 };
  }
}

const ATM_CELL_BYTES = 53;
const ATM_PAYLOAD_BYTES = 48;

/** Bytes that an IP packet of `ipBytes` takes on the line. A 1492-byte packet over PPPoE LLC/SNAP: 1696. */
export function framedBytes(framing: Framing, ipBytes: number): number {
  const frame = Math.max(framing.mpuBytes, ipBytes + framing.overheadBytes);
  switch (framing.linkLayer) {
    case 'atm':
      return Math.ceil(frame / ATM_PAYLOAD_BYTES) * ATM_CELL_BYTES;
    case 'ptm':
      return Math.ceil((frame * 65) / 64);
    case 'ethernet':
      return frame;
  }
}

/** Time in ms that an IP packet of `ipBytes` takes on a line of this raw rate. */
export function serialisationMs(framing: Framing, ipBytes: number, rateBitPerSec: number): number {
  return (framedBytes(framing, ipBytes) * 8 * 1000) / rateBitPerSec;
}

/**
 * The rate to give to the kernel: it has no notion of the 64/65 coding of PTM, so that is taken off the
 * rate once instead of being added to every packet.
 */
export function kernelRateBitPerSec(framing: Framing, rateBitPerSec: number): number {
  return framing.linkLayer === 'ptm' ? Math.floor((rateBitPerSec * 64) / 65) : rateBitPerSec;
}

/** `atm, 40 bytes overhead (pppoe-llcsnap)`: for people. */
export function describeFraming(framing: Framing): string {
  const mpu = framing.mpuBytes > 0 ? `, at least ${framing.mpuBytes} bytes` : '';
  return `${framing.linkLayer}, ${framing.overheadBytes} bytes overhead${mpu} (${framing.name})`;
}
