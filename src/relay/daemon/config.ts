/**
 * The configuration file. TOML: it has line and column for every syntax error, comments, typed values and no
 * traps (YAML's `no`), and a small parser without dependencies that is kept up (smol-toml).
 */
import { resolve } from 'node:path';
import { parse, TomlError, type TomlTable } from 'smol-toml';
import { locator } from '../../core/locate.ts';
import { configError, type UserError, UserErrors } from '../../core/errors.ts';
import { parseCidr } from '../clients/access.ts';
import { DIRECTIONS } from '../settings/direction.ts';
import { FAULT_WORDS } from '../settings/faults.ts';
import { DEFAULT_OPTIONS, type ForwarderOptions } from '../forwarding/forwarder.ts';
import { GROUP_WORDS, isGroupName, LIMIT_WORDS, OPTION_WORDS, parseLimits } from '../settings/grammar.ts';
import { withFaults, withLimits } from '../prompt/options.ts';
import { isShareName, parseEngine, SHARE_NAME_FORM } from '../settings/engine.ts';
import { parseSpec } from '../settings/spec.ts';
import { isVariableName, parseVariable, VARIABLE_NAMES } from '../settings/variables.ts';
import { isRelayName } from '../control/paths.ts';
import {
  type FileSettings,
  type ForwarderSettings,
  type GroupSettings,
  NO_FILE_SETTINGS,
  parseAddressPort,
  parseLogTarget,
} from './settings.ts';

const OWN_KEYS = [
  'name',
  'log',
  'log_format',
  'pid_file',
  'metrics',
  'api',
  'api_token',
  'populate',
  'share',
  'share_name',
  'allow',
  'forwarder',
  'group',
] as const;
const FORWARDER_KEYS = ['proxy', ...LIMIT_WORDS, ...OPTION_WORDS, 'faults'];

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Reads the text of a file. Throws all errors at once, each with its place. */
export function parseConfig(text: string, file: string): FileSettings {
  const errors: UserError[] = [];
  const table = parseToml(text, file);
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
    } else {
      const problem = setOwn(settings, key, value, file);
      if (problem !== undefined) complain(path, problem);
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

function parseToml(text: string, file: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'not TOML';
    throw configError(`${file}:${error.line}:${error.column}: ${what}`);
  }
}

/** Sets a key that is not a variable; returns what is wrong with it. */
function setOwn(
  settings: Mutable<FileSettings>,
  key: string,
  value: unknown,
  file: string,
): string | undefined {
  switch (key) {
    case 'name':
      if (typeof value !== 'string' || !isRelayName(value))
        return 'name: letters, digits, dot, dash, up to 32';
      settings.name = value;
      return undefined;
    case 'log':
      if (typeof value !== 'string' || value === '') return 'log: none, stderr, syslog, journal or a file';
      settings.log = beside(file, parseLogTarget(value));
      return undefined;
    case 'log_format':
      if (value !== 'json' && value !== 'readable') return 'log_format: json or readable';
      settings.logFormat = value;
      return undefined;
    case 'pid_file':
      if (typeof value !== 'string' || value === '') return 'pid_file: not a file name';
      settings.pidFile = resolve(file, '..', value);
      return undefined;
    case 'metrics':
      settings.metrics =
        typeof value === 'string' || typeof value === 'number' ? parseAddressPort(String(value)) : undefined;
      return settings.metrics === undefined ? `metrics: not a port or address:port` : undefined;
    case 'api':
      settings.api =
        typeof value === 'string' || typeof value === 'number'
          ? parseAddressPort(String(value), 0)
          : undefined;
      return settings.api === undefined ? 'api: not a port or address:port' : undefined;
    case 'api_token':
    case 'populate':
      if (typeof value !== 'string' || value === '') return `${key}: not a file name`;
      settings[key === 'api_token' ? 'apiToken' : 'populate'] = resolve(file, '..', value);
      return undefined;
    case 'share': {
      const engine = typeof value === 'string' ? parseEngine(value) : 'not the address of an engine';
      if (typeof engine === 'string') return `share: ${engine}`;
      settings.engine = engine;
      return undefined;
    }
    case 'share_name':
      if (typeof value !== 'string' || !isShareName(value)) return `share_name: ${SHARE_NAME_FORM}`;
      settings.shareName = value;
      return undefined;
    case 'allow': {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      const wrong = list.find((each) => typeof each !== 'string' || parseCidr(each) === undefined);
      if (wrong !== undefined)
        return `allow: not a network: ${JSON.stringify(wrong)} (for instance 192.0.2.0/24)`;
      settings.allow = list.map(String);
      return undefined;
    }
    default:
      return `unknown key ${key.slice(0, 80)}${suggest(key, [...OWN_KEYS, ...VARIABLE_NAMES])}`;
  }
}

function beside<T>(file: string, target: T): T {
  return typeof target === 'object' && target !== null && 'file' in target
    ? { ...target, file: resolve(file, '..', String(target.file)) }
    : target;
}

type Complain = (path: readonly string[], problem: string) => void;

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function parseGroups(value: unknown, complain: Complain): GroupSettings[] {
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
      if (!GROUP_WORDS.some((word) => word === key))
        complain([...path, key], `[group.${name}]: unknown key ${key}${suggest(key, GROUP_WORDS)}`);
    }
    const words = GROUP_WORDS.flatMap((word) =>
      table[word] === undefined ? [] : [word, textOf(table[word])],
    );
    const limits = parseLimits(words, GROUP_WORDS, 'set group');
    if (typeof limits === 'string') complain(path, `[group.${name}]: ${limits}`);
    else groups.push({ name, limits: withLimits(DEFAULT_OPTIONS, limits).limits });
  }
  return groups;
}

function parseForwarders(value: unknown, file: string, complain: Complain): ForwarderSettings[] {
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
  table: Record<string, unknown>,
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
  if (typed.length > 40) return '';
  const near = known.find((word) => distance(word, typed.toLowerCase()) <= 2);
  return near === undefined ? '' : `, did you mean ${near}?`;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
