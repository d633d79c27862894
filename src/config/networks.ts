/** Addresses and networks as they are written, and which is within which. Pure. */
import { isIPv4, isIPv6 } from 'node:net';

export interface Network {
  /** As it was written, in small letters. */
  text: string;
  version: 4 | 6;
  /** The first address as a number. */
  first: bigint;
  prefix: number;
  /** `192.168.2.0/24`: the network that an address with host bits is in; undefined: it has none. */
  meant: string | undefined;
  /** `::ffff:192.0.2.7`: what packets have instead, an address of IPv4; undefined: it is no such address. */
  mapped: string | undefined;
}

const LENGTH = { 4: 32, 6: 128 } as const;

/** Undefined: it is neither an address nor one with a prefix. A length with a zero before it is octal to nft and iptables. */
export function parseNetwork(written: string): Network | undefined {
  const text = written.trim().toLowerCase();
  const [address = '', length, ...more] = text.split('/');
  const version = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined;
  if (version === undefined || more.length > 0) return undefined;
  const bits = LENGTH[version];
  const prefix =
    length === undefined ? bits : /^(?:0|[1-9]\d{0,2})$/.test(length) ? Number(length) : bits + 1;
  if (prefix > bits) return undefined;
  const value = version === 4 ? numberOf4(address) : numberOf6(address);
  const rest = BigInt(bits - prefix);
  const first = (value >> rest) << rest;
  const meant = first === value ? undefined : `${textOf(first, version)}/${prefix}`;
  return { text, version, first, prefix, meant, mapped: version === 6 ? mappedOf(first, prefix) : undefined };
}

/** RFC 4291, 2.5.5.2: within `::ffff:0:0/96`. */
const MAPPED = { first: 0xffffn, bits: 32n, prefix: 96 } as const;

function mappedOf(first: bigint, prefix: number): string | undefined {
  if (prefix < MAPPED.prefix || first >> MAPPED.bits !== MAPPED.first) return undefined;
  const length = prefix === LENGTH[6] ? '' : `/${prefix - MAPPED.prefix}`;
  return `${textOf(first & 0xffff_ffffn, 4)}${length}`;
}

const numberOf4 = (address: string): bigint =>
  address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);

const GROUPS = 8;

function numberOf6(address: string): bigint {
  // The last 32 bits may be written as an address of IPv4.
  const [, before = '', four] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  const plain = four === undefined ? address : `${before}${hexGroups(numberOf4(four))}`;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from(
    { length: tail === undefined ? 0 : GROUPS - left.length - right.length },
    () => '0',
  );
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 0x1_0000n + BigInt(`0x${group}`), 0n);
}

const hexGroups = (value: bigint): string =>
  `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;

function textOf(value: bigint, version: 4 | 6): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((by) => ((value >> by) & 0xffn).toString()).join('.');
  const groups = Array.from({ length: GROUPS }, (_, n) =>
    ((value >> BigInt(16 * (GROUPS - 1 - n))) & 0xffffn).toString(16),
  );
  // A network ends in zeros: those are the ones that are left out.
  const last = groups.findLastIndex((group) => group !== '0');
  return last < GROUPS - 2 ? `${groups.slice(0, last + 1).join(':')}::` : groups.join(':');
}

/** Whether the second is the first, or a part of it. */
export function contains(outer: Network, inner: Network): boolean {
  const rest = BigInt(LENGTH[outer.version] - outer.prefix);
  return (
    outer.version === inner.version &&
    outer.prefix <= inner.prefix &&
    inner.first >> rest === outer.first >> rest
  );
}

/** The same without what is within another of them. */
export function withoutInner(networks: readonly Network[]): Network[] {
  return networks.filter(
    (each, index) =>
      !networks.some(
        (other, at) => at !== index && contains(other, each) && (at < index || !contains(each, other)),
      ),
  );
}
