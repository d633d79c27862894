/** Messages as the kernel would send them, of connections that a test wants. */
import type { TrackedConnection, Tuple } from '../../../../src/report/flows/messages.ts';

export interface Told {
  connection: TrackedConnection;
  id: number;
  /** Undefined: they are not counted. */
  openedBytes?: number | undefined;
  answeredBytes?: number | undefined;
  isOffloaded?: boolean;
}

/** A connection of a host behind NAT, the same for the same number. */
export const behindNat = (n: number, changes: Partial<TrackedConnection> = {}): TrackedConnection => ({
  protocol: 6,
  opened: { from: '192.168.77.2', to: '192.0.2.1', fromPort: 1024 + (n % 60_000), toPort: 443 },
  answered: { from: '192.0.2.1', to: '198.51.100.2', fromPort: 443, toPort: 1024 + (n % 60_000) },
  ...changes,
});

export function messageOf(told: Told, isLittle = true): Buffer {
  const { connection, id, openedBytes, answeredBytes, isOffloaded } = told;
  const { protocol, opened, answered } = connection;
  const nested = (type: number, ...inner: Buffer[]): Buffer =>
    attribute(0x8000 | type, Buffer.concat(inner), isLittle);
  const counters = (type: number, bytes: number | undefined): Buffer[] => {
    if (bytes === undefined) return [];
    const packets = attribute(1, big64(1), isLittle);
    return [nested(type, packets, attribute(2, big64(bytes), isLittle))];
  };
  const body = Buffer.concat([
    Buffer.from([opened.from.includes(':') ? 10 : 2, 0, 0, 0]),
    nested(1, ...tupleParts(opened, protocol, isLittle)),
    nested(2, ...tupleParts(answered, protocol, isLittle)),
    attribute(3, big32(isOffloaded === true ? 0x4000 : 0x18e), isLittle),
    // Some seconds until it is forgotten.
    attribute(7, big32(431_999), isLittle),
    ...counters(9, openedBytes),
    ...counters(10, answeredBytes),
    attribute(12, big32(id), isLittle),
  ]);
  return netlink(0x100, body, isLittle);
}

export const netlink = (type: number, body: Buffer, isLittle = true): Buffer =>
  Buffer.concat([
    u32(16 + body.length, isLittle),
    u16(type, isLittle),
    u16(2, isLittle),
    Buffer.alloc(8),
    body,
  ]);

/** NLMSG_DONE, and NLMSG_ERROR with the kernel's number of it. */
export const done = (isLittle = true): Buffer => netlink(3, u32(0, isLittle), isLittle);
export const failed = (code: number): Buffer =>
  netlink(2, Buffer.concat([u32(-code >>> 0, true), Buffer.alloc(16)]));

function tupleParts({ from, to, fromPort, toPort }: Tuple, protocol: number, isLittle: boolean): Buffer[] {
  const isIpv6 = from.includes(':');
  const nested = (type: number, parts: Buffer[]): Buffer =>
    attribute(0x8000 | type, Buffer.concat(parts), isLittle);
  return [
    nested(1, [
      attribute(isIpv6 ? 3 : 1, addressBytes(from), isLittle),
      attribute(isIpv6 ? 4 : 2, addressBytes(to), isLittle),
    ]),
    nested(2, [
      attribute(1, Buffer.from([protocol]), isLittle),
      ...(fromPort === null ? [] : [attribute(2, big16(fromPort), isLittle)]),
      ...(toPort === null ? [] : [attribute(3, big16(toPort), isLittle)]),
    ]),
  ];
}

function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const words = (text: string | undefined): string[] => (text ?? '').split(':').filter((each) => each !== '');
  const zeros = Array.from({ length: 8 - words(head).length - words(tail).length }, () => '0');
  return Buffer.concat([...words(head), ...zeros, ...words(tail)].map((word) => big16(parseInt(word, 16))));
}

function attribute(type: number, value: Buffer, isLittle: boolean): Buffer {
  const padding = Buffer.alloc(-value.length & 3);
  return Buffer.concat([u16(4 + value.length, isLittle), u16(type, isLittle), value, padding]);
}

function u16(value: number, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(2);
  if (isLittle) bytes.writeUInt16LE(value);
  else bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  if (isLittle) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

const big16 = (value: number): Buffer => u16(value, false);
const big32 = (value: number): Buffer => u32(value, false);
const big64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
