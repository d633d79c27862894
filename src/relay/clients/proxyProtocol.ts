/**
 * The PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt): a header before the first byte that names the
 * client, for a server that would see only the relay. Pure.
 */
import { isIP, isIPv4 } from 'node:net';
import { addressBytes, shortestForm } from './address.ts';
import { plainAddress } from '../settings/spec.ts';

export type ProxyVersion = 'v1' | 'v2';

/** One end of a connection. */
export interface End {
  readonly address: string;
  readonly port: number;
}

export interface Ends {
  readonly source: End;
  readonly destination: End;
}

/**
 * `more`: not whole yet. `ends` is undefined where the header names nobody (UNKNOWN, LOCAL, not TCP): the connection's own are
 * meant. `bytes` is how long the header is.
 */
export type HeaderResult =
  | { readonly kind: 'more' }
  | { readonly kind: 'header'; readonly ends: Ends | undefined; readonly bytes: number }
  | { readonly kind: 'wrong'; readonly why: string };

/** What a line of version 1 may take with its end (section 2.1). */
const V1_BYTES = 107;
const V1_START = 'PROXY ';
const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V2_FIXED_BYTES = 16;
/** What an IPv4 address has before it as an IPv6 one (RFC 4291, section 2.5.5.2). */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
/** With what may follow the addresses (TLVs); nobody sends nearly as much. */
export const MOST_BYTES = 2048;

const wrong = (why: string): HeaderResult => ({ kind: 'wrong', why });

/** Reads the header that a connection begins with, of either version, from what has come so far. */
export function readHeader(bytes: Buffer): HeaderResult {
  const begins = (start: Buffer): boolean => {
    const common = Math.min(start.length, bytes.length);
    return bytes.subarray(0, common).equals(start.subarray(0, common));
  };
  if (begins(V2_SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? { kind: 'more' } : readV2(bytes);
  if (begins(Buffer.from(V1_START))) return readV1(bytes);
  return wrong('it does not begin with one');
}

function readV1(bytes: Buffer): HeaderResult {
  const end = bytes.subarray(0, V1_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < V1_BYTES ? { kind: 'more' } : wrong(`no end after ${V1_BYTES} bytes`);
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  const ends = (of: Ends | undefined): HeaderResult => ({ kind: 'header', ends: of, bytes: end + 2 });
  if (family === 'UNKNOWN') return ends(undefined);
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : undefined;
  if (version === undefined) return wrong('neither TCP4, TCP6 nor UNKNOWN');
  const isPort = (text: string): boolean => /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
  const addresses = isIP(source) === version && isIP(destination) === version;
  if (!addresses || source.includes('%') || destination.includes('%'))
    return wrong('no addresses of its family');
  if (!isPort(sourcePort) || !isPort(destinationPort) || rest.length > 0) return wrong('no ports');
  // In whatever form they came: a client is to have one name only.
  return ends({
    source: { address: addressOf(addressBytes(source)), port: Number(sourcePort) },
    destination: { address: addressOf(addressBytes(destination)), port: Number(destinationPort) },
  });
}

function readV2(bytes: Buffer): HeaderResult {
  const [versionAndCommand = 0, familyAndTransport = 0] = bytes.subarray(12);
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2) return wrong('a version that is not 2');
  if (command > 1) return wrong('a command that is neither LOCAL nor PROXY');
  if (length > MOST_BYTES) return wrong(`longer than ${MOST_BYTES} bytes`);
  if (bytes.length < length) return { kind: 'more' };
  const ends = (of: Ends | undefined): HeaderResult => ({ kind: 'header', ends: of, bytes: length });
  // TCP over IPv4 or IPv6; what else there is names nobody whom we could tell apart.
  const addressLength = familyAndTransport === 0x11 ? 4 : familyAndTransport === 0x21 ? 16 : undefined;
  if (command === 0 || addressLength === undefined) return ends(undefined);
  if (length < V2_FIXED_BYTES + 2 * addressLength + 4) return wrong('too short for its addresses');
  const at = V2_FIXED_BYTES + 2 * addressLength;
  const address = (from: number): string => addressOf(bytes.subarray(from, from + addressLength));
  return ends({
    source: { address: address(V2_FIXED_BYTES), port: bytes.readUInt16BE(at) },
    destination: { address: address(V2_FIXED_BYTES + addressLength), port: bytes.readUInt16BE(at + 2) },
  });
}

/** The shortest form (RFC 5952); an IPv4 address in an IPv6 one is the IPv4 address. */
function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.subarray(0, MAPPED.length).equals(MAPPED)) return bytes.subarray(MAPPED.length).join('.');
  return shortestForm(bytes);
}

/** The header that tells a server of a connection's ends; where one of them is IPv4 and the other IPv6, both are as IPv6. */
export function writeHeader(version: ProxyVersion, { source, destination }: Ends): Buffer {
  const [from, to] = [plain(source), plain(destination)];
  const four = isIPv4(from.address) && isIPv4(to.address);
  const asSix = (address: string): string => (isIPv4(address) ? `::ffff:${address}` : address);
  const [fromAddress, toAddress] = four
    ? [from.address, to.address]
    : [asSix(from.address), asSix(to.address)];
  if (version === 'v1')
    return Buffer.from(
      `PROXY ${four ? 'TCP4' : 'TCP6'} ${fromAddress} ${toAddress} ${from.port} ${to.port}\r\n`,
      'latin1',
    );
  const wide = (address: string): Buffer =>
    isIPv4(address) && !four ? Buffer.concat([MAPPED, addressBytes(address)]) : addressBytes(address);
  const addresses = Buffer.concat([wide(from.address), wide(to.address), Buffer.alloc(4)]);
  addresses.writeUInt16BE(from.port, addresses.length - 4);
  addresses.writeUInt16BE(to.port, addresses.length - 2);
  const fixed = Buffer.from([0x21, four ? 0x11 : 0x21, 0, addresses.length]);
  return Buffer.concat([V2_SIGNATURE, fixed, addresses]);
}

const plain = ({ address, port }: End): End => ({ address: plainAddress(address).replace(/%.*/, ''), port });
