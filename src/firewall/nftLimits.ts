/**
 * Limits of hosts as chains of the device's table. Each has two: one that finds its packets, and one with the limit, in which all of
 * them are counted together, whatever family and end of the connection they were found by. Pure.
 */
import { limitCounters, type LimitRule, type RuleSet } from './rules.ts';
import { isSetName, setOf } from './sets.ts';

/** As of the other rules that change nothing but drop: beside mangle. */
const PRIORITY = -149;

/**
 * nft_limit lets a second's worth of the rate pass at once, and the burst in addition (nft_limit_init: rate + burst), so TCP has
 * several round trips to come back from a loss without losing its rate. What GRO has made one of many packets, up to this long, has to
 * fit in as well: a packet longer than the bucket would never pass.
 */
const LEAST_BUCKET_BYTES = 65_536;

const HOOK_CHAIN = 'limits';
const limitChain = (index: number): string => `limit_${index}`;
const matchChain = (index: number): string => `match_${index}`;

/** The chains, by name, that the limits of these rules are made of. */
export function limitChains({ limits = [] }: RuleSet): string[] {
  return limits.length === 0
    ? []
    : [HOOK_CHAIN, ...limits.flatMap((_, index) => [matchChain(index), limitChain(index)])];
}

/** Chains as they stand in a table, each line indented by `indent`. */
export function limitLines({ device, limits = [] }: RuleSet): string[] {
  if (limits.length === 0) return [];
  return [
    ...limits.flatMap((limit, index) => [
      ...chain(limitChain(index), bucketLines(limit)),
      ...chain(matchChain(index), matchLines(limit, index)),
    ]),
    ...chain(HOOK_CHAIN, [
      `type filter hook forward priority ${PRIORITY}; policy accept;`,
      ...limits.map((limit, index) => jumpLine(device, limit, index)),
    ]),
  ];
}

const chain = (name: string, lines: readonly string[]): string[] => [
  `  chain ${name} {`,
  ...lines.map((line) => `    ${line}`),
  '  }',
];

function bucketLines(limit: LimitRule): string[] {
  const burst = Math.max(0, LEAST_BUCKET_BYTES - limit.bytesPerSec);
  const { dropped, passed } = limitCounters(limit);
  return [
    `limit rate over ${limit.bytesPerSec} bytes/second burst ${burst} bytes counter drop comment "${dropped}"`,
    `counter comment "${passed}"`,
  ];
}

/** A packet that goes on to the limit does not come back to this chain, so none is counted twice. */
function matchLines(limit: LimitRule, index: number): string[] {
  return limitMatches(limit).map(
    (match) => `${match} goto ${limitChain(index)} comment "${limitMatchName(limit)}"`,
  );
}

const limitMatchName = ({ name, direction }: LimitRule): string => `hosts-${direction}-${name}`;
const limitJumpName = ({ name, direction }: LimitRule): string => `to-${direction}-${name}`;

function jumpLine(device: string, limit: LimitRule, index: number): string {
  const by = limit.direction === 'down' ? 'iifname' : 'oifname';
  return `${by} "${device}" jump ${matchChain(index)} comment "${limitJumpName(limit)}"`;
}

/** First the end that is nearly always the one: the host's, in what comes down its own address is where it goes to. */
function limitMatches({ hosts, direction }: LimitRule): string[] {
  const ends = direction === 'down' ? ['daddr', 'saddr'] : ['saddr', 'daddr'];
  const families = [
    { word: 'ip', number: 4, named: hosts.filter((each) => !isSetName(each) && !each.includes(':')) },
    { word: 'ip6', number: 6, named: hosts.filter((each) => each.includes(':')) },
  ] as const;
  return families.flatMap(({ word, number, named }) =>
    ends.flatMap((end) => [
      ...(named.length === 0 ? [] : [`${word} ${end} { ${named.join(', ')} }`]),
      ...hosts.filter(isSetName).map((set) => `${word} ${end} @${setOf(set, number)}`),
    ]),
  );
}

/** The names by which their rules are known, each as often as it stands there. */
export function limitRuleNames({ limits = [] }: RuleSet): string[] {
  return limits.flatMap((limit) => [
    ...Object.values(limitCounters(limit)),
    ...limitMatches(limit).map(() => limitMatchName(limit)),
    limitJumpName(limit),
  ]);
}
