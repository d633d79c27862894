/**
 * The mangle tables that iptables-nft makes when it is first asked and leaves behind empty, as nft shows them. Those that
 * were not there before inetgw go with its rules. (iptables-legacy's are the kernel's own.) Pure.
 */
import type { Family } from './iptables.ts';

export const NFT_FAMILY = { ipv4: 'ip', ipv6: 'ip6' } as const;

export type MangleTable =
  /** Nothing but built-in chains that accept. */
  | { state: 'empty'; chains: readonly string[] }
  /** Besides those, chains of inetgw and jumps into them. */
  | { state: 'ours'; chains: readonly string[] }
  | { state: 'used' };

/** Reads what `nft list table ip mangle` prints. */
export function parseMangleTable(text: string): MangleTable {
  const chains: string[] = [];
  let ours = false;
  for (const [, name = '', body = ''] of text.matchAll(/^\tchain (\S+) \{\n([^]*?)^\t\}/gm)) {
    const lines = body.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
    if (isOurs(name)) {
      ours = true;
      continue;
    }
    const [hook = '', ...rules] = lines;
    const jumps = rules.filter((rule) => isOurs(/ (?:jump|goto) (\S+)$/.exec(rule)?.[1] ?? ''));
    // One without a hook is somebody's own, one that does not accept is used.
    if (!/^type \w+ hook .*; policy accept;$/.test(hook) || jumps.length < rules.length)
      return { state: 'used' };
    if (jumps.length > 0) ours = true;
    chains.push(name);
  }
  return { state: ours ? 'ours' : 'empty', chains };
}

const isOurs = (chain: string): boolean => chain.startsWith('inetgw-');

/** Text for nft: refused as a whole if a rule has come into one of the chains meanwhile. */
export function removeMangleTable(family: Family, chains: readonly string[]): string {
  const name = `${NFT_FAMILY[family]} mangle`;
  return [...chains.map((chain) => `delete chain ${name} ${chain}`), `delete table ${name}`, ''].join('\n');
}
