/**
 * The configuration file: TOML, one section per device. Every error has its line and column, all of them
 * are told at once. Pure: the text comes from system/record/configFile.ts.
 */
import { parse, TomlError, type TomlTable, type TomlValue } from 'smol-toml';
import { deviceNameProblem } from '../core/deviceNames.ts';
import { configError, UserErrors, type UserError } from '../core/errors.ts';
import {
  FILE_KEY_NAMES,
  FILE_KEYS,
  SEARCH_KEY_NAMES,
  SEARCH_KEYS,
  SHAPER_KEY_NAMES,
  type FileKey,
  type KeyForm,
  type SearchDefaults,
  type ShaperKey,
} from './keys.ts';
import { locator, type Locate, type Place } from '../core/locate.ts';
import { parseLineRate, type Parsed } from './parsers.ts';
import { checkTuning, doubts, errorAt, limitErrors } from './settings.ts';
import { assumedLink } from '../plan/input/assumedLink.ts';
import { explicitRates, rateDoubt, type RateTexts } from './rateDoubts.ts';
import { closest } from '../core/suggest.ts';
import type { Value, Values } from './values.ts';

export interface DeviceSection {
  device: string;
  /** Raw rates of the line as they are written; both or neither is there. */
  rates: { up: Value; down: Value } | undefined;
  /** What is said about the shaper, to be put under flags and environment. */
  values: Values;
  search: SearchDefaults;
  /** What is wrong with this section. */
  errors: readonly UserError[];
  warnings: readonly string[];
}

export interface Configuration {
  /** The file, for messages. */
  file: string;
  /** In the order of the file. */
  sections: readonly DeviceSection[];
  /** What is wrong outside the sections. */
  errors: readonly UserError[];
}

/** Reads a file's text. Throws where it is no TOML; other errors stand in the result. */
export function parseConfiguration(text: string, file: string): Configuration {
  const table = parseToml(text, file);
  const locate = locator(text);
  const sections: DeviceSection[] = [];
  const errors: UserError[] = [];
  for (const [device, content] of Object.entries(table)) {
    const at = (place: Place): string => `${file}:${place.line}:${place.column}`;
    const place = locate([device]).key;
    if (!isTable(content)) {
      const isKey = (FILE_KEY_NAMES as readonly string[]).includes(device);
      errors.push(
        configError(
          `${at(place)}: ${device} stands outside a section`,
          isKey ? `begin the device's section before it, with a line such as [ppp0]` : undefined,
        ),
      );
      continue;
    }
    const problem = deviceNameProblem(device);
    if (problem !== undefined) errors.push(configError(`${at(place)}: ${problem}`));
    else sections.push(readSection(locate, file, device, content));
  }
  return { file, sections, errors: inOrder(errors, file) };
}

/** In the order of the lines, which each message begins with. */
function inOrder(errors: readonly UserError[], file: string): UserError[] {
  const placeOf = ({ message }: UserError): [number, number] => {
    const [, line, column] = /^:(\d+):(\d+):/.exec(message.slice(file.length)) ?? [];
    return [Number(line ?? 0), Number(column ?? 0)];
  };
  return errors
    .map((error) => ({ error, place: placeOf(error) }))
    .sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1])
    .map(({ error }) => error);
}

/** Throws everything that is wrong with the file. */
export function requireFaultless({ file, sections, errors }: Configuration): void {
  const all = inOrder([...errors, ...sections.flatMap((section) => section.errors)], file);
  if (all.length > 0) throw new UserErrors(all);
}

/** More slips in the form of a file than anybody wants to be told at once; each costs a reading of the whole. */
const MOST_SLIPS = 20;

/**
 * The parser stops at the first slip. Where that is one line that stands alone, it is left out and the rest is read, so that
 * all slips are told; what the values say is only of interest once there are none.
 */
function parseToml(text: string, file: string): TomlTable {
  // A byte order mark, as some editors write it, is no content.
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const errors: UserError[] = [];
  for (let last = 0; ;) {
    try {
      const table = parse(lines.join('\n'));
      if (errors.length === 0) return table;
      break;
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const { line, column } = error;
      if (line <= last) break;
      last = line;
      const { what, hint } = tomlSlip(lines, error);
      errors.push(configError(`${file}:${line}:${column}: ${what}`, hint));
      const content = lines[line - 1] ?? '';
      if (errors.length === MOST_SLIPS || !standsAlone(content)) break;
      lines[line - 1] = '';
    }
  }
  const [first] = errors;
  throw errors.length === 1 && first !== undefined ? first : new UserErrors(errors);
}

/** Without it, the lines around it mean the same. */
const standsAlone = (line: string): boolean =>
  !/^\s*\[|"""|'''/.test(line) && !/[[{][^\]}]*$|^[^[{]*[\]}]/.test(line);

interface Slip {
  what: string;
  hint: string | undefined;
}

/** In the words of this file and not of TOML, where it is a usual slip of who knows other formats. */
function tomlSlip(lines: readonly string[], { line, message }: TomlError): Slip {
  const what = message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'not TOML';
  const content = lines[line - 1] ?? '';
  const twice = /redefine/.test(what) ? standsTwice(lines, line) : undefined;
  if (twice !== undefined) return { what: twice, hint: 'leave one of them out' };
  const [, key = '', list] = /^\s*([\w-]+)\s*=\s*\[([^[\]{}]*)\]\s*(?:#.*)?$/.exec(content) ?? [];
  if (list !== undefined)
    return {
      what,
      hint: `texts in a list stand in quotes: ${key} = [${list.split(',').map(quoted).join(', ')}]`,
    };
  const [, name = '', value = ''] = /^\s*([\w-]+)\s*=\s*([^"'#[\]{}]+?)\s*(?:#.*)?$/.exec(content) ?? [];
  if (/^(?:yes|no|on|off|true|false)$/i.test(value))
    return { what, hint: `it is: ${name} = ${/^(?:yes|on|true)$/i.test(value) ? 'true' : 'false'}` };
  if (/[^\d\s.+-]/.test(value)) return { what, hint: `text stands in quotes: ${name} = ${quoted(value)}` };
  return { what, hint: 'a section begins with [ppp0], a setting is written as: up = 210' };
}

/** As TOML has it: a number as it is, a text in its quotes, of whatever kind they were. */
function quoted(word: string): string {
  const bare = word.trim().replaceAll(/^["'“”„‘’«»]+|["'“”„‘’«»]+$/g, '');
  return /^\d+(?:\.\d+)?$/.test(word.trim()) ? bare : `"${bare}"`;
}

const SECTION = /^\s*\[\s*["']?(.*?)["']?\s*\]/;

/** What is there a second time in this line, and where the first one is. */
function standsTwice(lines: readonly string[], line: number): string | undefined {
  const before = lines.slice(0, line - 1);
  const first = (find: (content: string) => boolean, from = 0): string => {
    const at = before.findIndex((content, index) => index >= from && find(content));
    return at < 0 ? '' : `, first in line ${at + 1}`;
  };
  const content = lines[line - 1] ?? '';
  const section = SECTION.exec(content)?.[1];
  if (section !== undefined)
    return `the section ${section} stands twice${first((each) => SECTION.exec(each)?.[1] === section)}`;
  const key = /^\s*["']?([\w-]+)["']?\s*=/;
  const name = key.exec(content)?.[1];
  if (name === undefined) return undefined;
  const header = before.findLastIndex((each) => SECTION.test(each));
  return `${name} stands twice in its section${first((each) => key.exec(each)?.[1] === name, header + 1)}`;
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

function readSection(locate: Locate, file: string, device: string, content: TomlTable): DeviceSection {
  const errors: UserError[] = [];
  const found = new Map<FileKey, Value>();
  for (const [key, value] of Object.entries(content)) {
    const places = locate([device, key]);
    const at = (which: 'key' | 'value'): string => `${file}:${places[which].line}:${places[which].column}`;
    const known = FILE_KEY_NAMES.find((name) => name === key);
    if (known === undefined) {
      errors.push(unknownKey(at('key'), device, key, value));
      continue;
    }
    const read = textOf(FILE_KEYS[known].form, key, value);
    if ('problem' in read) errors.push(configError(`${at('value')}: ${read.problem}`, read.hint));
    else found.set(known, { text: read.value, name: key, place: at('value') });
  }
  const check = <T>(key: FileKey, parser: (name: string, text: string) => Parsed<T>): T | undefined => {
    const value = found.get(key);
    if (value === undefined) return undefined;
    const parsed = parser(value.name, value.text);
    if (!('problem' in parsed)) return parsed.value;
    errors.push(errorAt(value, parsed.problem, parsed.hint));
    return undefined;
  };
  const [up, down] = [found.get('up'), found.get('down')];
  const upBitPerSec = check('up', parseLineRate);
  const downBitPerSec = check('down', parseLineRate);
  if ((up === undefined) !== (down === undefined)) {
    const header = locate([device]).key;
    const absent = up === undefined ? 'up' : 'down';
    errors.push(
      configError(`${file}:${header.line}:${header.column}: ${absent} is missing in the section ${device}`),
    );
  }
  const values = new Map<ShaperKey, Value>();
  for (const key of SHAPER_KEY_NAMES) {
    const value = found.get(key);
    if (value !== undefined) values.set(key, value);
  }
  const checked = checkTuning(values);
  errors.push(...checked.errors);
  if (errors.length === 0 && upBitPerSec !== undefined && downBitPerSec !== undefined)
    errors.push(...limitErrors(checked.tuning, values, { upBitPerSec, downBitPerSec }));
  const search = Object.fromEntries(
    SEARCH_KEY_NAMES.map((key) => [
      SEARCH_KEYS[key].field,
      check<string | number>(key, SEARCH_KEYS[key].parse),
    ]),
  ) as SearchDefaults;
  return {
    device,
    rates: up === undefined || down === undefined ? undefined : { up, down },
    values,
    search,
    errors: inOrder(errors, file),
    warnings: doubtsOf(device, { upBitPerSec, downBitPerSec }, { up: up?.text, down: down?.text }).map(
      (doubt) => `${file}: ${device}: ${doubt}`,
    ),
  };
}

/** What is possible and hardly meant, as far as the name of the device tells. */
function doubtsOf(
  device: string,
  { upBitPerSec, downBitPerSec }: Record<'upBitPerSec' | 'downBitPerSec', number | undefined>,
  { up, down }: Record<'up' | 'down', string | undefined>,
): string[] {
  const found = device === 'lo' ? ['lo is this machine itself and no line'] : [];
  if (upBitPerSec === undefined || downBitPerSec === undefined || up === undefined || down === undefined)
    return found;
  const rates = { upBitPerSec, downBitPerSec };
  const doubt = rateDoubt(rates, { up, down }, assumedLink(device)?.kind !== 'ethernet');
  if (doubt?.kind !== 'unit') return [...found, ...doubts(rates)];
  const lines = ({ up, down }: RateTexts): string => `up = "${up}", down = "${down}"`;
  return [
    ...found,
    `${doubt.text}; if Mbit/s are meant: ${lines(doubt.instead)}; if not: ${lines(explicitRates(rates))}`,
  ];
}

function unknownKey(place: string, device: string, key: string, value: TomlValue): UserError {
  if (isTable(value)) {
    const whole = `${device}.${key}`;
    return configError(
      `${place}: a section within the section ${device}`,
      `if the device is called ${whole}, quote it: ["${whole}"]`,
    );
  }
  const suggestion = closest(key.replaceAll('_', '-'), FILE_KEY_NAMES);
  return configError(
    `${place}: ${JSON.stringify(key.slice(0, 80))} is not known`,
    suggestion === undefined ? `known: ${FILE_KEY_NAMES.join(', ')}` : `did you mean ${suggestion}?`,
  );
}

/** The value as the command line would have it. */
function textOf(form: KeyForm, key: string, value: TomlValue): Parsed<string> {
  if (form === 'switch') {
    return typeof value === 'boolean'
      ? { value: String(value) }
      : { problem: `${key} must be true or false, without quotes` };
  }
  if (typeof value === 'string' || typeof value === 'number') return { value: String(value) };
  if (form === 'value') return { problem: `${key} must be a text in quotes or a number` };
  if (Array.isArray(value) && value.every((each) => typeof each === 'string' || typeof each === 'number')) {
    return { value: value.join(',') };
  }
  return {
    problem: `${key} must be a list of texts and numbers`,
    hint: `for example ${key} = [80, "udp/443"]`,
  };
}
