/** The language of the prompt, of `iprelay ctl` and of the control socket: a line to a command. Pure. */
import { closest } from '../../core/suggest.ts';
import { type Direction, DIRECTIONS } from './direction.ts';
import { FAULT_WORDS, type FaultWord } from './faults.ts';
import { parseSpec, type ProxySpec } from './spec.ts';
import { parseTimes, type Times } from './times.ts';
import {
  adviceOn,
  parseBandwidth,
  type ParsedVariable,
  parseVariable,
  VARIABLE_NAMES,
  type VariableName,
} from './variables.ts';
import { matchWord } from './words.ts';

/** The limits that can stand behind a forwarder. `bandwidth` is both directions. */
export const LIMIT_WORDS = ['bandwidth', 'up', 'down', 'conn_bandwidth', 'conn_up', 'conn_down'] as const;
export type LimitWord = (typeof LIMIT_WORDS)[number];
/** What else can: the group that it is in, and the PROXY protocol towards its clients and its server. */
export const OPTION_WORDS = ['group', 'accept_proxy', 'send_proxy'] as const;
const FORWARDER_WORDS = [...LIMIT_WORDS, ...OPTION_WORDS] as const;
/** The limits of a group of forwarders. */
export const GROUP_WORDS = ['bandwidth', 'up', 'down'] as const;

/** Bytes per second; 0 takes the limit away. `group` is a name, or `off`. */
export type LimitChanges = Partial<Record<LimitWord, number>> & {
  group?: string;
  accept_proxy?: boolean;
  send_proxy?: 'v1' | 'v2' | 'off';
};

/** Names of groups are words that are no numbers, up to 32 letters. */
export const isGroupName = (name: string): boolean =>
  /^[A-Za-z][\w.-]{0,31}$/.test(name) && name.toLowerCase() !== 'off';

export type HelpTopic = 'top' | 'show' | 'set' | 'kill' | 'forwarder' | 'group' | 'times' | 'fault';

export type Command =
  | { kind: 'nothing' }
  | { kind: 'help'; topic: HelpTopic }
  | { kind: 'show'; what: 'all' | 'stats' | 'version' | 'forwarders' | 'times' | 'faults'; json: boolean }
  | { kind: 'show-share'; json: boolean }
  | { kind: 'show-variable'; name: VariableName; json: boolean }
  | { kind: 'set-variable'; parsed: ParsedVariable }
  | { kind: 'set-forwarder'; number: number; spec: ProxySpec; limits: LimitChanges }
  | { kind: 'limit-forwarder'; number: number; limits: LimitChanges }
  | { kind: 'delete-forwarder'; number: number }
  | { kind: 'limit-group'; name: string; limits: LimitChanges }
  | { kind: 'delete-group'; name: string }
  | { kind: 'set-times'; of: TimesOwner; times: Times }
  | { kind: 'set-fault'; number: number | 'all'; directions: readonly Direction[]; changes: FaultChanges }
  | { kind: 'kill'; name: string }
  | { kind: 'kill-all' }
  | { kind: 'watch' }
  | { kind: 'exit' }
  | { kind: 'error'; message: string };

/** Whose limits are others at times. */
export type TimesOwner = 'process' | { readonly forwarder: number } | { readonly group: string };

/** `off` takes all faults of these directions away. */
export type FaultChanges = 'off' | readonly { word: FaultWord; value: string }[];

export const TOP_WORDS = ['help', 'show', 'set', 'kill', 'watch', 'exit', 'quit'] as const;
const SHOW_WORDS = ['all', 'stats', 'version', 'forwarders', 'times', 'faults', 'share'] as const;

const error = (message: string): Command => ({ kind: 'error', message });
const incorrect = (topic: string, meant?: string): Command => {
  const advice = meant === undefined ? '' : `did you mean ${meant}? Or `;
  return error(`Incomplete or incorrect command, ${advice}try: ${topic === '' ? '?' : `${topic} ?`}`);
};

function wrongWord(
  typed: string,
  match: { problem: string; among?: readonly string[] },
  topic: string,
  words: readonly string[],
): Command {
  return match.among === undefined
    ? incorrect(topic, closest(typed, words))
    : error(`${typed} could be ${match.among.join(', ')}, try: ${topic === '' ? '?' : `${topic} ?`}`);
}

/** Reads one line. Never throws; what is wrong comes back as a command of kind `error`. */
export function parseCommand(line: string): Command {
  const words = line.trim().split(/\s+/);
  const json = words.includes('--json');
  const [first = '', ...rest] = words.filter((word) => word !== '--json');
  if (first === '') return { kind: 'nothing' };
  if (first === '?') return { kind: 'help', topic: 'top' };
  const match = matchWord(first, TOP_WORDS);
  if (!('word' in match)) return wrongWord(first, match, '', TOP_WORDS);
  switch (match.word) {
    case 'help':
      return { kind: 'help', topic: 'top' };
    case 'show':
      return parseShow(rest, json);
    case 'set':
      return parseSet(rest);
    case 'kill':
      return parseKill(rest);
    case 'watch':
      return { kind: 'watch' };
    case 'exit':
    case 'quit':
      return { kind: 'exit' };
  }
}

function parseShow(words: readonly string[], json: boolean): Command {
  const [what = '', more] = words;
  if (what === '?') return { kind: 'help', topic: 'show' };
  if (what === '' || more !== undefined) return incorrect('show');
  const known = [...SHOW_WORDS, ...VARIABLE_NAMES];
  const match = matchWord(what, known);
  if (!('word' in match)) return wrongWord(what, match, 'show', known);
  const { word } = match;
  const fixed = SHOW_WORDS.find((each) => each === word);
  if (fixed === 'share') return { kind: 'show-share', json };
  if (fixed !== undefined) return { kind: 'show', what: fixed, json };
  const name = VARIABLE_NAMES.find((each) => each === word);
  return name === undefined ? incorrect('show') : { kind: 'show-variable', name, json };
}

function parseSet(words: readonly string[]): Command {
  const [what = '', ...values] = words;
  if (what === '?') return { kind: 'help', topic: 'set' };
  if (what === '') return incorrect('set');
  const known = ['forwarder', 'group', 'times', 'fault', ...VARIABLE_NAMES] as const;
  const match = matchWord(what, known);
  if (!('word' in match)) return wrongWord(what, match, 'set', known);
  if (match.word === 'forwarder') return parseSetForwarder(values);
  if (match.word === 'group') return parseSetGroup(values);
  if (match.word === 'times') return parseSetTimes(values);
  if (match.word === 'fault') return parseSetFault(values);
  const [value, more] = values;
  if (value === undefined || more !== undefined) return incorrect('set');
  const parsed = parseVariable(match.word, value);
  return typeof parsed === 'string'
    ? error(`Bad value for ${match.word}: ${parsed}`)
    : { kind: 'set-variable', parsed };
}

function parseKill(words: readonly string[]): Command {
  const [what = '', more] = words;
  if (what === '?') return { kind: 'help', topic: 'kill' };
  if (what === '' || more !== undefined) return incorrect('kill');
  return what.toLowerCase() === 'all' ? { kind: 'kill-all' } : { kind: 'kill', name: what };
}

function badForwarder(text: string): Command {
  return error(`Bad forwarder: ${text}, try: set forwarder ?`);
}

/** Forwarders have numbers from 0 to 999999. */
function parseNumber(text: string): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

function parseSetForwarder(words: readonly string[]): Command {
  const [numberText = '', second, ...rest] = words;
  if (numberText === '?') return { kind: 'help', topic: 'forwarder' };
  if (numberText === '') return incorrect('set forwarder');
  const number = parseNumber(numberText);
  if (number === undefined) return badForwarder(numberText);
  if (second === undefined) return { kind: 'delete-forwarder', number };
  if (second === '?') return { kind: 'help', topic: 'forwarder' };
  if (!second.includes(':')) {
    const limits = parseLimits([second, ...rest]);
    return typeof limits === 'string' ? error(limits) : { kind: 'limit-forwarder', number, limits };
  }
  const result = parseSpec(second);
  if (!result.ok) {
    return result.problem === 'ports'
      ? error(`Bad port values, forwarder not set. (${result.why})`)
      : badForwarder(second);
  }
  const limits = parseLimits(rest);
  return typeof limits === 'string'
    ? error(`${limits}; forwarder not set.`)
    : { kind: 'set-forwarder', number, spec: result.spec, limits };
}

function parseSetGroup(words: readonly string[]): Command {
  const [name = '', ...rest] = words;
  if (name === '?' || rest[0] === '?') return { kind: 'help', topic: 'group' };
  if (name === '') return incorrect('set group');
  if (!isGroupName(name)) return error(`Bad group: ${name.slice(0, 80)}, try: set group ?`);
  if (rest.length === 0) return { kind: 'delete-group', name };
  const limits = parseLimits(rest, GROUP_WORDS, 'set group');
  return typeof limits === 'string' ? error(limits) : { kind: 'limit-group', name, limits };
}

/** `bandwidth 1024 conn_up 100` to limits, or what is wrong. */
export function parseLimits(
  words: readonly string[],
  known: readonly (typeof FORWARDER_WORDS)[number][] = FORWARDER_WORDS,
  topic = 'set forwarder',
): LimitChanges | string {
  const limits: LimitChanges = {};
  for (let i = 0; i < words.length; i += 2) {
    const typed = words[i] ?? '';
    const match = matchWord(typed, known);
    if (!('word' in match)) {
      const meant = closest(typed, known);
      return `Unknown limit: ${typed}, ${meant === undefined ? '' : `did you mean ${meant}? Or `}try: ${topic} ?`;
    }
    const value = words[i + 1];
    if (match.word === 'group' || match.word === 'accept_proxy' || match.word === 'send_proxy') {
      const problem = readOption(match.word, value, limits);
      if (problem !== undefined) return `${problem}, try: ${topic} ?`;
      continue;
    }
    const bytesPerSec = value === undefined ? undefined : parseBandwidth(value);
    if (bytesPerSec === undefined)
      return `Bad value for ${match.word}: ${value ?? 'none'}${adviceOn(value ?? '')}`;
    limits[match.word] = bytesPerSec;
  }
  return limits;
}

/** Adds an option to the changes, or says what is wrong with it. */
function readOption(
  word: (typeof OPTION_WORDS)[number],
  value = 'none',
  changes: LimitChanges,
): string | undefined {
  const bad = `Bad value for ${word}: ${value.slice(0, 80)}`;
  switch (word) {
    case 'group':
      if (value !== 'off' && !isGroupName(value)) return `Bad group: ${value.slice(0, 80)}`;
      changes.group = value;
      return undefined;
    case 'accept_proxy':
      if (!['on', 'off', 'true', 'false'].includes(value)) return `${bad}, on or off`;
      changes.accept_proxy = value === 'on' || value === 'true';
      return undefined;
    case 'send_proxy':
      if (value !== 'v1' && value !== 'v2' && value !== 'off') return `${bad}, v1, v2 or off`;
      changes.send_proxy = value;
      return undefined;
  }
}

/** `set times mon-fri 18:00-23:00 500k; sat,sun 1mb`, `set times group web off`: all times of one at once. */
function parseSetTimes(words: readonly string[]): Command {
  if (words.includes('?')) return { kind: 'help', topic: 'times' };
  const [first = ''] = words;
  if (first === '') return incorrect('set times');
  const match = first.length < 2 ? undefined : matchWord(first, ['forwarder', 'group']);
  if (match === undefined || !('word' in match)) return timesCommand('process', words);
  const [, name = '', ...rest] = words;
  if (match.word === 'group')
    return isGroupName(name)
      ? timesCommand({ group: name }, rest)
      : error(`Bad group: ${name.slice(0, 80)}, try: set times ?`);
  const number = parseNumber(name);
  return number === undefined
    ? error(`Bad forwarder: ${name.slice(0, 80)}, try: set times ?`)
    : timesCommand({ forwarder: number }, rest);
}

function timesCommand(of: TimesOwner, words: readonly string[]): Command {
  if (words.length === 0) return incorrect('set times');
  if (words.length === 1 && words[0] === 'off') return { kind: 'set-times', of, times: [] };
  const kind = of === 'process' ? of : 'group' in of ? 'group' : 'forwarder';
  const times = parseTimes(words.join(' ').replace(/;$/, '').split(';'), kind);
  return typeof times === 'string'
    ? error(`Bad time: ${times}, try: set times ?`)
    : { kind: 'set-times', of, times };
}

function parseSetFault(words: readonly string[]): Command {
  const [numberText = '', ...afterNumber] = words;
  if (numberText === '?' || afterNumber[0] === '?') return { kind: 'help', topic: 'fault' };
  const number = numberText === 'all' ? 'all' : parseNumber(numberText);
  if (number === undefined) return numberText === '' ? incorrect('set fault') : badForwarder(numberText);
  const side = afterNumber[0];
  const directions = side === 'up' || side === 'down' ? ([side] as const) : DIRECTIONS;
  const settings = side === 'up' || side === 'down' || side === 'both' ? afterNumber.slice(1) : afterNumber;
  if (settings.length === 1 && settings[0] === 'off')
    return { kind: 'set-fault', number, directions, changes: 'off' };
  const changes: { word: FaultWord; value: string }[] = [];
  for (let i = 0; i < settings.length; i += 2) {
    const match = matchWord(settings[i] ?? '', FAULT_WORDS);
    const value = settings[i + 1];
    if (!('word' in match) || value === undefined) return incorrect('set fault');
    changes.push({ word: match.word, value });
  }
  return changes.length === 0 ? incorrect('set fault') : { kind: 'set-fault', number, directions, changes };
}
