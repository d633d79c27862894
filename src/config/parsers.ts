/** Parsers of single settings: text in, a checked value or a problem out. `name` is how the user wrote it. */
import { parseNetwork } from './networks.ts';
import { DSCP_BY_NAME } from '../plan/classes/dscp.ts';
import { MAX_RATE_BIT_PER_SEC, MIN_RATE_BIT_PER_SEC } from '../plan/input/settings.ts';
import {
  counted,
  durationAdvice,
  formatRate,
  isPlainNumber,
  parseDurationMs,
  parseRateBitPerSec,
  parseSizeBytes,
  rateAdvice,
  sizeAdvice,
} from '../core/units.ts';
import type { PortOrRange } from '../firewall/rules.ts';
import { closest } from '../core/suggest.ts';

export type Parsed<T> = { value: T } | { problem: string; hint?: string };

/** A raw rate of the line in bit/s. */
export function parseLineRate(name: string, text: string): Parsed<number> {
  const rate = parseRateBitPerSec(text);
  if (rate === undefined) {
    return {
      problem: `${name} is '${text}', which is no rate`,
      hint: rateAdvice(text) ?? 'plain numbers are kbit/s; 1.7mbit, 16Mbit/s and 1gbit are understood too',
    };
  }
  if (rate < MIN_RATE_BIT_PER_SEC || rate > MAX_RATE_BIT_PER_SEC) {
    const [low, high] = [formatRate(MIN_RATE_BIT_PER_SEC), formatRate(MAX_RATE_BIT_PER_SEC)];
    const problem = `${name} is ${formatRate(rate)}; it must be between ${low} and ${high}`;
    const isPlain = rate > 0 && rate < MIN_RATE_BIT_PER_SEC && isPlainNumber(text);
    return isPlain
      ? { problem, hint: `plain numbers are kbit/s: did you mean ${text.trim()}mbit?` }
      : { problem };
  }
  return { value: rate };
}

/** Below this a threshold without a unit is one whose unit was forgotten: no transfer is large after 10 bytes. */
const LEAST_PLAIN_THRESHOLD_BYTES = 10_000;

/** A size in bytes, up to a petabyte. */
export function parseThreshold(name: string, text: string): Parsed<number> {
  const bytes = parseSizeBytes(text);
  if (bytes === undefined || bytes < 1 || bytes > 1e15) {
    return {
      problem: `${name} is '${text}', which is no size above zero`,
      hint: sizeAdvice(text) ?? 'for example 10mb, 512kb or 64mib',
    };
  }
  if (bytes < LEAST_PLAIN_THRESHOLD_BYTES && isPlainNumber(text)) {
    const plain = text.trim();
    return {
      problem: `${name} is ${counted(plain, 'byte')}, which is next to nothing`,
      hint: `did you mean ${plain}mb? If not, say ${plain}b`,
    };
  }
  return { value: bytes };
}

/** A firewall mark, `20` or as `ip rule` prints it, `0x14`. */
export function parseMark(name: string, text: string): Parsed<number> {
  const [mark = '', mask] = text.split('/');
  if (mask !== undefined && /^(?:0x[0-9a-f]+|\d+)$/i.test(mark)) {
    return { problem: `${name} is '${text}'; a mark takes no mask`, hint: `type ${mark}` };
  }
  return parseWhole(name, /^0x[0-9a-f]{1,8}$/i.test(text) ? String(Number(text)) : text, 1, 0xffff_ffff);
}

export interface Ports {
  tcpPorts: PortOrRange[];
  udpPorts: PortOrRange[];
}

/** Words between commas; none at all for an empty text. */
function words(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map((each) => each.trim());
}

/** `'a' is no port`, `'a', 'b' are no ports`. */
function areNone(wrong: readonly string[], what: string, whats: string): string {
  const named = wrong.map((word) => `'${word}'`).join(', ');
  return wrong.length === 1 ? `${named} is no ${what}` : `${named} are no ${whats}`;
}

/** `80,443,udp/443,8000-8010`: plain numbers are TCP; iptables' `8000:8010` is a range as well. */
export function parsePorts(name: string, text: string): Parsed<Ports> {
  const ports: Ports = { tcpPorts: [], udpPorts: [] };
  const [wrong, turned, meant]: [string[], string[], string[]] = [[], [], []];
  for (const word of words(text)) {
    const match = /^(?:(tcp|udp)\/)?(\d+)(?:[-:](\d+))?(?:\/(tcp|udp))?$/i.exec(word);
    const [, before, first, last = first, after] = match ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (match === null || (before !== undefined && after !== undefined) || ![from, to].every(isPort)) {
      wrong.push(word);
      continue;
    }
    if (from > to) {
      turned.push(word);
      meant.push(`${to}-${from}`);
      continue;
    }
    const isUdp = (before ?? after)?.toLowerCase() === 'udp';
    (isUdp ? ports.udpPorts : ports.tcpPorts).push(from === to ? from : { from, to });
  }
  if (wrong.length + turned.length > 0) {
    const problems = [
      ...(wrong.length === 0 ? [] : [areNone(wrong, 'port', 'ports')]),
      ...turned.map((word) => `'${word}' ends before it begins`),
    ];
    return {
      problem: `${name}: ${problems.join('; ')}`,
      hint: wrong.length > 0 ? 'for example 80,443,udp/443,8000-8010' : `did you mean ${meant.join(',')}?`,
    };
  }
  return { value: { tcpPorts: withoutOverlaps(ports.tcpPorts), udpPorts: withoutOverlaps(ports.udpPorts) } };
}

const isPort = (number: number): boolean => number >= 1 && number <= 65_535;

/**
 * The same ports, each named once: nft refuses sets whose intervals overlap. Single ports stay as they were written and in
 * their order; ranges that touch become one.
 */
export function withoutOverlaps(ports: readonly PortOrRange[]): PortOrRange[] {
  const merged: { from: number; to: number }[] = [];
  const ranges = ports.flatMap((each) => (typeof each === 'number' ? [] : [each]));
  for (const { from, to } of ranges.sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  const singles = new Set(ports.filter((each) => typeof each === 'number'));
  const isCovered = (port: number): boolean => merged.some(({ from, to }) => from <= port && port <= to);
  return [...[...singles].filter((port) => !isCovered(port)), ...merged];
}

/** `ef,af21,46`: DSCP by name or number. */
export function parseDscp(name: string, text: string): Parsed<number[]> {
  const values = new Set<number>();
  const wrong: string[] = [];
  for (const word of words(text)) {
    const known = DSCP_BY_NAME.get(word.toLowerCase());
    const value = known ?? (/^\d{1,2}$/.test(word) ? Number(word) : Number.NaN);
    if (value >= 0 && value <= 63) values.add(value);
    else wrong.push(word);
  }
  if (wrong.length === 0) return { value: [...values] };
  const meant = wrong.map((word) => closest(word, [...DSCP_BY_NAME.keys()]));
  return {
    problem: `${name}: ${areNone(wrong, 'DSCP', 'DSCP')}`,
    hint: meant.includes(undefined) ? 'for example ef, af21, cs1 or 46' : `did you mean ${meant.join(',')}?`,
  };
}

/** `192.168.1.20,2001:db8::/64`: addresses and networks, no names (they could change under the rules). */
export function parseHosts(name: string, text: string): Parsed<string[]> {
  const hosts = new Set<string>();
  const wrong: string[] = [];
  for (const word of words(text)) {
    if (parseNetwork(word) === undefined) wrong.push(word);
    else hosts.add(word.toLowerCase());
  }
  if (wrong.length === 0) return { value: [...hosts] };
  return {
    problem: `${name}: ${areNone(wrong, 'address', 'addresses')}`,
    hint: 'for example 192.168.1.20, 192.168.1.0/28 or 2001:db8::/64; names are not looked up',
  };
}

/** One of the words of an option. */
export function choiceOf<T extends string>(choices: readonly T[]) {
  return (name: string, text: string): Parsed<T> => {
    const known = choices.find((choice) => choice === text);
    if (known !== undefined) return { value: known };
    return { problem: `${name} ${text} is not known`, hint: `known: ${choices.join(', ')}` };
  };
}

export function parseSwitch(name: string, text: string): Parsed<boolean> {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  return { problem: `${name} is '${text}'; it must be true or false` };
}

/** A whole number from `low` to `high`, both included. */
export function parseWhole(name: string, text: string, low: number, high: number): Parsed<number> {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) {
    return { problem: `${name} is '${text}'; it must be a whole number from ${low} to ${high}` };
  }
  return { value };
}

/** An answer time in ms, 1 ms to 1 min. */
export function parseAnswerTime(name: string, text: string): Parsed<number> {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1 && ms <= 60_000) return { value: ms };
  return {
    problem: `${name} is '${text}'; it must be a time from 1ms to 1min`,
    hint: durationAdvice(text) ?? 'plain numbers are ms',
  };
}

/** Per cent, with or without the sign. */
export function parsePercent(name: string, text: string): Parsed<number> {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text);
  const value = Number(match?.[1]);
  if (match !== null && value < 100) return { value };
  return { problem: `${name} is '${text}'; it must be per cent, from 0 to below 100` };
}

/** The name or address of a host to ping; a word that begins with '-' would be an option of ping's. */
export function parseHostName(name: string, text: string): Parsed<string> {
  if (/^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}$/.test(text)) return { value: text };
  return { problem: `${name} is '${text}', which is no host` };
}
