/**
 * The rules as text for iptables-restore --noflush, the same for IPv4 and IPv6. Chains of our own in the
 * mangle table, one jump into each; the table is committed as one, so there is never half of it.
 */
import { limitChains, limitJumps, limitLines } from './iptablesLimits.ts';
import {
  EXTENSION_HEADERS,
  PROTOCOL_NUMBERS,
  type Family,
  type Match,
  type PortOrRange,
  type Rule,
  type RuleSet,
  type Verdict,
} from './rules.ts';
import { isSetName } from './sets.ts';

export type { Family };

/** iptables' multiport match takes at most this many ports (XT_MULTI_PORTS); a range counts as two. */
const MAX_PORTS_PER_RULE = 15;

export interface ChainNames {
  egress: string;
  ingress: string;
  /** One chain per egress class; a rule goes to it and does not come back to the rules after it. */
  class: (minor: string) => string;
}

/** At most 28 characters are allowed; a device name has at most 15. */
export function chainNames(device: string): ChainNames {
  return {
    egress: `inetgw-out-${device}`,
    ingress: `inetgw-in-${device}`,
    class: (minor) => `inetgw-${minor}-${device}`,
  };
}

/** The jump must see packets before the administrator's rules do, hence position 1. */
export function jumps(rules: RuleSet, family: Family): { chain: string; match: string }[] {
  const { device } = rules;
  const names = chainNames(device);
  return [
    { chain: 'POSTROUTING', match: `-o ${device} -j ${names.egress}` },
    { chain: 'PREROUTING', match: `-i ${device} -j ${names.ingress}` },
    ...limitJumps(rules, family),
  ];
}

/** What was there before decides how the text begins. */
export type Present =
  /** Nothing of ours: the text fails rather than add a second jump if that is not so. */
  | 'nothing'
  /** A whole set of ours, which is replaced: the text fails if its jumps are gone. */
  | 'ours'
  /** Whatever is there of ours: only for a text that is tried and not taken. */
  | 'anything';

/**
 * Text that installs the rules, replacing ours if they are `present`.
 * @param before which those are
 */
export function iptablesInstall(
  rules: RuleSet,
  family: Family,
  present: Present,
  before: RuleSet = rules,
): string {
  const names = chainNames(rules.device);
  const classIds = classIdsOf([...rules.egress, ...rules.ingress]);
  const limits = limitChains(rules, family);
  const chains = [names.egress, names.ingress, ...classIds.map((id) => names.class(minorOf(id))), ...limits];
  const left = present === 'ours' ? limitChains(before, family).filter((each) => !limits.includes(each)) : [];
  const lines =
    present === 'nothing'
      ? chains.map((chain) => `-N ${chain}`)
      : [
          ...[...chains, ...left].map((chain) => `:${chain} - [0:0]`),
          ...(present === 'ours' ? removeJumps(before, family) : []),
          ...left.map((chain) => `-X ${chain}`),
        ];
  for (const id of classIds) lines.push(`-A ${names.class(minorOf(id))} -j CLASSIFY --set-class ${id}`);
  for (const rule of rules.egress) lines.push(...renderRule(names, names.egress, rule, family));
  for (const rule of rules.ingress) lines.push(...renderRule(names, names.ingress, rule, family));
  lines.push(...limitLines(rules, family));
  for (const jump of jumps(rules, family)) lines.push(`-I ${jump.chain} 1 ${jump.match}`);
  return table(lines);
}

function removeJumps(rules: RuleSet, family: Family): string[] {
  return jumps(rules, family).map((jump) => `-D ${jump.chain} ${jump.match}`);
}

/**
 * Text that takes away whatever of ours the saved mangle table shows, or undefined if that is nothing.
 * Made from what is there, so that it works after any accident: jumps twice, chains without jumps.
 */
export function iptablesRemove(device: string, saved: string): string | undefined {
  const ours = /^inetgw-(?:out|in|fwd|[ml]\d+|[0-9a-f]+)-(.+)$/;
  const isOurs = (chain: string | undefined): boolean =>
    chain !== undefined && ours.exec(chain)?.[1] === device;
  const jumpLines: string[] = [];
  const chains: string[] = [];
  for (const line of saved.split('\n')) {
    if (line.startsWith(':')) {
      const chain = line.slice(1).split(' ')[0];
      if (chain !== undefined && isOurs(chain)) chains.push(chain);
    } else if (line.startsWith('-A ')) {
      const words = line.split(' ');
      const target = words[words.indexOf('-j') + 1];
      if (!isOurs(words[1]) && isOurs(target)) jumpLines.push(`-D ${line.slice('-A '.length)}`);
    }
  }
  if (jumpLines.length === 0 && chains.length === 0) return undefined;
  return table([
    ...jumpLines,
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]);
}

/**
 * What is wrong with the output of iptables-save, or nothing: taken for an empty table, rubbish would leave our
 * rules behind. Nothing at all is right where no table was ever used.
 */
export function savedProblem(saved: string): string | undefined {
  let inTable = false;
  for (const line of saved.split('\n')) {
    const known =
      line.trim() === '' || line.startsWith('#') || (inTable ? /^[:[-]|^COMMIT$/ : /^\*/).test(line);
    if (!known) return `it printed '${line.slice(0, 80)}'`;
    if (line.startsWith('*')) inTable = true;
    if (line === 'COMMIT') inTable = false;
  }
  return inTable ? 'its output ends within a table' : undefined;
}

function table(lines: readonly string[]): string {
  return ['*mangle', ...lines, 'COMMIT', ''].join('\n');
}

/** The classes that rules send to. */
export function classIdsOf(rules: readonly Rule[]): string[] {
  const ids = rules.flatMap((rule) => (rule.verdict.kind === 'class' ? [rule.verdict.classId] : []));
  return [...new Set(ids)].sort();
}

export function minorOf(classId: string): string {
  return classId.slice(classId.indexOf(':') + 1);
}

/** One line per alternative; none where the rule has nothing to say to the family. */
export function renderRule(names: ChainNames, chain: string, rule: Rule, family: Family): string[] {
  const alternatives = rule.matches.reduce<string[]>(
    (lines, match) => lines.flatMap((line) => renderMatch(match, family).map((text) => `${line} ${text}`)),
    [`-A ${chain}`],
  );
  return alternatives.map(
    (line) => `${line} -m comment --comment ${rule.name} ${renderVerdict(names, rule.verdict)}`,
  );
}

function renderVerdict(names: ChainNames, verdict: Verdict): string {
  switch (verdict.kind) {
    case 'class':
      return `-g ${names.class(minorOf(verdict.classId))}`;
    case 'drop':
      return '-j DROP';
    case 'unmark':
      return '-j MARK --set-mark 0';
    case 'leave':
      return '-j RETURN';
  }
}

/** The ports as texts that one multiport match takes each. */
function portGroups(ports: readonly PortOrRange[]): string[] {
  const groups: { texts: string[]; size: number }[] = [];
  for (const port of ports) {
    const [text, size] = typeof port === 'number' ? [String(port), 1] : [`${port.from}:${port.to}`, 2];
    const last = groups.at(-1);
    if (last === undefined || last.size + size > MAX_PORTS_PER_RULE) groups.push({ texts: [text], size });
    else {
      last.texts.push(text);
      last.size += size;
    }
  }
  return groups.map(({ texts }) => texts.join(','));
}

/** One condition; more than one text where iptables needs more than one rule for it. */
function renderMatch(match: Match, family: Family): string[] {
  switch (match.kind) {
    case 'protocol':
      return [`-p ${PROTOCOL_NUMBERS[match.protocol]}`];
    case 'icmp':
      return [`-p ${family === 'ipv4' ? PROTOCOL_NUMBERS.icmp : PROTOCOL_NUMBERS.icmpv6}`];
    case 'protocolNumbers':
      return match.numbers
        .filter((number) => family === 'ipv4' || !EXTENSION_HEADERS.includes(number))
        .map((number) => `-p ${number}`);
    case 'port': {
      const option = { source: '--sports', destination: '--dports', either: '--ports' }[match.side];
      const protocol = PROTOCOL_NUMBERS[match.protocol];
      return portGroups(match.ports).map((ports) => `-p ${protocol} -m multiport ${option} ${ports}`);
    }
    case 'tcpFlags': {
      const flags = (list: readonly string[]): string => list.join(',').toUpperCase();
      return [`-m tcp --tcp-flags ${flags(match.mask)} ${flags(match.set)}`];
    }
    case 'dscp':
      return match.values.map((value) => `-m dscp --dscp 0x${value.toString(16).padStart(2, '0')}`);
    case 'host':
      return match.hosts
        .filter((host) => !isSetName(host) && host.includes(':') === (family === 'ipv6'))
        .flatMap((host) => [`-s ${host}`, `-d ${host}`]);
    case 'maxIpBytes':
      return [`-m length --length 0:${match.bytes}`];
    case 'mark':
      return [`-m mark --mark ${match.mark}`];
    case 'savedMark':
      return [`-m connmark --mark ${match.mark}`];
    case 'carried':
      return [
        `-m connbytes --connbytes ${match.moreThanBytes + 1}: --connbytes-dir ${match.direction} --connbytes-mode bytes`,
      ];
    case 'direction':
      return [`-m conntrack --ctdir ${match.direction.toUpperCase()}`];
    case 'helper':
      return [`-m helper --helper ${match.helper}`];
  }
}
