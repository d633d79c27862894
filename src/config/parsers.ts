/** Parsers of single settings: text in, a checked value or a problem out. `name` is how the user wrote it. */
import { isIPv4, isIPv6 } from 'node:net';
import { DSCP_BY_NAME } from '../shaper/dscp.ts';
import {
  MAX_RATE_BIT_PER_SEC,
  MIN_RATE_BIT_PER_SEC,
  type FirewallChoice,
  type IngressChoice,
  type PacingChoice,
} from '../shaper/settings.ts';
import { formatRate, parseDurationMs, parseRateBitPerSec, parseSizeBytes } from '../units.ts';
import { closest } from './suggest.ts';

export type Parsed<T> = { value: T } | { problem: string; hint?: string };

/** A raw rate of the line in bit/s. */
export function parseLineRate(name: string, text: string): Parsed<number> {
  const rate = parseRateBitPerSec(text);
  if (rate === undefined) {
    return {
      problem: `${name} is '${text}', which is no rate`,
      hint: 'plain numbers are kbit/s; 1.7mbit, 16mbit and 1gbit are understood too',
    };
  }
  if (rate < MIN_RATE_BIT_PER_SEC || rate > MAX_RATE_BIT_PER_SEC) {
    const [low, high] = [formatRate(MIN_RATE_BIT_PER_SEC), formatRate(MAX_RATE_BIT_PER_SEC)];
    return { problem: `${name} is ${formatRate(rate)}; it must be between ${low} and ${high}` };
  }
  return { value: rate };
}

/** A size in bytes, up to a petabyte. */
export function parseThreshold(name: string, text: string): Parsed<number> {
  const bytes = parseSizeBytes(text);
  if (bytes === undefined || bytes < 1 || bytes > 1e15) {
    return {
      problem: `${name} is '${text}', which is no size above zero`,
      hint: 'for example 10mb, 512kb or 64mib',
    };
  }
  return { value: bytes };
}

export function parseMark(name: string, text: string): Parsed<number> {
  return parseWhole(name, text, 1, 0xffff_ffff);
}

export interface Ports {
  tcpPorts: number[];
  udpPorts: number[];
}

/** Words between commas; none at all for an empty text. */
function words(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map((each) => each.trim());
}

/** `80,443,udp/443`: plain numbers are TCP. */
export function parsePorts(name: string, text: string): Parsed<Ports> {
  const ports = { tcpPorts: new Set<number>(), udpPorts: new Set<number>() };
  for (const word of words(text)) {
    const match = /^(?:(tcp|udp)\/)?(\d+)$/.exec(word);
    const number = Number(match?.[2]);
    if (match === null || number < 1 || number > 65_535) {
      return { problem: `${name}: '${word}' is no port`, hint: 'for example 80,443,udp/443' };
    }
    (match[1] === 'udp' ? ports.udpPorts : ports.tcpPorts).add(number);
  }
  return { value: { tcpPorts: [...ports.tcpPorts], udpPorts: [...ports.udpPorts] } };
}

/** `ef,af21,46`: DSCP by name or number. */
export function parseDscp(name: string, text: string): Parsed<number[]> {
  const values = new Set<number>();
  for (const word of words(text)) {
    const known = DSCP_BY_NAME.get(word.toLowerCase());
    const value = known ?? (/^\d{1,2}$/.test(word) ? Number(word) : Number.NaN);
    if (!(value >= 0 && value <= 63)) {
      const suggestion = closest(word, [...DSCP_BY_NAME.keys()]);
      return {
        problem: `${name}: '${word}' is no DSCP`,
        hint: suggestion === undefined ? 'for example ef, af21, cs1 or 46' : `did you mean ${suggestion}?`,
      };
    }
    values.add(value);
  }
  return { value: [...values] };
}

/** `192.168.1.20,2001:db8::/64`: addresses and networks, no names (they could change under the rules). */
export function parseHosts(name: string, text: string): Parsed<string[]> {
  const hosts = new Set<string>();
  for (const word of words(text)) {
    const [address = '', prefix, ...more] = word.split('/');
    const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : undefined;
    const prefixIsFine =
      prefix === undefined || (/^\d{1,3}$/.test(prefix) && bits !== undefined && Number(prefix) <= bits);
    if (bits === undefined || !prefixIsFine || more.length > 0) {
      return {
        problem: `${name}: '${word}' is no address`,
        hint: 'for example 192.168.1.20, 192.168.1.0/28 or 2001:db8::/64; names are not looked up',
      };
    }
    hosts.add(word.toLowerCase());
  }
  return { value: [...hosts] };
}

/** One of the words of an option. */
function choiceOf<T extends string>(choices: readonly T[]) {
  return (name: string, text: string): Parsed<T> => {
    const known = choices.find((choice) => choice === text);
    if (known !== undefined) return { value: known };
    return { problem: `${name} ${text} is not known`, hint: `known: ${choices.join(', ')}` };
  };
}

export const parseFirewall = choiceOf<FirewallChoice>(['auto', 'nft', 'iptables', 'none']);
export const parseIngress = choiceOf<IngressChoice>(['auto', 'police', 'shape', 'shape-cake', 'shape-htb']);
export const parsePacing = choiceOf<PacingChoice>(['auto', 'bpf', 'off']);

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
    hint: 'plain numbers are ms',
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
