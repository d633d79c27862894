/**
 * Limits of hosts as chains of iptables' mangle table, one family at a time. Each has two, as with nft: one that finds its packets,
 * and one with the limit. Pure.
 */
import { limitCounters, type Family, type LimitRule, type RuleSet } from './rules.ts';
import { isSetName } from './sets.ts';

interface FamilyLimit {
  limit: LimitRule;
  index: number;
  hosts: readonly string[];
}

/** Those that say something to the family; a set of nft says nothing to iptables. */
function limitsOf({ limits = [] }: RuleSet, family: Family): FamilyLimit[] {
  return limits
    .map((limit, index) => ({
      limit,
      index,
      hosts: limit.hosts.filter((host) => !isSetName(host) && host.includes(':') === (family === 'ipv6')),
    }))
    .filter(({ hosts }) => hosts.length > 0);
}

export const forwardChain = (device: string): string => `inetgw-fwd-${device}`;
const matchChain = (device: string, index: number): string => `inetgw-m${index}-${device}`;
const limitChain = (device: string, index: number): string => `inetgw-l${index}-${device}`;

/** The chains of the family. */
export function limitChains(rules: RuleSet, family: Family): string[] {
  const { device } = rules;
  const limits = limitsOf(rules, family);
  return limits.length === 0
    ? []
    : [
        forwardChain(device),
        ...limits.flatMap(({ index }) => [matchChain(device, index), limitChain(device, index)]),
      ];
}

/** What goes into them. */
export function limitLines(rules: RuleSet, family: Family): string[] {
  return limitsOf(rules, family).flatMap(({ limit, index, hosts }) => {
    const { device } = rules;
    const { direction } = limit;
    const { dropped, passed } = limitCounters(limit);
    const [by, first, second] = direction === 'down' ? ['-i', '-d', '-s'] : ['-o', '-s', '-d'];
    const [match, bucket] = [matchChain(device, index), limitChain(device, index)];
    return [
      `-A ${forwardChain(device)} ${by} ${device} -m comment --comment to-${direction}-${limit.name} -j ${match}`,
      ...[first, second].flatMap((end) =>
        hosts.map(
          (host) =>
            `-A ${match} ${end} ${host} -m comment --comment hosts-${direction}-${limit.name} -g ${bucket}`,
        ),
      ),
      `-A ${bucket} ${overRate(device, limit, index)} -m comment --comment ${dropped} -j DROP`,
      `-A ${bucket} -m comment --comment ${passed} -j RETURN`,
    ];
  });
}

/**
 * Without a word on its burst, hashlimit lets a second's worth of the rate pass at once, as nft does. Its table is known by its name and
 * keeps the rate that it was made with for as long as a rule has it, also one that is just being replaced: the rate is in the name.
 */
function overRate(device: string, { direction, bytesPerSec }: LimitRule, index: number): string {
  const name = `inetgw-${device}-${direction}-${index}-${bytesPerSec}`;
  return `-m hashlimit --hashlimit-above ${bytesPerSec}b/s --hashlimit-name ${name}`;
}

/** The names by which their rules are known, each as often as it stands there. */
export function limitRuleNames(rules: RuleSet, family: Family): string[] {
  return limitLines(rules, family).map((line) => /--comment (\S+)/.exec(line)?.[1] ?? '');
}

/** The jump into them; none where the family has none. */
export function limitJumps(rules: RuleSet, family: Family): { chain: string; match: string }[] {
  const isEmpty = limitsOf(rules, family).length === 0;
  return isEmpty ? [] : [{ chain: 'FORWARD', match: `-j ${forwardChain(rules.device)}` }];
}
