/**
 * Sets of nft that others fill: `@kids` in the file is `kids_4` for IPv4 and `kids_6` for IPv6, both in the device's table, since
 * rules of nft see the sets of their own table alone. Pure.
 */
import type { Rule, RuleSet } from './rules.ts';

export const isSetName = (host: string): boolean => host.startsWith('@');

/** `@kids` → `kids_4`. No name becomes another's, or a word of nft's. */
export const setOf = (name: string, family: 4 | 6): string => `${name.slice(1)}_${family}`;

const TYPES = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;

export interface NftSet {
  name: string;
  type: string;
}

/** The sets that the rules ask, each once. */
export function setsOf({ egress, limits = [] }: RuleSet): NftSet[] {
  const hosts = [...egress.flatMap(hostsOf), ...limits.flatMap((limit) => limit.hosts)];
  return [...new Set(hosts.filter(isSetName))].flatMap((name) =>
    ([4, 6] as const).map((family) => ({ name: setOf(name, family), type: TYPES[family] })),
  );
}

const hostsOf = ({ matches }: Rule): readonly string[] =>
  matches.flatMap((match) => (match.kind === 'host' ? match.hosts : []));
