/** Who may connect: a list of networks. Without a list everybody may. */
import { BlockList, isIP } from 'node:net';
import { plainAddress } from '../settings/spec.ts';

/** An address with its prefix length, or undefined if the text is neither `192.0.2.0/24` nor an address. */
export function parseCidr(
  text: string,
): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', length, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined || address.includes('%')) return undefined;
  const longest = version === 4 ? 32 : 128;
  const prefix = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (prefix < 0 || prefix > longest) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

export class AccessList {
  readonly #list = new BlockList();
  readonly texts: readonly string[];

  /** Networks that were checked with `parseCidr`; the others are left out. */
  constructor(texts: readonly string[]) {
    this.texts = texts;
    for (const text of texts) {
      const cidr = parseCidr(text);
      if (cidr !== undefined) this.#list.addSubnet(cidr.address, cidr.prefix, cidr.family);
    }
  }

  allows(remoteAddress: string | undefined): boolean {
    if (this.texts.length === 0) return true;
    if (remoteAddress === undefined) return false;
    // A mapped address is the IPv4 address: `::ffff:192.0.2.1` must not slip past a list of IPv4 networks.
    const address = plainAddress(remoteAddress).replace(/%.*/, '');
    return this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  }
}
