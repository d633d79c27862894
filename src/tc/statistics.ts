/** Counters from `tc -s -j`. Pure; tested on recorded output of several versions. */

export interface Counters {
  bytes: number;
  packets: number;
  dropped: number;
  overlimits: number;
}

export interface QueueCounters extends Counters {
  backlogBytes: number;
  backlogPackets: number;
}

/** Counters of the qdiscs of `tc -s -j qdisc show dev X`, by parent (`root`, `1:10`). */
export function parseQdiscStatistics(output: string): Map<string, QueueCounters> {
  const found = new Map<string, QueueCounters>();
  for (const qdisc of jsonObjects(output)) {
    const parent = qdisc['root'] === true ? 'root' : qdisc['parent'];
    if (typeof parent !== 'string') continue;
    found.set(parent, {
      ...countersOf(qdisc),
      backlogBytes: numberOf(qdisc['backlog']),
      backlogPackets: numberOf(qdisc['qlen']),
    });
  }
  return found;
}

/**
 * Counters of the actions of `tc -s -j filter show dev X ingress`, by kind and index (`police 5`). Where the
 * actions stand differs between versions of tc, so they are looked for at any depth.
 */
export function parseActionStatistics(output: string): Map<string, Counters> {
  const found = new Map<string, Counters>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(visit);
    } else if (isObject(value)) {
      const { kind, index, stats } = value;
      if (typeof kind === 'string' && typeof index === 'number' && isObject(stats)) {
        found.set(`${kind} ${index}`, countersOf(stats));
      }
      Object.values(value).forEach(visit);
    }
  };
  visit(JSON.parse(output === '' ? '[]' : output));
  return found;
}

function countersOf(stats: Record<string, unknown>): Counters {
  return {
    bytes: numberOf(stats['bytes']),
    packets: numberOf(stats['packets']),
    dropped: numberOf(stats['drops']),
    overlimits: numberOf(stats['overlimits']),
  };
}

function jsonObjects(output: string): Record<string, unknown>[] {
  const list: unknown = JSON.parse(output === '' ? '[]' : output);
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
