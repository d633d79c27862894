/**
 * Names of hosts by their addresses, and from what a gateway has on disk: the lease file of dnsmasq, Kea (memfile) or ISC dhcpd,
 * or a file as /etc/hosts. Pure.
 */
import { isIP } from 'node:net';
import { printableLine } from './printable.ts';

export type HostNames = ReadonlyMap<string, string>;

/** As the DNS has it; whoever asks for a lease may call itself as it likes. */
const MOST_CHARACTERS = 63;

/**
 * Reads any of these files; of an address that stands there twice, the last lease counts. Names are made fit for a terminal.
 * @returns by addresses in their usual form, IPv6 in small letters with `::`; undefined: there is text, and none of these forms
 */
export function parseHostNames(text: string): HostNames | undefined {
  const names = new Map<string, string>();
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const columns = lines.find((line) => line.startsWith('address,'))?.split(',');
  let isUnderstood = lines.every((line) => line === '');
  /** Of dhcpd, whose leases are blocks. */
  let leased: string | undefined;
  const take = (address: string | undefined, name: string | undefined): void => {
    if (address === undefined || isIP(address) === 0) return;
    isUnderstood = true;
    if (isName(name)) names.set(usual(address), hostNameText(name));
    else names.delete(usual(address));
  };
  for (const line of lines) {
    if (columns !== undefined) {
      const fields = line.split(',');
      take(fields[0], fields[columns.indexOf('hostname')]);
      isUnderstood = true;
      continue;
    }
    const [first = '', second, third = '', fourth] = line.split(/\s+/);
    const block = /^lease (\S+) \{$/.exec(line)?.[1];
    if (block !== undefined) {
      leased = block;
      // Until it says its name, of which an earlier lease of the address tells nothing.
      take(leased, undefined);
    } else if (leased !== undefined) {
      const name = /^client-hostname "(.*)";$/.exec(line)?.[1];
      if (name !== undefined) take(leased, name);
      else if (line === '}') leased = undefined;
    }
    // dnsmasq: when it ends, MAC, address, name or *, client.
    else if (/^\d+$/.test(first) && isIP(third) !== 0) take(third, fourth);
    else take(first, second);
  }
  return isUnderstood ? names : undefined;
}

/** A name from outside, fit for a terminal. */
export function hostNameText(name: string): string {
  return printableLine(name.replace(/\.$/, '').slice(0, MOST_CHARACTERS));
}

/** The name of the first of the addresses that has one. */
export function nameOf(addresses: readonly string[], names: HostNames): string | undefined {
  return addresses.map((address) => names.get(address)).find((name) => name !== undefined);
}

const isName = (name: string | undefined): name is string =>
  name !== undefined && name !== '' && name !== '*';

/** One way to write each address (RFC 5952, as URLs have it), without the interface of a link-local one. */
function usual(address: string): string {
  const bare = address.replace(/%.*/, '');
  return isIP(bare) === 6 ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare;
}
