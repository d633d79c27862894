/** Completion at the prompt: what could stand where the cursor is. Pure. */
import { FAULT_WORDS } from '../settings/faults.ts';
import { GROUP_WORDS, LIMIT_WORDS, OPTION_WORDS, TOP_WORDS } from '../settings/grammar.ts';
import { VARIABLE_NAMES } from '../settings/variables.ts';

export interface Names {
  readonly forwarders: readonly number[];
  readonly connections: readonly string[];
}

function candidates(before: readonly string[], names: Names): readonly string[] {
  const [top = '', second = '', third] = before;
  if (before.length === 0) return ['?', ...TOP_WORDS];
  const forwarders = names.forwarders.map(String);
  if ('show'.startsWith(top) && top.length > 1 && before.length === 1) {
    return ['all', 'stats', 'forwarders', 'times', 'faults', 'version', 'share', ...VARIABLE_NAMES];
  }
  if ('kill'.startsWith(top) && before.length === 1) return ['all', ...names.connections];
  if (!('set'.startsWith(top) && top.length > 1)) return [];
  if (before.length === 1) return ['forwarder', 'group', 'times', 'fault', ...VARIABLE_NAMES];
  if (second === 'forwarder') {
    if (before.length === 2) return forwarders;
    return before.length % 2 === (third !== undefined && before[3]?.includes(':') === true ? 0 : 1)
      ? [...LIMIT_WORDS, ...OPTION_WORDS]
      : [];
  }
  if (second === 'group') return before.length % 2 === 1 ? GROUP_WORDS : [];
  if (second === 'times') {
    if (before.length === 2) return ['forwarder', 'group', 'off'];
    return third === 'forwarder' && before.length === 3 ? forwarders : ['off'];
  }
  if (second === 'fault') {
    if (before.length === 2) return ['all', ...forwarders];
    return ['up', 'down', 'both', 'off', 'hold', ...FAULT_WORDS];
  }
  return [];
}

/** The words that may complete the line, and the part of it they replace (as node:readline wants them). */
export function complete(line: string, names: Names): [string[], string] {
  const words = line.trimStart().split(/\s+/);
  const last = words.pop() ?? '';
  const fitting = candidates(words, names).filter((word) => word.startsWith(last));
  // The only one is followed by a space: the next word can be typed.
  return [fitting.length === 1 ? fitting.map((word) => `${word} `) : fitting, last];
}
