/**
 * The configuration file: TOML, one section per device. Every error has its line and column, all of them
 * are told at once. Pure: the text comes from system/record/configFile.ts.
 */
import type { TomlTable, TomlValue } from 'smol-toml';
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
import {
  appliesTo,
  compared,
  faultySection,
  readLimitSections,
  type LimitSection,
  type SaidHostLimit,
} from './hostLimits.ts';
import { headerSlips, isLimitTable, quoted, type LimitSectionKind } from './limitHeaders.ts';
import { locator, type Locate, type Place } from '../core/locate.ts';
import { parseLineRate, type Parsed } from './parsers.ts';
import { settingsFromValues } from './fromArguments.ts';
import { checkTuning, doubts, errorAt, limitErrors } from './settings.ts';
import { assumedLink } from '../plan/input/assumedLink.ts';
import { explicitRates, rateDoubt, type RateTexts } from './rateDoubts.ts';
import { closest } from '../core/suggest.ts';
import { isTable, parseToml } from '../core/toml.ts';
import type { Value, Values } from './values.ts';

export interface DeviceSection {
  device: string;
  /** Raw rates of the line as they are written; both or neither is there. */
  rates: { up: Value; down: Value } | undefined;
  /** What is said about the shaper, to be put under flags and environment. */
  values: Values;
  search: SearchDefaults;
  /** Limits of hosts and networks that are for this device too. */
  hostLimits: readonly SaidHostLimit[];
  /** What is wrong with this section, and with the limits for it. */
  errors: readonly UserError[];
  warnings: readonly string[];
}

export interface Configuration {
  /** The file, for messages. */
  file: string;
  /** In the order of the file. */
  sections: readonly DeviceSection[];
  /** Limits of hosts and networks: hosts first, then in the order of the file. */
  hostLimits: readonly LimitSection[];
  /** What is wrong outside the sections. */
  errors: readonly UserError[];
}

/** What a section looks like, for who wrote something else. */
const EXAMPLE = 'a section begins with [ppp0], a setting is written as: up = 210';

/** Reads a file's text. Throws where it is no TOML; other errors stand in the result. */
export function parseConfiguration(text: string, file: string): Configuration {
  const table = parseToml(text, file, EXAMPLE);
  const locate = locator(text);
  const alone: DeviceSection[] = [];
  const limitSections: LimitSection[] = [];
  const errors: UserError[] = [];
  for (const [device, content] of Object.entries(table)) {
    const at = (place: Place): string => `${file}:${place.line}:${place.column}`;
    const place = locate([device]).key;
    const slips = headerSlips(device, content, locate, file);
    if (slips.length > 0) {
      limitSections.push(...slips.map(faultySection));
      continue;
    }
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
    if (isLimitTable(device, content)) {
      limitSections.push(...readLimitSections(device as LimitSectionKind, content, file, locate));
      continue;
    }
    const problem = deviceNameProblem(device);
    if (problem !== undefined) errors.push(configError(`${at(place)}: ${problem}`));
    else alone.push(readSection(locate, file, device, content));
  }
  const hostLimits = compared(limitSections);
  hostLimits.sort((a, b) => Number(a.kind === 'network') - Number(b.kind === 'network'));
  const sections = alone.map((section) => withHostLimits(section, hostLimits, file));
  return { file, sections, hostLimits, errors: inOrder(errors, file) };
}

/** With the limits that are for the device too: what is wrong with them is wrong with it. */
function withHostLimits(
  section: DeviceSection,
  limits: readonly LimitSection[],
  file: string,
): DeviceSection {
  const ofDevice = limits.filter((limit) => appliesTo(limit, section.device));
  if (ofDevice.length === 0) return section;
  const hostLimits = ofDevice.flatMap(({ said }) => said ?? []);
  const errors = [...section.errors, ...ofDevice.flatMap((limit) => limit.errors)];
  if (errors.length === 0 && section.rates !== undefined) {
    const { up, down } = section.rates;
    try {
      settingsFromValues(section.device, up, down, section.values, hostLimits);
    } catch (error) {
      if (!(error instanceof UserErrors)) throw error;
      errors.push(...error.errors);
    }
  }
  return { ...section, hostLimits, errors: inOrder(errors, file) };
}

/** The limits for a device, whether it has a section or not. Throws what is wrong with them. */
export function hostLimitsFor({ hostLimits }: Configuration, device: string): readonly SaidHostLimit[] {
  const ofDevice = hostLimits.filter((limit) => appliesTo(limit, device));
  const errors = ofDevice.flatMap((limit) => limit.errors);
  if (errors.length > 0) throw new UserErrors(errors);
  return ofDevice.flatMap(({ said }) => said ?? []);
}

/** Everything that is wrong, each once: limits are for many devices. In the order of the lines. */
export function allErrors({ file, sections, hostLimits, errors }: Configuration): UserError[] {
  const found = [...errors, ...[...sections, ...hostLimits].flatMap((section) => section.errors)];
  const messages = new Set<string>();
  const once = found.filter(({ message }) => !messages.has(message) && messages.add(message));
  return inOrder(once, file);
}

/** What is possible and hardly meant, in the order of the file. */
export function allWarnings({ file, sections, hostLimits }: Configuration): string[] {
  const devices = sections.map(({ device }) => device);
  const nowhere = hostLimits.flatMap(({ kind, name, device }) =>
    device === undefined || devices.length === 0 || devices.includes(device)
      ? []
      : [`${file}: [${kind}.${quoted(name)}] is for ${device} alone, which has no section here`],
  );
  return [...sections.flatMap(({ warnings }) => warnings), ...nowhere];
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
export function requireFaultless(config: Configuration): void {
  const all = allErrors(config);
  if (all.length > 0) throw new UserErrors(all);
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
    hostLimits: [],
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
