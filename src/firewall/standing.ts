/** Whether the rules of a plan stand as it has them, told from what the tool shows. Pure. */
import { chainNames, classIdsOf, jumps, minorOf, renderRule, type Family } from './iptables.ts';
import * as iptablesLimits from './iptablesLimits.ts';
import { ruleLines } from './nft.ts';
import * as nftLimits from './nftLimits.ts';
import type { RuleSet } from './rules.ts';

export type FirewallStanding =
  | { state: 'whole' }
  | { state: 'gone' }
  /** Names of rules, and of iptables' chains, of which fewer stand there than were set. */
  | { state: 'altered'; missing: readonly string[] };

/** @param shown what `nft list table` prints; undefined: there is no such table */
export function nftStanding(rules: RuleSet, shown: string | undefined): FirewallStanding {
  if (shown === undefined) return { state: 'gone' };
  // Rules in a chain that hangs nowhere are asked by nobody.
  const { limits = [] } = rules;
  const hooks = ['postrouting', 'prerouting', ...(limits.length === 0 ? [] : ['forward'])];
  const hookNames = hooks.map((hook) => `the hook ${hook}`);
  const hanging = hookNames.filter((hook) => shown.includes(` ${hook.slice('the '.length)} `));
  const names = [...shown.matchAll(/ comment "([^"]*)"$/gm)].map(([, name = '']) => name);
  const wanted = [
    ...[...rules.egress, ...rules.ingress].flatMap((rule) => ruleLines(rule).map(() => rule.name)),
    ...nftLimits.limitRuleNames(rules),
  ];
  return standingOf([...hookNames, ...wanted], [...hanging, ...names]);
}

/** @param saved what iptables-save or ip6tables-save prints */
export function iptablesStanding(rules: RuleSet, family: Family, saved: string): FirewallStanding {
  const lines = saved.split('\n').map((line) => line.trimEnd());
  const jumping = jumps(rules, family).every(({ chain, match }) => {
    const target = match.slice(match.indexOf('-j '));
    const isThere = lines.some((line) => line.startsWith(`:${target.slice('-j '.length)} `));
    return isThere && lines.some((line) => line.startsWith(`-A ${chain} `) && line.endsWith(` ${target}`));
  });
  if (!jumping) return { state: 'gone' };
  const names = chainNames(rules.device);
  const wanted = [
    ...rules.egress.flatMap((rule) => renderRule(names, names.egress, rule, family).map(() => rule.name)),
    ...rules.ingress.flatMap((rule) => renderRule(names, names.ingress, rule, family).map(() => rule.name)),
    ...classIdsOf([...rules.egress, ...rules.ingress]).map((id) => names.class(minorOf(id))),
    ...iptablesLimits.limitRuleNames(rules, family),
  ];
  const own = new Set([names.egress, names.ingress, ...iptablesLimits.limitChains(rules, family)]);
  const found = lines.flatMap((line): string[] => {
    const [, chain = '', rest = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    if (own.has(chain)) return [/--comment "?([^" ]+)/.exec(rest)?.[1] ?? ''];
    return rest.includes('-j CLASSIFY') ? [chain] : [];
  });
  return standingOf(wanted, found);
}

function standingOf(wanted: readonly string[], found: readonly string[]): FirewallStanding {
  const count = (list: readonly string[], name: string): number =>
    list.filter((each) => each === name).length;
  const missing = [...new Set(wanted)].filter((name) => count(found, name) < count(wanted, name));
  return missing.length === 0 ? { state: 'whole' } : { state: 'altered', missing };
}
