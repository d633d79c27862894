/** Which number the firewall's rules give a host (`HostNumbers` in rules.ts). Pure. */
import { HOST_SEED } from './nft.ts';

const GOLDEN = 0xdeadbeef;
const IPV4_BYTES = 4;

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/**
 * nft's `jhash ip saddr mod COUNT seed SEED`: Bob Jenkins' lookup3 (2006, public domain) over the four bytes, of which the
 * upper bits tell (linux/jhash.h, reciprocal_scale). Undefined: it is no IPv4 address.
 */
export function hostNumber(address: string, count: number): number | undefined {
  const bytes = address.split('.').map(Number);
  if (
    bytes.length !== IPV4_BYTES ||
    !bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
  )
    return undefined;
  let a = (GOLDEN + IPV4_BYTES + HOST_SEED) | 0;
  let b = a;
  let c = a;
  a = (a + Buffer.from(bytes).readInt32LE()) | 0;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return Number((BigInt(c >>> 0) * BigInt(count)) >> 32n);
}
