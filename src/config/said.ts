/** What was said when a device was set up, kept so that it can be said again: by the page of `inetgw serve`. Pure. */
import type { SaidHostLimit, SaidRate } from './hostLimits.ts';
import { definitionOf, SHAPER_KEY_NAMES, type ShaperKey } from './keys.ts';
import type { Value, Values } from './values.ts';

export interface Said {
  /** Texts by key, wherever they were said; what is not in it was left to its default. */
  keys: Readonly<Partial<Record<ShaperKey, string>>>;
  /** Limits of hosts that the file had for this line: they have no keys. */
  hostLimits?: readonly SaidHostLimit[];
}

export const saidIn = (values: Values, hostLimits: readonly SaidHostLimit[]): Said => ({
  keys: Object.fromEntries([...values].map(([key, { text }]) => [key, text])),
  ...(hostLimits.length === 0 ? {} : { hostLimits }),
});

export function isSaid(value: unknown): value is Said {
  if (!isObject(value)) return false;
  const { keys, hostLimits = [] } = value;
  const areTexts = isObject(keys) && Object.values(keys).every((text) => typeof text === 'string');
  return areTexts && Array.isArray(hostLimits) && hostLimits.every(isLimit);
}

const isObject = (value: unknown): value is Partial<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isLimit(value: unknown): value is SaidHostLimit {
  if (!isObject(value)) return false;
  const { name, hosts, down, up, priority } = value;
  return (
    typeof name === 'string' &&
    Array.isArray(hosts) &&
    hosts.every((host) => typeof host === 'string') &&
    [down, up, priority].every((said) => said === undefined || (isObject(said) && isPlaced(said)))
  );
}

function isPlaced({ place, rate, word }: Partial<Record<string, unknown>>): boolean {
  if (typeof place !== 'string') return false;
  if (!isObject(rate)) return typeof word === 'string';
  return [rate['bitPerSec'], rate['percent']].some((each) => Number.isFinite(each));
}

/** As values, to be checked again beside other rates. */
export const valuesOfSaid = ({ keys }: Said): Values =>
  new Map(
    SHAPER_KEY_NAMES.flatMap((key): [ShaperKey, Value][] => {
      const text = keys[key];
      return text === undefined ? [] : [[key, { text, name: `--${key}`, place: undefined }]];
    }),
  );

/** As words of a command line, in which nothing else counts beside the file of `fileOfSaid`. */
export function wordsOfSaid({ keys }: Said): string[] {
  return SHAPER_KEY_NAMES.flatMap((key) => {
    const text = keys[key];
    if (text === undefined) return [];
    if (definitionOf(key).form !== 'switch') return [`--${key}=${text}`];
    return [text === 'true' ? `--${key}` : `--no-${key}`];
  });
}

/** What no option says, as a configuration file; it has no section for any device. */
export function fileOfSaid({ hostLimits = [] }: Said): string {
  const quoted = (text: string): string => JSON.stringify(text);
  const sections = hostLimits.map(({ name, hosts, down, up, priority }) => [
    // Hosts come first in a file: as networks all of them keep their order.
    `[network.${quoted(name)}]`,
    `hosts = [${hosts.map(quoted).join(', ')}]`,
    ...(down === undefined ? [] : [`down = ${quoted(textOf(down.rate))}`]),
    ...(up === undefined ? [] : [`up = ${quoted(textOf(up.rate))}`]),
    ...(priority === undefined ? [] : [`priority = ${quoted(priority.word)}`]),
    '',
  ]);
  return sections.flat().join('\n');
}

const textOf = (rate: SaidRate): string => ('percent' in rate ? `${rate.percent}%` : `${rate.bitPerSec}bit`);
