/** Flowtables, by which established connections are forwarded past all rules, from what nft shows of them. Pure. */

export interface Flowtable {
  /** With family and table, as nft takes it: `inet filter f`. */
  name: string;
  /** At whose ingress connections are taken out of the usual way. */
  devices: readonly string[];
}

/** @param shown what `nft list flowtables` prints */
export function parseFlowtables(shown: string): Flowtable[] {
  const found: Flowtable[] = [];
  let table = '';
  let name: string | undefined;
  for (const line of shown.split('\n').map((each) => each.trim())) {
    table = /^table (\S+ \S+) \{$/.exec(line)?.[1] ?? table;
    name = /^flowtable (\S+) \{$/.exec(line)?.[1] ?? name;
    const devices = /^devices = \{ ?(.*?),? ?\}/.exec(line)?.[1];
    if (devices === undefined || name === undefined) continue;
    // nft 1.1 puts names in quotes.
    const names = devices.split(',').map((each) => each.trim().replace(/^"(.*)"$/, '$1'));
    found.push({ name: `${table} ${name}`, devices: names.filter((each) => each !== '') });
  }
  return found;
}
