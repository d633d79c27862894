/**
 * What the kernel tells of connections over netlink (include/uapi/linux/netfilter/nfnetlink_conntrack.h): messages of attributes, in
 * the machine's order of bytes, what is in attributes in the network's. A table may have 100 000 of them: what is told of all is
 * looked at in place, a connection is taken apart only when somebody wants to see it. Pure.
 */
import { ipv6Text } from '../../plan/pacing/accounts.ts';

/** struct nlmsghdr (length, type, flags, sequence, port), and struct nfgenmsg behind it. */
const HEADER_BYTES = 16;
const FAMILY_BYTES = 4;
/** NLMSG_ERROR, NLMSG_DONE, IPCTNL_MSG_CT_NEW of NFNL_SUBSYS_CTNETLINK. */
const MESSAGE = { error: 2, done: 3, connection: 0x100 } as const;
/** More than any of these messages has. */
const MOST_MESSAGE_BYTES = 65_536;

/** enum ctattr_type; without the bits NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const ATTRIBUTE = { original: 1, reply: 2, status: 3, originalCount: 9, replyCount: 10, id: 12 } as const;
const TYPE_BITS = 0x3fff;
/** enum ctattr_counters. */
const COUNTED_BYTES = 2;
/** enum ctattr_tuple, ctattr_ip, ctattr_l4proto. */
const TUPLE = { ip: 1, protocol: 2 } as const;
const IP = { v4From: 1, v4To: 2, v6From: 3, v6To: 4 } as const;
const PROTOCOL = { number: 1, fromPort: 2, toPort: 3 } as const;
/** IPS_OFFLOAD: a flowtable forwards its packets. */
const OFFLOADED = 1 << 14;

/** TCP, UDP, DCCP, SCTP, UDP-Lite: what others have in the place of ports is none. */
const HAVE_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

/** How a packet is addressed: from whom, to whom. */
export interface Tuple {
  from: string;
  to: string;
  /** Null: the protocol has none. */
  fromPort: number | null;
  toPort: number | null;
}

/** A connection as connection tracking has it: the way it was opened, and how answers come. NAT makes them differ. */
export interface TrackedConnection {
  /** Of IP (IANA): 6 is TCP, 17 UDP. */
  protocol: number;
  opened: Tuple;
  answered: Tuple;
}

/** What is told of each connection. */
export interface Counted {
  /** The same for as long as the connection is remembered, another one for each. */
  key: number;
  /** Bytes of IP packets each way since it began; undefined: they are not counted. */
  openedBytes: number | undefined;
  answeredBytes: number | undefined;
  /** A flowtable carries it, whose packets are counted only if the flowtable says so. */
  isOffloaded: boolean;
}

/** Where bytes become messages: chunks come as a pipe cuts them. */
export class ConnectionMessages {
  readonly #isLittle: boolean;
  readonly #onConnection: (message: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);
  #end: 'open' | 'whole' | number = 'open';

  /** @param isLittle the machine's order of bytes */
  constructor(isLittle: boolean, onConnection: (message: Buffer) => void) {
    this.#isLittle = isLittle;
    this.#onConnection = onConnection;
  }

  /** `open`: more is to come; `whole`: that was all; a number: the kernel's error. */
  get end(): 'open' | 'whole' | number {
    return this.#end;
  }

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (this.#end === 'open' && bytes.length - at >= HEADER_BYTES) {
      const length = u32(bytes, at, this.#isLittle);
      // No message: nothing that follows could be told apart.
      if (length < HEADER_BYTES || length > MOST_MESSAGE_BYTES) {
        this.#end = UNREADABLE;
        break;
      }
      if (bytes.length - at < length) break;
      this.#message(bytes.subarray(at, at + length));
      at += aligned(length);
    }
    this.#rest = bytes.subarray(Math.min(at, bytes.length));
  }

  #message(message: Buffer): void {
    const type = u16(message, 4, this.#isLittle);
    if (type === MESSAGE.connection) {
      this.#onConnection(message);
      return;
    }
    if (type !== MESSAGE.done && type !== MESSAGE.error) return;
    const code = message.length >= HEADER_BYTES + 4 ? u32(message, HEADER_BYTES, this.#isLittle) | 0 : 0;
    this.#end = code < 0 ? -code : type === MESSAGE.done ? 'whole' : UNREADABLE;
  }
}

/** EBADMSG */
const UNREADABLE = 74;

/** What is told of the connection in a message. Attributes that do not fit into it are passed over. */
export function countedOf(message: Buffer, isLittle: boolean): Counted {
  let [id, hash] = [0, 0];
  const counted: Counted = { key: 0, openedBytes: undefined, answeredBytes: undefined, isOffloaded: false };
  eachAttribute(message, HEADER_BYTES + FAMILY_BYTES, message.length, isLittle, (type, from, to) => {
    if (type === ATTRIBUTE.id && to - from >= 4) id = message.readUInt32BE(from);
    else if (type === ATTRIBUTE.original) hash = hashOf(message, from, to);
    else if (type === ATTRIBUTE.originalCount) counted.openedBytes = bytesIn(message, from, to, isLittle);
    else if (type === ATTRIBUTE.replyCount) counted.answeredBytes = bytesIn(message, from, to, isLittle);
    else if (type === ATTRIBUTE.status && to - from >= 4)
      counted.isOffloaded = (message.readUInt32BE(from) & OFFLOADED) !== 0;
  });
  // The kernel's number is 32 bits of a hash: of 100 000, two are likely to have the same.
  counted.key = id + (hash & 0x1fffff) * 2 ** 32;
  return counted;
}

/** The connection in a message; undefined: it is not told whole. */
export function connectionOf(message: Buffer, isLittle: boolean): TrackedConnection | undefined {
  let opened: [number, Tuple] | undefined;
  let answered: [number, Tuple] | undefined;
  eachAttribute(message, HEADER_BYTES + FAMILY_BYTES, message.length, isLittle, (type, from, to) => {
    if (type === ATTRIBUTE.original) opened = tupleOf(message, from, to, isLittle);
    else if (type === ATTRIBUTE.reply) answered = tupleOf(message, from, to, isLittle);
  });
  if (opened === undefined || answered === undefined) return undefined;
  return { protocol: opened[0], opened: opened[1], answered: answered[1] };
}

function tupleOf(
  message: Buffer,
  start: number,
  end: number,
  isLittle: boolean,
): [number, Tuple] | undefined {
  const found: { from?: string; to?: string; protocol?: number; fromPort?: number; toPort?: number } = {};
  eachAttribute(message, start, end, isLittle, (kind, begin, stop) => {
    eachAttribute(message, begin, stop, isLittle, (type, at, until) => {
      if (kind === TUPLE.ip) {
        const address = addressOf(message.subarray(at, until));
        if (address === undefined) return;
        if (type === IP.v4From || type === IP.v6From) found.from = address;
        else if (type === IP.v4To || type === IP.v6To) found.to = address;
      } else if (kind === TUPLE.protocol) {
        if (type === PROTOCOL.number && until > at) found.protocol = message.readUInt8(at);
        else if (until - at < 2) return;
        else if (type === PROTOCOL.fromPort) found.fromPort = message.readUInt16BE(at);
        else if (type === PROTOCOL.toPort) found.toPort = message.readUInt16BE(at);
      }
    });
  });
  const { from, to, protocol, fromPort, toPort } = found;
  if (from === undefined || to === undefined || protocol === undefined) return undefined;
  const port = (value: number | undefined): number | null =>
    HAVE_PORTS.has(protocol) ? (value ?? null) : null;
  return [protocol, { from, to, fromPort: port(fromPort), toPort: port(toPort) }];
}

const addressOf = (bytes: Buffer): string | undefined =>
  bytes.length === 4 ? bytes.join('.') : bytes.length === 16 ? ipv6Text(bytes) : undefined;

function bytesIn(message: Buffer, start: number, end: number, isLittle: boolean): number | undefined {
  let bytes: number | undefined;
  eachAttribute(message, start, end, isLittle, (type, from, to) => {
    if (type === COUNTED_BYTES && to - from >= 8)
      bytes = message.readUInt32BE(from) * 2 ** 32 + message.readUInt32BE(from + 4);
  });
  return bytes;
}

/** FNV-1a. */
function hashOf(message: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (message[at] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Each attribute (struct nlattr: length, type) of a range, with where its value begins and ends. */
function eachAttribute(
  message: Buffer,
  start: number,
  end: number,
  isLittle: boolean,
  take: (type: number, from: number, to: number) => void,
): void {
  let at = start;
  while (end - at >= 4) {
    const length = u16(message, at, isLittle);
    if (length < 4 || length > end - at) return;
    take(u16(message, at + 2, isLittle) & TYPE_BITS, at + 4, at + length);
    at += aligned(length);
  }
}

const aligned = (length: number): number => (length + 3) & ~3;
const u16 = (bytes: Buffer, at: number, isLittle: boolean): number =>
  isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
const u32 = (bytes: Buffer, at: number, isLittle: boolean): number =>
  isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
