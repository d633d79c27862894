/**
 * Framing: what the line puts around an IP packet. A provider sells the raw rate, framing included, so a
 * shaper that counts bare IP bytes is off by up to a half on small packets over ATM.
 *
 * `overheadBytes` is counted from the IP packet, as users know it from cake's keywords; the length a qdisc
 * sees may already contain the link header, which `egressOverheadBytes` takes off again.
 */

import { counted } from '../../core/units.ts';

/** `atm`: cut into 48-byte cells of 53 bytes. `ptm`: 64/65 coding (VDSL2). `ethernet`: as it is. */
export const LINK_LAYERS = ['atm', 'ptm', 'ethernet'] as const;
export type LinkLayer = (typeof LINK_LAYERS)[number];

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
const KEYWORDS = {
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
} as const satisfies Readonly<Record<string, readonly [LinkLayer, number, number]>>;

type Keyword = keyof typeof KEYWORDS;

export const FRAMING_KEYWORDS: readonly string[] = Object.keys(KEYWORDS);

/** The framing of a keyword; undefined if there is no such keyword. */
export function framingByKeyword(name: string): Framing | undefined {
  return isKeyword(name) ? keyword(name) : undefined;
}

function isKeyword(name: string): name is Keyword {
  return Object.hasOwn(KEYWORDS, name);
}

function keyword(name: Keyword): Framing {
  const [linkLayer, overheadBytes, mpuBytes] = KEYWORDS[name];
  return { name, linkLayer, overheadBytes, mpuBytes };
}

/** Whether both make the same of every packet, whatever they are called. */
export function countsAlike(one: Framing, other: Framing): boolean {
  return (
    one.linkLayer === other.linkLayer &&
    one.overheadBytes === other.overheadBytes &&
    one.mpuBytes === other.mpuBytes
  );
}

/** What kind of device it is, as far as framing and lengths depend on it. */
export type LinkKind = 'ppp' | 'ethernet' | 'ip';

/** Raw rates of a line in bit/s. */
export interface RawRates {
  upBitPerSec: number;
  downBitPerSec: number;
}

/**
 * The highest rates of ADSL: 24 Mbit/s down (ADSL2+, ITU-T G.992.5), 3.5 Mbit/s up (its Annex M). Whatever is faster carries
 * no ATM cells: VDSL2 (ITU-T G.993.2) has PTM.
 */
const ADSL_DOWN_BIT_PER_SEC = 24e6;
const ADSL_UP_BIT_PER_SEC = 3.5e6;

function canBeAdsl({ upBitPerSec, downBitPerSec }: RawRates): boolean {
  return upBitPerSec <= ADSL_UP_BIT_PER_SEC && downBitPerSec <= ADSL_DOWN_BIT_PER_SEC;
}

/**
 * Fibre, as the access node counts it: the Ethernet frame (14 + 4 bytes, IEEE 802.3) with one VLAN tag (4 bytes, 802.1Q;
 * Broadband Forum TR-101 has one on nearly every line), and with PPPoE 6 + 2 bytes more (RFC 2516). The preamble does not
 * cross a GPON (ITU-T G.984.3), and what providers sell is limited in the access node and not by the 1 Gbit/s of the port.
 */
const fiber = (kind: LinkKind): Framing => ({
  name: 'fiber',
  linkLayer: 'ethernet',
  overheadBytes: kind === 'ppp' ? 30 : 22,
  mpuBytes: 64,
});

const ADSL_KEYWORDS = { ppp: 'pppoe-llcsnap', ethernet: 'bridged-llcsnap', ip: 'ipoa-llcsnap' } as const;
const adsl = (kind: LinkKind): Framing => keyword(ADSL_KEYWORDS[kind]);
const vdsl = (kind: LinkKind): Framing => keyword(kind === 'ppp' ? 'pppoe-ptm' : 'bridged-ptm');
const dsl = (kind: LinkKind, rates: RawRates): Framing => (canBeAdsl(rates) ? adsl(kind) : vdsl(kind));
/** Cable counts the frame with header and checksum, at least 64 bytes (DOCSIS, as in tc-cake(8)). */
const cable = (): Framing => keyword('docsis');
/** Mobile networks carry and count IP packets; the Ethernet header of a modem's device ends in the modem. */
const mobile = (): Framing => keyword('raw');

/** Words that people have for their line; what they mean depends on the kind of device and on the rates. */
const WORDS = {
  dsl,
  adsl,
  atm: adsl,
  vdsl,
  ptm: vdsl,
  pppoe: (_: LinkKind, rates: RawRates): Framing => dsl('ppp', rates),
  fiber,
  fibre: fiber,
  ftth: fiber,
  cable,
  lte: mobile,
  '5g': mobile,
  mobile,
} as const satisfies Readonly<Record<string, (kind: LinkKind, rates: RawRates) => Framing>>;

/** Other names of the same, which help and completion do without. */
const OTHER_NAMES: Readonly<Record<string, keyof typeof WORDS>> = {
  adsl2: 'adsl',
  vdsl2: 'vdsl',
  // G.fast and the last metres from a cabinet: PTM as VDSL2 has it (ITU-T G.9701).
  gfast: 'vdsl',
  'g.fast': 'vdsl',
  fttc: 'vdsl',
  gpon: 'fiber',
  xgpon: 'fiber',
  xgspon: 'fiber',
  'xgs-pon': 'fiber',
  epon: 'fiber',
  pon: 'fiber',
  fttp: 'fiber',
  coax: 'cable',
  hfc: 'cable',
  docsis3: 'cable',
  'docsis3.0': 'cable',
  'docsis3.1': 'cable',
  'docsis4.0': 'cable',
  '3g': 'mobile',
  '4g': 'mobile',
  umts: 'mobile',
  hspa: 'mobile',
  wwan: 'mobile',
};

/** The word that we have for what somebody calls his line; others as they are. */
export function usualWord(text: string): string {
  return (Object.hasOwn(OTHER_NAMES, text) ? OTHER_NAMES[text] : undefined) ?? text;
}

const NOT_PUBLISHED =
  'what it adds to a packet is not published: leave --framing out, and take the rates it has at its worst';

/** What is asked for and cannot be given: why, and what to do. */
const NO_FRAMINGS: Readonly<Record<string, string>> = {
  starlink: NOT_PUBLISHED,
  satellite: NOT_PUBLISHED,
  wifi: 'name the line behind it: the device towards the modem is what is shaped',
  wlan: 'name the line behind it: the device towards the modem is what is shaped',
};

/** Why there is no framing of that name; undefined: the name means nothing to us. */
export function whyNoFraming(text: string): string | undefined {
  return Object.hasOwn(NO_FRAMINGS, text) ? NO_FRAMINGS[text] : undefined;
}

export type FramingWord = keyof typeof WORDS;
export const FRAMING_WORDS = Object.keys(WORDS) as readonly FramingWord[];

export function isFramingWord(text: string): text is FramingWord {
  return Object.hasOwn(WORDS, text);
}

/** What the word means on a device of this kind at these rates. */
export function framingByWord(word: FramingWord, kind: LinkKind, rates: RawRates): Framing {
  return WORDS[word](kind, rates);
}

/**
 * The framing taken when the user names none.
 * - ppp: PPPoE over ATM with LLC/SNAP, the largest overhead of the common DSL lines, at rates that ADSL can have: too much
 *   costs a few per cent of rate, too little costs the answer time. At higher rates PPPoE over PTM, which is enough for
 *   PPPoE over fibre as well.
 * - ethernet: the frame with header and checksum (14 + 4 bytes, at least 64), as cable, fibre and most
 *   Ethernet hand-overs count it.
 * - ip (LTE modems in raw IP mode, and what nothing is known of): the bare packet. Tunnels never come here: resolveFraming
 *   asks for the line below them, and puts their headers on top.
 */
export function defaultFraming(kind: LinkKind, rates: RawRates): Framing {
  switch (kind) {
    case 'ppp':
      return dsl(kind, rates);
    case 'ethernet':
      return cable();
    case 'ip':
      return mobile();
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

/** `atm, 40 bytes overhead (pppoe-llcsnap)`: for people; with what is only assumed about it behind the name. */
export function describeFraming(framing: Framing, assumption?: string): string {
  const mpu = framing.mpuBytes > 0 ? `, at least ${counted(framing.mpuBytes, 'byte')}` : '';
  const name = assumption === undefined ? framing.name : `${framing.name}, ${assumption}`;
  return `${framing.linkLayer}, ${counted(framing.overheadBytes, 'byte')} overhead${mpu} (${name})`;
}
