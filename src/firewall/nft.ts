/**
 * The rules as one nft transaction: a table of our own per device, so that what others have is never
 * touched, and taking it away leaves nothing.
 */
import { limitChains, limitLines } from './nftLimits.ts';
import { portText } from './ports.ts';
import {
  PROTOCOL_NUMBERS,
  STAGE_1_PRIORITY,
  type HostNumbers,
  type Match,
  type Rule,
  type RuleSet,
  type Side,
  type Verdict,
} from './rules.ts';
import { isSetName, setOf, setsOf } from './sets.ts';

/**
 * Egress just after mangle (-150), so that a class set here is not lost to a general rule there. Ingress right after
 * connection tracking (-200), whose byte counts the rules read: before whoever restores, saves or compares marks.
 */
const PRIORITY = { egress: -149, ingress: -199 } as const;

/** nft's identifiers take letters, digits and few signs: others are written as their code, so names stay unique. */
export function tableName(device: string): string {
  const safe = device.replaceAll(
    /[^A-Za-z0-9]/g,
    (sign) => `_${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `inetgw_${safe}`;
}

/** Text that takes our table away; fine if there is none. (`destroy` would need nft 1.0.7.) */
export function nftRemove(device: string): string {
  const name = tableName(device);
  return `add table inet ${name}\ndelete table inet ${name}\n`;
}

/**
 * Text that installs the rules, replacing ours in the same transaction. With sets that others fill, the table stays and what is in
 * them with it: all else in it is made anew.
 *
 * @param side only these, in a table of their own: for administrators who carry the rules themselves
 * @param before rules that may stand there
 */
export function nftInstall(rules: RuleSet, side?: Side, before: RuleSet = rules): string {
  const name = `${tableName(rules.device)}${side === undefined ? '' : `_${side}`}`;
  const chain = (name: Side, hook: string, other: string, list: readonly Rule[]): string[] => {
    const { shared, rest } = withoutSharedMark(list);
    return [
      `  chain ${name} {`,
      `    type filter hook ${hook} priority ${PRIORITY[name]}; policy accept;`,
      ...(shared === undefined
        ? []
        : [`    meta mark != ${shared} return`, `    meta priority != ${STAGE_1_PRIORITY} return`]),
      `    ${other} != "${rules.device}" return`,
      ...rest.flatMap(ruleLines).map((line) => `    ${line}`),
      '  }',
    ];
  };
  const sets = setsOf(rules);
  const declared = ({ name, type }: (typeof sets)[number]): string =>
    `set ${name} { type ${type}; flags timeout; }`;
  return [
    `add table inet ${name}`,
    ...(sets.length === 0 ? [`delete table inet ${name}`] : emptied(name, rules, before)),
    `table inet ${name} {`,
    ...sets.map((set) => `  ${declared(set)}`),
    ...limitLines(rules),
    ...(side === 'ingress' ? [] : chain('egress', 'postrouting', 'oifname', rules.egress)),
    ...(side === 'egress' ? [] : chain('ingress', 'prerouting', 'iifname', rules.ingress)),
    '}',
    '',
  ].join('\n');
}

/**
 * Takes everything out of the table but the sets that stay. Each is made before it is deleted: then it is no error that it is
 * not there.
 */
function emptied(table: string, rules: RuleSet, before: RuleSet): string[] {
  const stay = new Set(setsOf(rules).map(({ name }) => name));
  const chains = new Set(['egress', 'ingress', ...limitChains(before), ...limitChains(rules)]);
  return [
    `flush table inet ${table}`,
    ...[...chains].flatMap((chain) => [
      `add chain inet ${table} ${chain}`,
      `delete chain inet ${table} ${chain}`,
    ]),
    ...setsOf(before)
      .filter(({ name }) => !stay.has(name))
      .flatMap(({ name, type }) => [
        `add set inet ${table} ${name} { type ${type}; flags timeout; }`,
        `delete set inet ${table} ${name}`,
      ]),
  ];
}

/**
 * The mark that each of these rules asks for, and the rules without it: said once, before the device, it lets all
 * other packets go after one comparison of a number (six rules and a name less for nearly all that comes in).
 */
function withoutSharedMark(rules: readonly Rule[]): { shared?: number; rest: readonly Rule[] } {
  const [mark, ...others] = new Set(
    rules.map(({ matches }) => matches.find((match) => match.kind === 'mark')?.mark),
  );
  if (mark === undefined || others.length > 0) return { rest: rules };
  const rest = rules.map((rule) => ({
    ...rule,
    matches: rule.matches.filter(({ kind }) => kind !== 'mark'),
  }));
  return { shared: mark, rest };
}

/** Whether nft has the rule at all: what is told by a saved mark, it tells by the priority instead. */
export function isRendered(rule: Rule): boolean {
  return ruleLines(rule).length > 0;
}

/** A line per alternative, each with the rule's name as its comment. */
export function ruleLines(rule: Rule): string[] {
  const alternatives = rule.matches.reduce<string[]>(
    (lines, match) => lines.flatMap((line) => renderMatch(match).map((text) => `${line}${text} `)),
    [''],
  );
  return alternatives.flatMap((line) =>
    renderVerdict(rule.verdict).map((verdict) => `${line}${verdict} comment "${rule.name}"`),
  );
}

/** The verdict with its counter; more than one text where it depends on the packet, each with the condition first. */
function renderVerdict(verdict: Verdict): string[] {
  switch (verdict.kind) {
    case 'class':
      return verdict.numbered === undefined
        ? [`counter meta priority set ${verdict.classId} return`]
        : numberedVerdicts(verdict.numbered);
    case 'drop':
      return ['counter drop'];
    case 'unmark':
      return ['counter meta mark set 0 meta priority set none return'];
    case 'leave':
      return ['counter return'];
  }
}

/** Any will do; without one nft takes another at each start, and no two runs would say the same. */
export const HOST_SEED = 1;

/** Hosts by their address. */
function numberedVerdicts({ first, count }: HostNumbers): string[] {
  const numbered = (condition: string, what: string): string =>
    `${condition} counter meta priority set jhash ${what} mod ${count} seed 0x${HOST_SEED.toString(16)} offset ${first} return`;
  return [numbered('meta nfproto ipv4', 'ip saddr'), numbered('meta nfproto ipv6', 'ip6 saddr')];
}

/** One condition; more than one text where nft needs more than one rule for it. */
function renderMatch(match: Match): string[] {
  switch (match.kind) {
    case 'protocol':
      return [`meta l4proto ${PROTOCOL_NUMBERS[match.protocol]}`];
    case 'icmp':
      return [`meta l4proto { ${PROTOCOL_NUMBERS.icmp}, ${PROTOCOL_NUMBERS.icmpv6} }`];
    case 'protocolNumbers':
      return [`meta l4proto { ${match.numbers.join(', ')} }`];
    case 'port': {
      const sides = { source: ['sport'], destination: ['dport'], either: ['sport', 'dport'] }[match.side];
      return sides.map((side) => `${match.protocol} ${side} { ${match.ports.map(portText).join(', ')} }`);
    }
    case 'tcpFlags':
      return [`tcp flags & (${match.mask.join(' | ')}) == ${match.set.join(' | ')}`];
    case 'dscp':
      return ['ip', 'ip6'].map((family) => `${family} dscp { ${match.values.join(', ')} }`);
    case 'host':
      // One by one: in a set, an address inside a network that is named too would be an error.
      return match.hosts.flatMap((host) => {
        if (isSetName(host)) {
          const of = (family: 4 | 6): string => `@${setOf(host, family)}`;
          return [`ip saddr ${of(4)}`, `ip daddr ${of(4)}`, `ip6 saddr ${of(6)}`, `ip6 daddr ${of(6)}`];
        }
        const family = host.includes(':') ? 'ip6' : 'ip';
        return [`${family} saddr ${host}`, `${family} daddr ${host}`];
      });
    case 'maxIpBytes':
      return [`meta length <= ${match.bytes}`];
    case 'mark':
      return [`meta mark ${match.mark} meta priority ${STAGE_1_PRIORITY}`];
    case 'savedMark':
      return [];
    case 'carried':
      return [`ct ${match.direction} bytes > ${match.moreThanBytes}`];
    case 'direction':
      return [`ct direction ${match.direction}`];
    case 'helper':
      return [`ct helper "${match.helper}"`];
  }
}
