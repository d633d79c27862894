/** Addresses as bytes, and the networks that they are in. Pure. */
import { isIPv4 } from 'node:net';
import { plainAddress } from '../settings/spec.ts';

const fourBytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

/** One group of an IPv6 address, or the two that an IPv4 address at its end is. */
function groupsOf(piece: string): number[] {
  if (!isIPv4(piece)) return [Number.parseInt(piece, 16)];
  const four = fourBytes(piece);
  return [four.readUInt16BE(0), four.readUInt16BE(2)];
}

/** An address in any form of RFC 4291, section 2.2, in network order: 4 or 16 bytes. A zone is not part of it. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return fourBytes(address);
  // `::` stands for the zeros that are missing.
  const [head = '', tail] = address.replace(/%.*/, '').split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').flatMap(groupsOf);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => 0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...before, ...zeros, ...after].slice(0, 8).entries()) {
    bytes.writeUInt16BE(group & 0xffff, index * 2);
  }
  return bytes;
}

/** Of an IPv6 address's 16 bytes (RFC 5952): it is what URLs have. */
export function shortestForm(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/**
 * What is one client: an IPv4 address, or the network of so many bits that an IPv6 address is in, `2001:db8:0:1::/64`; a household
 * has a whole one (RFC 6177).
 */
export function clientOf(remoteAddress: string, prefixBits: number): string {
  const address = plainAddress(remoteAddress).replace(/%.*/, '');
  if (!address.includes(':')) return address;
  const bytes = addressBytes(address);
  for (let bit = prefixBits; bit < 128; bit++) {
    const at = bit >> 3;
    bytes[at] = (bytes[at] ?? 0) & ~(0x80 >> (bit & 7));
  }
  const network = shortestForm(bytes);
  return prefixBits === 128 ? network : `${network}/${prefixBits}`;
}
