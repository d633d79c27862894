/** Counters from `tc -s -j`. Pure; tested on recorded output of several versions. */
import { actionTexts } from './actionText.ts';
import { parseJsonOutput, UnreadableOutput } from './parse.ts';

/** tc's own output is about ten deep. */
const MAX_DEPTH = 100;

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
 * actions stand differs between versions of tc, so they are looked for at any depth. Also takes what tc prints
 * without `-j`. Throws `UnreadableOutput`: on what is neither, and on the JSON of tc 5.9 and 5.10, which print
 * police actions as text in the midst of it.
 */
export function parseActionStatistics(output: string): Map<string, Counters> {
  if (output.startsWith('filter ')) return parseActionText(output);
  const found = new Map<string, Counters>();
  const visit = (value: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) throw new UnreadableOutput('tc printed JSON that is nested too deeply');
    if (Array.isArray(value)) {
      for (const each of value) visit(each, depth + 1);
    } else if (isObject(value)) {
      const { kind, index, stats } = value;
      if (typeof kind === 'string' && typeof index === 'number' && isObject(stats)) {
        found.set(`${kind} ${index}`, countersOf(stats));
      }
      for (const each of Object.values(value)) visit(each, depth + 1);
    }
  };
  visit(parseJsonOutput('tc', output === '' ? '[]' : output), 0);
  return found;
}

function parseActionText(output: string): Map<string, Counters> {
  const found = new Map<string, Counters>();
  for (const { key, text } of actionTexts(output)) {
    const sent = /Sent (\d+) bytes (\d+) pkts? \(dropped (\d+), overlimits (\d+)/.exec(text);
    if (sent === null) continue;
    const [, bytes, packets, dropped, overlimits] = sent;
    found.set(key, {
      bytes: Number(bytes),
      packets: Number(packets),
      dropped: Number(dropped),
      overlimits: Number(overlimits),
    });
  }
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
  const list = parseJsonOutput('tc', output === '' ? '[]' : output);
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
