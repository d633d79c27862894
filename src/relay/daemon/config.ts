/**
 * The configuration file. TOML: it has line and column for every syntax error, comments, typed values and no
 * traps (YAML's `no`), and a small parser without dependencies that is kept up (smol-toml).
 */
import { resolve } from 'node:path';
import type { TomlTable, TomlValue } from 'smol-toml';
import { locator } from '../../core/locate.ts';
import { closest } from '../../core/suggest.ts';
import { isTable, parseToml } from '../../core/toml.ts';
import { configError, type UserError, UserErrors } from '../../core/errors.ts';
import { DIRECTIONS } from '../settings/direction.ts';
import { FAULT_WORDS } from '../settings/faults.ts';
import { DEFAULT_OPTIONS, type ForwarderOptions } from '../forwarding/forwarder.ts';
import { GROUP_WORDS, isGroupName, LIMIT_WORDS, OPTION_WORDS, parseLimits } from '../settings/grammar.ts';
import { withFaults, withLimits } from '../prompt/options.ts';
import { parseSpec } from '../settings/spec.ts';
import { isVariableName, parseVariable, VARIABLE_NAMES } from '../settings/variables.ts';
import type { Times, TimesOf } from '../settings/times.ts';
import { isOwnKey, OWN_KEYS, parseOwn, readTimes } from './ownKeys.ts';
import {
  type FileSettings,
  type ForwarderSettings,
  type GroupSettings,
  NO_FILE_SETTINGS,
} from './settings.ts';

const FORWARDER_KEYS = ['proxy', ...LIMIT_WORDS, 'times', ...OPTION_WORDS, 'faults'];
const GROUP_KEYS = [...GROUP_WORDS, 'times'];

/** What a section looks like, for who wrote something else. */
const EXAMPLE =
  'a forwarder begins with [forwarder.1], a setting is written as: proxy = "10001:pop3.example.net:110"';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Reads the text of a file. Throws all errors at once, each with its place. */
export function parseConfig(text: string, file: string): FileSettings {
  const errors: UserError[] = [];
  const table = parseToml(text, file, EXAMPLE);
  const locate = locator(text);
  const complain = (path: readonly string[], problem: string): void => {
    const { line, column } = locate(path).key;
    errors.push(configError(`${file}:${line}:${column}: ${problem}`));
  };
  const settings: Mutable<FileSettings> = { ...NO_FILE_SETTINGS };
  for (const [key, value] of Object.entries(table)) {
    const path = [key];
    if (isVariableName(key)) {
      const parsed =
        typeof value === 'string' || typeof value === 'number'
          ? parseVariable(key, String(value))
          : 'neither text nor a number';
      if (typeof parsed === 'string') complain(path, `${key}: ${parsed}`);
      else settings.variables = [...settings.variables, parsed];
    } else if (key === 'forwarder') {
      settings.forwarders = parseForwarders(value, file, complain);
    } else if (key === 'group') {
      settings.groups = parseGroups(value, complain);
    } else if (isOwnKey(key)) {
      const parsed = parseOwn(key, value, file);
      if (typeof parsed === 'string') complain(path, parsed);
      else Object.assign(settings, parsed);
    } else {
      const known = [...OWN_KEYS, 'forwarder', 'group', ...VARIABLE_NAMES];
      complain(path, `unknown key ${key.slice(0, 80)}${suggest(key, known)}`);
    }
  }
  for (const { number, options } of settings.forwarders) {
    const { group } = options;
    if (group !== undefined && !settings.groups.some(({ name }) => name === group))
      complain(['forwarder', String(number), 'group'], `no group ${group}: there is no [group.${group}]`);
  }
  if (errors.length > 0) throw new UserErrors(errors);
  return settings;
}

type Complain = (path: readonly string[], problem: string) => void;

function parseGroups(value: TomlValue, complain: Complain): GroupSettings[] {
  if (!isTable(value)) {
    complain(['group'], 'groups are written as [group.NAME]');
    return [];
  }
  const groups: GroupSettings[] = [];
  for (const [name, table] of Object.entries(value)) {
    const path = ['group', name];
    if (!isGroupName(name) || !isTable(table)) {
      complain(path, `[group.${name.slice(0, 80)}]: a group has a name, as [group.web]`);
      continue;
    }
    for (const key of Object.keys(table)) {
      if (!GROUP_KEYS.includes(key))
        complain([...path, key], `[group.${name}]: unknown key ${key}${suggest(key, GROUP_KEYS)}`);
    }
    const words = GROUP_WORDS.flatMap((word) =>
      table[word] === undefined ? [] : [word, textOf(table[word])],
    );
    const limits = parseLimits(words, GROUP_WORDS, 'set group');
    const times = timesIn(table, 'group', (problem) => {
      complain([...path, 'times'], `[group.${name}]: ${problem}`);
    });
    if (typeof limits === 'string') complain(path, `[group.${name}]: ${limits}`);
    else groups.push({ name, limits: withLimits(DEFAULT_OPTIONS, limits).limits, times });
  }
  return groups;
}

/** The times of a table; none where they are wrong. */
function timesIn({ times }: TomlTable, of: TimesOf, complain: (problem: string) => void): Times {
  const read = times === undefined ? [] : readTimes(times, of);
  if (typeof read !== 'string') return read;
  complain(`times: ${read}`);
  return [];
}

function parseForwarders(value: TomlValue, file: string, complain: Complain): ForwarderSettings[] {
  if (!isTable(value)) {
    complain(['forwarder'], 'forwarders are written as [forwarder.1]');
    return [];
  }
  const forwarders: ForwarderSettings[] = [];
  for (const [number, table] of Object.entries(value)) {
    const path = ['forwarder', number];
    // `01` would be number 1 a second time, and take the first one's place without a word.
    if (!/^(0|[1-9]\d{0,5})$/.test(number) || !isTable(table)) {
      complain(path, `[forwarder.${number}]: a forwarder has a number, as [forwarder.1]`);
      continue;
    }
    const forwarder = parseForwarder(Number(number), table, file, (rest, problem) => {
      complain([...path, ...rest], `[forwarder.${number}]: ${problem}`);
    });
    if (forwarder !== undefined) forwarders.push(forwarder);
  }
  return forwarders;
}

function parseForwarder(
  number: number,
  table: TomlTable,
  file: string,
  complain: Complain,
): ForwarderSettings | undefined {
  for (const key of Object.keys(table)) {
    if (!FORWARDER_KEYS.includes(key)) complain([key], `unknown key ${key}${suggest(key, FORWARDER_KEYS)}`);
  }
  const limits = parseLimits(
    [...LIMIT_WORDS, ...OPTION_WORDS].flatMap((word) =>
      table[word] === undefined ? [] : [word, textOf(table[word])],
    ),
  );
  if (typeof limits === 'string') complain([], limits);
  let options: ForwarderOptions = withLimits(DEFAULT_OPTIONS, typeof limits === 'string' ? {} : limits);
  const times = timesIn(table, 'forwarder', (problem) => {
    complain(['times'], problem);
  });
  options = { ...options, times };
  const { faults = {} } = table;
  if (!isTable(faults)) complain(['faults'], 'faults are written as [forwarder.N.faults.up] or .down');
  else {
    for (const [side, of] of Object.entries(faults)) {
      const direction = DIRECTIONS.find((each) => each === side);
      if (direction === undefined || !isTable(of)) {
        complain(['faults', side], `faults are of a direction: up or down, not ${side}`);
        continue;
      }
      for (const [key, value] of Object.entries(of)) {
        const word = FAULT_WORDS.find((each) => each === key);
        const text = key === 'schedule' ? resolve(file, '..', textOf(value)) : textOf(value);
        const changed =
          word === undefined
            ? `unknown fault ${key}${suggest(key, FAULT_WORDS)}`
            : withFaults(options, [direction], [{ word, value: text }]);
        if (typeof changed === 'string') complain(['faults', side, key], changed);
        else options = changed;
      }
    }
  }
  const { proxy } = table;
  const spec = typeof proxy === 'string' ? parseSpec(proxy) : undefined;
  if (spec?.ok !== true) {
    const why = spec?.problem === 'ports' ? spec.why : 'must be local_port:remote_host:remote_port';
    complain(proxy === undefined ? [] : ['proxy'], `proxy: ${why}`);
    return undefined;
  }
  return { number, spec: spec.spec, options };
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);

/** `, did you mean X?` for a word that differs in little. */
function suggest(typed: string, known: readonly string[]): string {
  const near = closest(typed, known);
  return near === undefined ? '' : `, did you mean ${near}?`;
}
