/** Changes of a text as a coverage-guided fuzzer makes them. Pure: chance is passed in. */

/** A whole number from 0 to below `below`. */
export type Random = (below: number) => number;

/** A small generator that the same seed makes repeat (mulberry32, public domain). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const SIGNS = Array.from(
  '\n\t \0\x1b\u009b\'"`$\\;|&<>(){}[]=:,./%*?!#@-+_~^09aAfFzZ\ufeff\u2028\u202e\ud800é🙂',
);
const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '255',
  '65535',
  '65536',
  '4294967296',
  '9007199254740993',
  '1e309',
  '0x10',
  '1.5',
  '00',
  'NaN',
];
const LONGEST = 6000;

type Change = (text: string, random: Random, pool: Pool) => string;

export interface Pool {
  dictionary: readonly string[];
  others: readonly string[];
}

const pick = <T>(list: readonly T[], random: Random, otherwise: T): T =>
  list[random(list.length)] ?? otherwise;

function span(text: string, random: Random): [number, number] {
  const from = random(text.length + 1);
  return [from, Math.min(text.length, from + 1 + random(random(4) === 0 ? 60 : 6))];
}

const insert = (text: string, at: number, what: string): string => text.slice(0, at) + what + text.slice(at);

function replaceOne(text: string, pattern: RegExp, random: Random, by: string): string {
  const matches = [...text.matchAll(pattern)];
  const match = matches[random(matches.length)];
  return match === undefined
    ? text
    : text.slice(0, match.index) + by + text.slice(match.index + match[0].length);
}

const CHANGES: readonly Change[] = [
  (text, random) => insert(text, random(text.length + 1), pick(SIGNS, random, '')),
  (text, random) => {
    const at = random(text.length);
    return text.slice(0, at) + pick(SIGNS, random, '') + text.slice(at + 1);
  },
  (text, random) => {
    const [from, to] = span(text, random);
    return text.slice(0, from) + text.slice(to);
  },
  (text, random) => {
    const [from, to] = span(text, random);
    return insert(text, to, text.slice(from, to).repeat(1 + random(random(10) === 0 ? 200 : 3)));
  },
  (text, random, { dictionary }) => insert(text, random(text.length + 1), pick(dictionary, random, '')),
  (text, random, { dictionary }) => replaceOne(text, /[\w.-]+/g, random, pick(dictionary, random, '')),
  (text, random) => replaceOne(text, /\d+/g, random, pick(NUMBERS, random, '')),
  (text, random, { others }) => {
    const other = pick(others, random, '');
    return text.slice(0, random(text.length + 1)) + other.slice(random(other.length + 1));
  },
  (text, random) => {
    const lines = text.split('\n');
    const at = random(lines.length);
    lines.splice(random(lines.length), 0, ...lines.splice(at, 1));
    return lines.join('\n');
  },
  (text, random) =>
    text
      .split('\n')
      .toSpliced(random(text.split('\n').length), 1)
      .join('\n'),
  (text, random) => text.slice(0, random(text.length + 1)),
];

/** One to eight changes, one upon the other. */
export function mutate(text: string, random: Random, pool: Pool): string {
  let changed = text;
  for (let left = 1 + random(random(3) === 0 ? 8 : 3); left > 0; left--) {
    changed = pick(CHANGES, random, (same) => same)(changed, random, pool).slice(0, LONGEST);
  }
  return changed;
}
