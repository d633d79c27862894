/**
 * The sections `[host."192.168.1.20"]` and `[network.guest]` of the file: limits and the class of some hosts, on every line or on one.
 * What is wrong is told with its place. Pure.
 */
import type { TomlTable, TomlValue } from 'smol-toml';
import { configError, type UserError } from '../core/errors.ts';
import type { Locate } from '../core/locate.ts';
import { deviceNameHint, deviceNameProblem } from '../core/deviceNames.ts';
import { closest } from '../core/suggest.ts';
import { isTable } from '../core/toml.ts';
import { formatRate, isPlainNumber, parseRateBitPerSec, rateAdvice } from '../core/units.ts';
import {
  MIN_LIMIT_BIT_PER_SEC,
  PRIORITIES,
  type HostLimit,
  type Priority,
} from '../plan/input/hostLimits.ts';
import { MAX_RATE_BIT_PER_SEC, type ShaperSettings } from '../plan/input/settings.ts';
import { contains, parseNetwork, withoutInner, type Network } from './networks.ts';
import { innerNames, quoted, withoutQuotes, type HeaderSlip, type LimitSectionKind } from './limitHeaders.ts';
import { choiceOf, type Parsed } from './parsers.ts';

export const LIMIT_KEYS = ['hosts', 'down', 'up', 'priority', 'device'] as const;
type LimitKey = (typeof LIMIT_KEYS)[number];

/** Each is two chains of the firewall's, and more than so many nobody keeps in a file by hand. */
const MOST_SECTIONS = 200;

/** A limit as it is said: a rate, or a part of the line's. */
export type SaidRate = { bitPerSec: number } | { percent: number };

export interface SaidHostLimit {
  name: string;
  hosts: readonly string[];
  down?: { rate: SaidRate; place: string };
  up?: { rate: SaidRate; place: string };
  priority?: { word: Priority; place: string };
}

export interface LimitSection {
  kind: LimitSectionKind;
  name: string;
  /** The section's header, for messages. */
  place: string;
  /** The one device that it is for; undefined: every line. */
  device: string | undefined;
  /** Undefined: it has errors. */
  said: SaidHostLimit | undefined;
  errors: readonly UserError[];
}

/** All of one kind, in the order of the file. */
export function readLimitSections(
  kind: LimitSectionKind,
  content: TomlTable,
  file: string,
  locate: Locate,
): LimitSection[] {
  return Object.entries(content).flatMap(([name, section]) => {
    if (!isTable(section)) return [];
    const inner = innerNames(section);
    if (inner.length === 0) return [new SectionReader(kind, name, section, file, locate).read()];
    return inner.map((path) => faultySection(withoutQuotes(kind, [name, ...path], locate, file)));
  });
}

/** Of a header that is wrong nobody can tell for which line it was meant: it is for all. */
export function faultySection({ header, place, problem, hint }: HeaderSlip): LimitSection {
  const errors = [configError(`${place}: ${problem}`, hint)];
  return { kind: 'host', name: header, place, device: undefined, said: undefined, errors };
}

/** A name goes into the comments of rules, which have limits of their own. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,44}$/;
/** With its ending a name of nft's. */
const SET = /^@[A-Za-z][A-Za-z0-9_]{0,28}$/;

const HOSTS_EXAMPLE =
  'for example hosts = ["192.168.2.0/24", "2001:db8:2::/64"], or hosts = "@kids" for a set of nft';

/** Of a card's address the rules see nothing on the way back, and addresses by DHCP come and go. */
const hostsHint = (word: string): string =>
  /^(?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}$/i.test(word)
    ? 'hosts are known by their IP addresses: give it a fixed one, or have the DHCP server fill a set of nft (hosts = "@kids")'
    : HOSTS_EXAMPLE;

class SectionReader {
  readonly #kind: LimitSectionKind;
  readonly #name: string;
  readonly #content: TomlTable;
  readonly #file: string;
  readonly #locate: Locate;
  readonly #errors: UserError[] = [];

  constructor(kind: LimitSectionKind, name: string, content: TomlTable, file: string, locate: Locate) {
    this.#kind = kind;
    this.#name = name;
    this.#content = content;
    this.#file = file;
    this.#locate = locate;
  }

  read(): LimitSection {
    const [kind, name] = [this.#kind, this.#name];
    if (!NAME.test(name))
      this.#complain(
        this.#place(),
        `${JSON.stringify(name.slice(0, 80))} is no name for a section`,
        'letters, digits, and . : / - _ within it, at most 45',
      );
    this.#refuseUnknown();
    const hosts = this.#hosts();
    const down = this.#rate('down');
    const up = this.#rate('up');
    const priority = this.#priority();
    const device = this.#device();
    if (this.#errors.length === 0 && down === undefined && up === undefined && priority === undefined)
      this.#complain(
        this.#place(),
        `[${kind}.${quoted(name)}] says nothing`,
        'it takes down, up or priority',
      );
    const said: SaidHostLimit = {
      name,
      hosts,
      ...(down === undefined ? {} : { down }),
      ...(up === undefined ? {} : { up }),
      ...(priority === undefined ? {} : { priority }),
    };
    const errors = this.#errors;
    const place = this.#place();
    return { kind, name, place, device, said: errors.length === 0 ? said : undefined, errors };
  }

  #place(key?: string, which: 'key' | 'value' = 'key'): string {
    const path = [this.#kind, this.#name, ...(key === undefined ? [] : [key])];
    const { line, column } = this.#locate(path)[which];
    return `${this.#file}:${line}:${column}`;
  }

  #complain(place: string, problem: string, hint?: string): void {
    this.#errors.push(configError(`${place}: ${problem}`, hint));
  }

  #refuseUnknown(): void {
    for (const key of Object.keys(this.#content)) {
      if (LIMIT_KEYS.some((known) => known === key)) continue;
      const meant = closest(key, LIMIT_KEYS);
      this.#complain(
        this.#place(key),
        `${JSON.stringify(key.slice(0, 80))} is not known in [${this.#kind}.${quoted(this.#name)}]`,
        meant === undefined ? `known: ${LIMIT_KEYS.join(', ')}` : `did you mean ${meant}?`,
      );
    }
  }

  #text(key: Exclude<LimitKey, 'hosts'>): string | undefined {
    const value = this.#content[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' || typeof value === 'number') return String(value);
    this.#complain(this.#place(key, 'value'), `${key} must be a text in quotes or a number`);
    return undefined;
  }

  #rate(key: 'down' | 'up'): { rate: SaidRate; place: string } | undefined {
    const text = this.#text(key);
    if (text === undefined) return undefined;
    const place = this.#place(key, 'value');
    const parsed = parseLimit(key, text);
    if (!('problem' in parsed)) return { rate: parsed.value, place };
    this.#complain(place, parsed.problem, parsed.hint);
    return undefined;
  }

  #priority(): { word: Priority; place: string } | undefined {
    const text = this.#text('priority');
    if (text === undefined) return undefined;
    const place = this.#place('priority', 'value');
    const parsed = choiceOf(PRIORITIES)('priority', text);
    if (!('problem' in parsed)) return { word: parsed.value, place };
    this.#complain(place, parsed.problem, parsed.hint);
    return undefined;
  }

  #device(): string | undefined {
    const text = this.#text('device');
    const problem = text === undefined ? undefined : deviceNameProblem(text);
    if (text === undefined || problem === undefined) return text;
    this.#complain(this.#place('device', 'value'), problem, deviceNameHint(text));
    return undefined;
  }

  /** What `hosts` says, or the name where that is an address. */
  #hosts(): readonly string[] {
    const value = this.#content['hosts'];
    const place = value === undefined ? this.#place() : this.#place('hosts', 'value');
    const words = value === undefined ? [this.#name] : wordsOf(value);
    if (words === undefined || words.length === 0) {
      this.#complain(place, 'hosts must be a text in quotes or a list of texts', HOSTS_EXAMPLE);
      return [];
    }
    const networks: Network[] = [];
    const sets: string[] = [];
    for (const word of words) {
      const network = parseNetwork(word);
      if (network !== undefined) this.#take(network, networks, place);
      else if (SET.test(word)) sets.push(word);
      else if (value === undefined)
        this.#complain(place, `[${this.#kind}.${quoted(this.#name)}] has no hosts`, hostsHint(word));
      else this.#complain(place, `'${word}' is no address`, hostsHint(word));
    }
    return [...withoutInner(networks).map(({ text }) => text), ...new Set(sets)];
  }

  #take(network: Network, into: Network[], place: string): void {
    const { text, meant, mapped, prefix } = network;
    if (meant !== undefined)
      this.#complain(place, `${text} is no network: it has host bits set`, `did you mean ${meant}?`);
    else if (mapped !== undefined)
      this.#complain(place, `${text} is written for IPv6, and is of IPv4`, `did you mean ${mapped}?`);
    else if (prefix === 0) this.#complain(place, `${text} is everybody: that limit is the line's own`);
    else if (into.some((each) => contains(each, network) && contains(network, each)))
      this.#complain(place, `${text} stands twice`);
    else into.push(network);
  }
}

function wordsOf(value: TomlValue): string[] | undefined {
  if (typeof value === 'string') return value.split(',').map((each) => each.trim());
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
}

/** `400`, `"2mbit"`, `"20%"`. */
export function parseLimit(name: string, text: string): Parsed<SaidRate> {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())?.[1];
  if (percent !== undefined) {
    const value = Number(percent);
    if (value > 0 && value <= 100) return { value: { percent: value } };
    return { problem: `${name} is ${text.trim()}; it must be above 0 and at most 100 % of the line` };
  }
  const bitPerSec = parseRateBitPerSec(text);
  if (bitPerSec === undefined)
    return {
      problem: `${name} is '${text}', which is no rate`,
      hint: rateAdvice(text) ?? 'plain numbers are kbit/s; "2mbit" and "20%" are understood too',
    };
  if (bitPerSec < MIN_LIMIT_BIT_PER_SEC || bitPerSec > MAX_RATE_BIT_PER_SEC) {
    const [low, high] = [formatRate(MIN_LIMIT_BIT_PER_SEC), formatRate(MAX_RATE_BIT_PER_SEC)];
    const problem = `${name} is ${formatRate(bitPerSec)}; a limit must be between ${low} and ${high}`;
    if (bitPerSec === 0) return { problem, hint: 'to keep hosts off the line is the task of a firewall' };
    return bitPerSec < MIN_LIMIT_BIT_PER_SEC && isPlainNumber(text)
      ? { problem, hint: `plain numbers are kbit/s: did you mean ${text.trim()}mbit?` }
      : { problem };
  }
  return { value: { bitPerSec } };
}

/** The same sections, with what is wrong between them: too many, a name or a host twice on the same line. */
export function compared(sections: readonly LimitSection[]): LimitSection[] {
  const keyed = sections
    .slice(0, MOST_SECTIONS + 1)
    .map((section) => ({ section, keys: new Set((section.said?.hosts ?? []).map(keyOf)) }));
  return keyed.map(({ section }, index) => {
    const before = keyed.slice(0, index);
    const errors = [...section.errors, ...twice(section, before)];
    if (index === MOST_SECTIONS)
      errors.push(
        configError(
          `${section.place}: more than ${MOST_SECTIONS} sections of hosts and networks`,
          'a network has one limit for all that is in it',
        ),
      );
    // More than that is wrong for every line.
    const isOver = index === MOST_SECTIONS;
    const said = errors.length === 0 ? section.said : undefined;
    return { ...section, ...(isOver ? { device: undefined } : {}), said, errors };
  });
}

interface Keyed {
  section: LimitSection;
  /** Of its hosts. */
  keys: ReadonlySet<string>;
}

/** What a section says that one before it has said. */
function twice(section: LimitSection, before: readonly Keyed[]): UserError[] {
  const { place, name } = section;
  const others = before.filter((each) => meet(each.section, section));
  const sameName = before.some((each) => each.section.name === name);
  const hosts = (section.said?.hosts ?? []).flatMap((host) => {
    const key = keyOf(host);
    const other = others.find(({ keys }) => keys.has(key))?.section;
    const where = other === undefined ? '' : `[${other.kind}.${quoted(other.name)}]`;
    return other === undefined ? [] : [configError(`${place}: ${host} has a section already: ${where}`)];
  });
  return [
    ...(sameName
      ? [configError(`${place}: ${name} stands twice, as host and as network`, 'give one another name')]
      : []),
    ...hosts,
  ];
}

/** The same for two ways to write an address. */
function keyOf(host: string): string {
  const network = parseNetwork(host);
  return network === undefined ? host : `${network.version} ${network.first} ${network.prefix}`;
}

const meet = (one: LimitSection, other: LimitSection): boolean =>
  one.device === undefined || other.device === undefined || one.device === other.device;

export const appliesTo = (section: LimitSection, device: string): boolean =>
  section.device === undefined || section.device === device;

/** What the limits come to on a line; errors where they do not fit it. */
export function hostLimitsAt(
  said: readonly SaidHostLimit[],
  settings: Pick<
    ShaperSettings,
    'device' | 'upBitPerSec' | 'downBitPerSec' | 'limits' | 'interactive' | 'bulk'
  >,
): { limits: HostLimit[]; errors: UserError[] } {
  const errors: UserError[] = [];
  const limits = said.map(({ name, hosts, down, up, priority }): HostLimit => {
    const at = (direction: 'down' | 'up', limit: SaidHostLimit['down']): number | undefined => {
      if (limit === undefined) return undefined;
      const line = settings[`${direction}BitPerSec`];
      const { rate, place } = limit;
      const bitPerSec = 'percent' in rate ? Math.floor((line * rate.percent) / 100) : rate.bitPerSec;
      const rates = `${direction} of ${name} (${formatRate(bitPerSec)})`;
      // A line that is followed may come to carry more than it is set up with.
      const most = Math.max(line, settings.limits?.[`${direction}Max`] ?? line);
      if (bitPerSec > most)
        errors.push(
          configError(
            `${place}: ${rates} is above that of ${settings.device} (${formatRate(most)})`,
            `a part of each line's rate is written as ${direction} = "50%"; device = "…" names the one line that the section is for`,
          ),
        );
      if (bitPerSec < MIN_LIMIT_BIT_PER_SEC)
        errors.push(configError(`${place}: ${rates} is below ${formatRate(MIN_LIMIT_BIT_PER_SEC)}`));
      return bitPerSec;
    };
    if (priority !== undefined) errors.push(...otherClass(name, hosts, priority, settings));
    const [downBitPerSec, upBitPerSec] = [at('down', down), at('up', up)];
    return {
      name,
      hosts,
      ...(downBitPerSec === undefined ? {} : { downBitPerSec }),
      ...(upBitPerSec === undefined ? {} : { upBitPerSec }),
      ...(priority === undefined ? {} : { priority: priority.word }),
    };
  });
  return { limits, errors };
}

/** The lists of hosts say one class, and the section another. */
function otherClass(
  name: string,
  hosts: readonly string[],
  priority: NonNullable<SaidHostLimit['priority']>,
  settings: Pick<ShaperSettings, 'interactive' | 'bulk'>,
): UserError[] {
  const keys = new Set(hosts.map(keyOf));
  return (['interactive', 'bulk'] as const)
    .filter((each) => each !== priority.word)
    .flatMap((each) => {
      const both = settings[each].hosts.filter((host) => keys.has(keyOf(host)));
      if (both.length === 0) return [];
      return [
        configError(`${priority.place}: ${both.join(', ')} of ${name} stands in ${each}-hosts as well`),
      ];
    });
}
