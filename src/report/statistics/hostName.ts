/** How a host is called; also on the page, so nothing else is brought there. Pure. */

/** `192.168.1.20 +2`: the first of its addresses, and how many more there are. */
export function hostName({
  addresses: [first, ...more],
  number,
}: {
  addresses: readonly string[];
  number: number;
}): string {
  if (first === undefined) return `host ${number}`;
  return more.length === 0 ? first : `${first} +${more.length}`;
}
