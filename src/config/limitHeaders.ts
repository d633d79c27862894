/** Headers of the file that are meant for hosts and networks and are written in another way: what is meant. Pure. */
import type { TomlTable, TomlValue } from 'smol-toml';
import type { Locate } from '../core/locate.ts';
import { closest } from '../core/suggest.ts';
import { isTable } from '../core/toml.ts';

export const LIMIT_SECTIONS = ['host', 'network'] as const;
export type LimitSectionKind = (typeof LIMIT_SECTIONS)[number];

const EXAMPLE = { host: '[host."192.168.1.20"]', network: '[network.guest]' } as const;

/** No section of a device has such keys. */
const LIMIT_KEYS_ALONE = ['hosts', 'priority', 'device'];

/** As it is written in the header. */
export const quoted = (name: string): string => (/^[A-Za-z0-9_-]+$/.test(name) ? name : `"${name}"`);

/** Whether a table of the file is of such sections, and not the section of a device that is called so. */
export function isLimitTable(name: string, content: TomlTable): boolean {
  const values = Object.values(content);
  return LIMIT_SECTIONS.some((kind) => kind === name) && values.length > 0 && values.every(isTable);
}

/** No name that is meant has more dots than that. */
const MOST_PARTS = 8;

/** Names of sections within sections: `[host.192.168.1.20]`, to TOML, is four deep. */
export function innerNames(content: TomlTable, most = MOST_PARTS): string[][] {
  return Object.entries(content).flatMap(([name, value]) => {
    if (!isTable(value)) return [];
    const inner = most > 1 ? innerNames(value, most - 1) : [];
    return inner.length === 0 ? [[name]] : inner.map((path) => [name, ...path]);
  });
}

export interface HeaderSlip {
  /** As it is written, in its brackets: no name of another section. */
  header: string;
  place: string;
  problem: string;
  hint: string;
}

function placeOf(path: readonly string[], locate: Locate, file: string): string {
  const { line, column } = locate(path).key;
  return `${file}:${line}:${column}`;
}

/** Dots within a name, which TOML takes for sections within sections. */
export function withoutQuotes(
  kind: LimitSectionKind,
  path: readonly string[],
  locate: Locate,
  file: string,
): HeaderSlip {
  const name = path.join('.');
  return {
    header: `[${kind}.${name}]`,
    place: placeOf([kind, ...path], locate, file),
    problem: `[${kind}.${name}] has dots in its name`,
    hint: `such a name stands in quotes: [${kind}."${name}"]`,
  };
}

/** What is wrong with a header that is none of a device and should have been one of these; nothing: it is neither. */
export function headerSlips(name: string, content: TomlValue, locate: Locate, file: string): HeaderSlip[] {
  const kind = LIMIT_SECTIONS.find((each) => each === name);
  const slip = (header: string, path: readonly string[], what: string, hint: string): HeaderSlip => ({
    ...{ header, place: placeOf(path, locate, file) },
    ...{ problem: `${header} ${what}`, hint },
  });
  if (kind !== undefined && Array.isArray(content))
    return [slip(`[[${kind}]]`, [kind], 'is a list', `one pair of brackets, and a name: ${EXAMPLE[kind]}`)];
  if (!isTable(content)) return [];
  if (kind !== undefined)
    return lacksName(content)
      ? [slip(`[${kind}]`, [kind], 'has no name, and is no device', `for example ${EXAMPLE[kind]}`)]
      : [];
  const paths = Object.values(content).every(isTable) ? innerNames(content) : [];
  const meant = closest(name, LIMIT_SECTIONS);
  if (meant === undefined && !paths.some((path) => saysLimits(content, path))) return [];
  return paths.map((path) => {
    const inner = quoted(path.join('.'));
    const hint =
      meant === undefined
        ? 'limits stand in [host.NAME] and [network.NAME]'
        : `did you mean [${meant}.${inner}]?`;
    return slip(`[${name}.${inner}]`, [name, ...path], 'is no section that is known', hint);
  });
}

/** Limits right in it. A device that is called so has both rates or neither, and no section within its own. */
function lacksName(content: TomlTable): boolean {
  const [up, down] = [content['up'], content['down']];
  const isLimit = LIMIT_KEYS_ALONE.some((key) => key in content) || Object.values(content).some(isTable);
  const allInner = Object.values(content).every(isTable);
  return (isLimit && !allInner) || (up === undefined) !== (down === undefined);
}

function saysLimits(content: TomlTable, path: readonly string[]): boolean {
  const table = path.reduce<TomlValue | undefined>(
    (inner, name) => (isTable(inner) ? inner[name] : undefined),
    content,
  );
  return isTable(table) && LIMIT_KEYS_ALONE.some((key) => key in table);
}
