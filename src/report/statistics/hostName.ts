/** How a host is called; also on the page, so nothing else is brought there. Pure. */

/** Longer names are cut: whoever asks for a lease may call itself as it likes. */
const MOST_CHARACTERS = 24;

/**
 * `laptop 192.168.1.20 +2`: its name where one is known, the first of its addresses, and how many more there are. The
 * address stays: a host could take another one's name, or call itself by an address.
 */
export function hostName({
  name,
  addresses: [first, ...more],
  number,
}: {
  name?: string | null;
  addresses: readonly string[];
  number: number;
}): string {
  const address =
    first === undefined ? `host ${number}` : more.length === 0 ? first : `${first} +${more.length}`;
  if (name === undefined || name === null) return address;
  return `${name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name} ${address}`;
}
