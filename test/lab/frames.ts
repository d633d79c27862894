/** Ethernet frames with a TCP segment in them, to the byte; and whether a frame's checksum is right. Pure. */

export interface FrameOptions {
  family?: 4 | 6;
  from: Endpoint;
  to: Endpoint;
  /** The bits of RFC 9293; 0x02 is SYN, 0x10 ACK. */
  flags: number;
  seq?: number;
  ack?: number;
  window: number;
  /** Whole words of four bytes. */
  options?: readonly number[];
  payloadBytes?: number;
  /** Of the IPv4 header: 0x2000 says that more fragments come. */
  fragment?: number;
  /** IPv6: a hop-by-hop header with padding alone stands before the segment. */
  hopByHop?: boolean;
  /** In place of TCP's. */
  protocol?: number;
  /** The two bits of RFC 3168; 0: the sender takes no marks. */
  ecn?: 0 | 1 | 2 | 3;
}

export interface Endpoint {
  address: string;
  port: number;
}

const ETHERNET_BYTES = 14;
const TCP = 6;

export const OPTION = {
  mss: (bytes: number): number[] => [2, 4, bytes >> 8, bytes & 255],
  scale: (shift: number): number[] => [1, 3, 3, shift],
  stamp: (value: number, echo: number): number[] => [1, 1, 8, 10, ...word(value), ...word(echo)],
} as const;

export function frame(options: FrameOptions): Buffer {
  const { family = 4, from, to, hopByHop = false, protocol = TCP, ecn = 0 } = options;
  const segment = segmentOf(options);
  const source = addressBytes(from.address);
  const destination = addressBytes(to.address);
  segment.writeUInt16BE(checksum([pseudoHeader(source, destination, segment.length), segment]), 16);
  const inside = hopByHop ? Buffer.concat([Buffer.from([TCP, 0, 1, 4, 0, 0, 0, 0]), segment]) : segment;
  const ethernet = Buffer.alloc(ETHERNET_BYTES);
  ethernet.writeUInt16BE(family === 4 ? 0x0800 : 0x86dd, 12);
  const ip =
    family === 4
      ? ipv4(source, destination, inside.length, protocol, options.fragment ?? 0, ecn)
      : ipv6(source, destination, inside.length, hopByHop ? 0 : protocol, ecn);
  return Buffer.concat([ethernet, ip, inside]);
}

/** Where the TCP header of such a frame begins. */
export function tcpOffset({ family = 4, hopByHop = false }: FrameOptions): number {
  return ETHERNET_BYTES + (family === 4 ? 20 : 40) + (hopByHop ? 8 : 0);
}

/** The frame's TCP checksum, computed anew over what stands in it, beside the one that stands in it. */
export function checksums(bytes: Buffer, options: FrameOptions): { written: number; right: number } {
  const segment = Buffer.from(bytes.subarray(tcpOffset(options)));
  const written = segment.readUInt16BE(16);
  segment.writeUInt16BE(0, 16);
  const pseudo = pseudoHeader(
    addressBytes(options.from.address),
    addressBytes(options.to.address),
    segment.length,
  );
  return { written, right: checksum([pseudo, segment]) };
}

function segmentOf({
  from,
  to,
  flags,
  seq = 0,
  ack = 0,
  window,
  options = [],
  payloadBytes = 0,
}: FrameOptions): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(from.port, 0);
  header.writeUInt16BE(to.port, 2);
  header.writeUInt32BE(seq, 4);
  header.writeUInt32BE(ack, 8);
  header[12] = ((20 + options.length) / 4) << 4;
  header[13] = flags;
  header.writeUInt16BE(window, 14);
  return Buffer.concat([header, Buffer.from(options), Buffer.alloc(payloadBytes, 'x')]);
}

function ipv4(
  source: Buffer,
  destination: Buffer,
  bytes: number,
  protocol: number,
  fragment: number,
  ecn: number,
): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = ecn;
  header.writeUInt16BE(20 + bytes, 2);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = protocol;
  source.copy(header, 12);
  destination.copy(header, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return header;
}

function ipv6(source: Buffer, destination: Buffer, bytes: number, next: number, ecn: number): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header[1] = ecn << 4;
  header.writeUInt16BE(bytes, 4);
  header[6] = next;
  header[7] = 64;
  source.copy(header, 8);
  destination.copy(header, 24);
  return header;
}

/** RFC 9293, 3.1 and RFC 8200, 8.1: lengths and protocol as 32-bit words give the same sum for both. */
function pseudoHeader(source: Buffer, destination: Buffer, segmentBytes: number): Buffer {
  return Buffer.concat([source, destination, Buffer.from([...word(segmentBytes), ...word(TCP)])]);
}

/** RFC 1071. */
function checksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    const even = part.length % 2 === 0 ? part : Buffer.concat([part, Buffer.alloc(1)]);
    for (let at = 0; at < even.length; at += 2) sum += even.readUInt16BE(at);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function word(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
}

/** IPv6 addresses as eight groups or with `::` in the middle. */
function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [left = '', right = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array.from({ length: missing }, () => '0'), ...groups(right)];
  return Buffer.from(all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}
