/** Counters of the rules, by the rule's name, as nft and iptables-save show them. Pure. */

export interface RuleCounter {
  packets: number;
  bytes: number;
}

export type RuleCounters = Map<string, RuleCounter>;

function add(counters: RuleCounters, name: string, packets: number, bytes: number): void {
  const before = counters.get(name) ?? { packets: 0, bytes: 0 };
  counters.set(name, { packets: before.packets + packets, bytes: before.bytes + bytes });
}

/**
 * From `nft list table`: the text and not the JSON, because it has been the same in all versions. A rule
 * that nft needs several lines for is summed up.
 */
export function parseNftCounters(output: string): RuleCounters {
  const counters: RuleCounters = new Map();
  for (const match of output.matchAll(/counter packets (\d+) bytes (\d+) .*comment "([^"]*)"/g)) {
    add(counters, match[3] ?? '', Number(match[1]), Number(match[2]));
  }
  return counters;
}

/** From `iptables-save -c`, the rules in the device's chains. */
export function parseIptablesCounters(output: string, device: string): RuleCounters {
  const counters: RuleCounters = new Map();
  for (const line of output.split('\n')) {
    const match = /^\[(\d+):(\d+)\] -A inetgw-(?:out|in|l\d+)-(\S+) .*--comment "?([^" ]+)"?/.exec(line);
    if (match?.[3] !== device) continue;
    add(counters, match[4] ?? '', Number(match[1]), Number(match[2]));
  }
  return counters;
}

/** The sum of two readings, such as IPv4's and IPv6's. */
export function sumCounters(readings: readonly RuleCounters[]): RuleCounters {
  const sum: RuleCounters = new Map();
  for (const reading of readings) {
    for (const [name, { packets, bytes }] of reading) add(sum, name, packets, bytes);
  }
  return sum;
}
