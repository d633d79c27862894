/** What the user said, wherever that was: flags over environment over file, each value with its name and place. */
import { closest } from '../core/suggest.ts';
import { isFramingPart, SHAPER_KEY_NAMES, type ShaperKey } from './keys.ts';

/** One thing that the user said, and where. */
export interface Value {
  text: string;
  /** As the user wrote it: `--mark`, `INETGW_MARK` or `mark`. */
  name: string;
  /** `/etc/inetgw.conf:3:8`; undefined for flags and environment. */
  place: string | undefined;
}

export type Values<Key extends string = ShaperKey> = ReadonlyMap<Key, Value>;

/** `large-packet` → `INETGW_LARGE_PACKET`. */
export function environmentName(key: ShaperKey | ''): string {
  return `INETGW_${key.toUpperCase().replaceAll('-', '_')}`;
}

export function valuesFromEnvironment(environment: Readonly<Record<string, string | undefined>>): Values {
  const values = new Map<ShaperKey, Value>();
  for (const key of SHAPER_KEY_NAMES) {
    const name = environmentName(key);
    const text = environment[name];
    // Set to nothing is how a shell unsets for one command.
    if (text !== undefined && text !== '') values.set(key, { text, name, place: undefined });
  }
  return values;
}

/** Names the configuration file. */
const FILE_VARIABLE = 'INETGW_CONFIG';

/** Says of each variable that looks like ours that it is not, with the one that may be meant: what it was to set is not set. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const prefix = environmentName('');
  const known = [...SHAPER_KEY_NAMES.map(environmentName), FILE_VARIABLE];
  return Object.entries(environment)
    .filter(([name, text]) => name.startsWith(prefix) && text !== '' && !known.includes(name))
    .map(([name]) => {
      // The beginning, which is right, would make any two words alike.
      const meant = closest(
        name.slice(prefix.length),
        known.map((each) => each.slice(prefix.length)),
      );
      return `the variable ${name} is not known${meant === undefined ? '' : `: did you mean ${prefix}${meant}?`}`;
    });
}

const FRAMING_PARTS = SHAPER_KEY_NAMES.filter(isFramingPart);

/**
 * Layers put over each other, the first on top. A framing named by keyword hides the parts given below it,
 * and parts hide a keyword below them: otherwise a flag would contradict the file instead of replacing it.
 */
export function layered(...layers: readonly Values[]): Values {
  const result = new Map<ShaperKey, Value>();
  for (const layer of layers) {
    const hidden = new Set<ShaperKey>();
    if (result.has('framing')) for (const part of FRAMING_PARTS) hidden.add(part);
    else if (FRAMING_PARTS.some((part) => result.has(part))) hidden.add('framing');
    for (const [key, value] of layer) if (!result.has(key) && !hidden.has(key)) result.set(key, value);
  }
  return result;
}
