/** Limits of hosts and networks in the statistics: what passed, and what was dropped. Pure. */
import type { RuleCounter, RuleCounters } from '../../firewall/counters.ts';
import { limitCounters, type LimitRule } from '../../firewall/rules.ts';
import { formatRate, formatSize } from '../../core/units.ts';
import type { Plan } from '../../plan/plan.ts';
import { table } from './table.ts';

const BITS_PER_BYTE = 8;

/** One direction of a section `[host…]` or `[network…]`. IP bytes, without framing. */
export interface LimitStatistics {
  name: string;
  direction: 'down' | 'up';
  limitBitPerSec: number;
  /** What this limit let pass: one that is asked after it, or the queue, may have dropped it. */
  passedPackets: number;
  passedBytes: number;
  droppedPackets: number;
  droppedBytes: number;
}

const NONE: RuleCounter = { packets: 0, bytes: 0 };

/** @param counters undefined: the rules are not there */
export function limitStatistics(
  { firewall }: Pick<Plan, 'firewall'>,
  counters: RuleCounters | undefined,
): LimitStatistics[] {
  return (firewall?.rules.limits ?? []).map((limit) => {
    const names = limitCounters(limit);
    const passed = counters?.get(names.passed) ?? NONE;
    const dropped = counters?.get(names.dropped) ?? NONE;
    return {
      name: limit.name,
      direction: limit.direction,
      limitBitPerSec: limit.bytesPerSec * BITS_PER_BYTE,
      passedPackets: passed.packets,
      passedBytes: passed.bytes,
      droppedPackets: dropped.packets,
      droppedBytes: dropped.bytes,
    };
  });
}

export function limitLines(limits: readonly LimitStatistics[]): string[] {
  if (limits.length === 0) return [];
  const count = (value: number): string => value.toLocaleString('en-US');
  return [
    table(
      ['limit', 'direction', 'at most', 'passed', 'packets', 'dropped', 'packets'],
      limits.map((row) => [
        row.name,
        row.direction,
        formatRate(row.limitBitPerSec),
        formatSize(row.passedBytes),
        count(row.passedPackets),
        formatSize(row.droppedBytes),
        count(row.droppedPackets),
      ]),
    ),
  ];
}

/** `guest: down 400 kbit/s, up 100 kbit/s`, one for each section. */
export function limitTexts(limits: readonly LimitRule[]): string[] {
  const names = [...new Set(limits.map(({ name }) => name))];
  return names.map((name) => {
    const rates = limits
      .filter((limit) => limit.name === name)
      .map(({ direction, bytesPerSec }) => `${direction} ${formatRate(bytesPerSec * BITS_PER_BYTE)}`);
    return `${name}: ${rates.join(', ')}`;
  });
}
