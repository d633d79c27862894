/** The variables of `set` and `show`: names, defaults and ranges of the original, and ours after them. */
import { isIP } from 'node:net';
import { byteRateAdvice, parseRateBytePerSec } from '../../core/units.ts';

/** 10 Gbit/s. */
const MAX_BYTES_PER_SEC = 1.25e9;

export interface Variables {
  /** Addresses to listen on, separated by commas, for forwarders that name none. */
  local_addrs: string;
  /** Source address of outgoing connections; 0.0.0.0 lets the kernel choose. */
  force_from: string;
  /** 0 warnings, 1 connections, 2 details. */
  debug: number;
  /** 1 writes the traffic to the log. */
  dump_traff: number;
  /** Seconds without a byte in either direction after which a connection is closed; 0 never. */
  idle_out: number;
  /** Seconds without a byte after which the kernel asks the peer whether it is still there (SO_KEEPALIVE); 0 never. */
  keepalive: number;
  /** Kept for scripts; Node reports a dead peer itself. */
  dead_count: number;
  /** The smallest slice in bytes a connection sends at once when many share a limit. */
  data_size: number;
  /** Bytes per second for each direction; 0 is no limit. */
  bandwidth: number;
  /** Only client to server, instead of `bandwidth`; 0 is as `bandwidth`. */
  bandwidth_up: number;
  /** Only server to client, instead of `bandwidth`. */
  bandwidth_down: number;
  /** Bytes per second for each single connection, each direction. */
  conn_bandwidth: number;
  /** Who gets an equal part of a limit: each connection, or each client with all of its connections. */
  fair: 'connection' | 'client';
  /** Bytes per second for each client, each direction, over all forwarders. */
  client_bandwidth: number;
  /** Of an IPv6 address so many bits are the client. */
  client_prefix: number;
  /** Where the limit is shared: so many times as much as a relay of weight 1. */
  share_weight: number;
  /** Where the limit is shared: how many relays there are at least; 0 is as many as were seen. */
  share_relays: number;
  /** At most so many connections; 0 is as many as descriptors allow. */
  max_conns: number;
  /** Seconds until a connect that is not answered counts as failed. */
  connect_timeout: number;
  /** What a client gets whose server cannot be reached: a reset, or the original's words and an end. */
  unreachable: 'reset' | 'text';
  /** Seconds that connections may take to end after SIGTERM. */
  drain_time: number;
}

export type VariableName = keyof Variables;

export const DEFAULT_VARIABLES: Readonly<Variables> = {
  local_addrs: '127.0.0.1,::1',
  force_from: '0.0.0.0',
  debug: 1,
  dump_traff: 0,
  idle_out: 0,
  keepalive: 300,
  dead_count: 10,
  data_size: 500,
  bandwidth: 0,
  bandwidth_up: 0,
  bandwidth_down: 0,
  conn_bandwidth: 0,
  fair: 'connection',
  client_bandwidth: 0,
  client_prefix: 64,
  share_weight: 1,
  share_relays: 0,
  max_conns: 0,
  connect_timeout: 30,
  unreachable: 'reset',
  drain_time: 10,
};

export const VARIABLE_NAMES = Object.keys(DEFAULT_VARIABLES) as readonly VariableName[];

/** Largest value of each number. */
const LARGEST: Readonly<
  Record<Exclude<VariableName, 'local_addrs' | 'force_from' | 'unreachable' | 'fair'>, number>
> = {
  debug: 2,
  dump_traff: 1,
  idle_out: 2_000_000,
  keepalive: 86_400,
  dead_count: 1000,
  data_size: 65_536,
  bandwidth: MAX_BYTES_PER_SEC,
  bandwidth_up: MAX_BYTES_PER_SEC,
  bandwidth_down: MAX_BYTES_PER_SEC,
  conn_bandwidth: MAX_BYTES_PER_SEC,
  client_bandwidth: MAX_BYTES_PER_SEC,
  client_prefix: 128,
  share_weight: 1000,
  share_relays: 1000,
  max_conns: 1_000_000,
  connect_timeout: 3600,
  drain_time: 86_400,
};

/** Numbers that are not zero. */
const FROM_ONE: readonly VariableName[] = ['data_size', 'connect_timeout', 'client_prefix', 'share_weight'];

export const isVariableName = (name: string): name is VariableName => Object.hasOwn(DEFAULT_VARIABLES, name);

/** A limit in bytes per second: `512`, `100k`, `100kB/s`, or in bits where they are spelt out, `1mbit`; 0 is none. Undefined if it is not one up to 10 Gbit/s. */
export function parseBandwidth(text: string): number | undefined {
  const bytesPerSec = parseRateBytePerSec(text);
  return bytesPerSec === undefined || bytesPerSec > MAX_BYTES_PER_SEC ? undefined : bytesPerSec;
}

/** What to type instead, in brackets. */
export function adviceOn(text: string): string {
  if (/^(?:off|none|no|unlimited|infinite)$/i.test(text)) return ' (0 is no limit)';
  // It is one, and too much.
  if (parseRateBytePerSec(text) !== undefined) return '';
  const advice = byteRateAdvice(text);
  return advice === undefined ? '' : ` (${advice})`;
}

export type ParsedVariable = { [Name in VariableName]: { name: Name; value: Variables[Name] } }[VariableName];

/** The value as it will be stored, or what is wrong with it. */
export function parseVariable(name: VariableName, text: string): ParsedVariable | string {
  switch (name) {
    case 'local_addrs': {
      const wrong = text.split(',').find((address) => isIP(address) === 0);
      return wrong === undefined ? { name, value: text } : `not an address: ${wrong}`;
    }
    case 'force_from':
      return isIP(text) === 0 ? `not an address: ${text}` : { name, value: text };
    case 'unreachable':
      return text === 'reset' || text === 'text' ? { name, value: text } : `neither reset nor text: ${text}`;
    case 'fair':
      return text === 'connection' || text === 'client'
        ? { name, value: text }
        : `neither connection nor client: ${text}`;
    case 'bandwidth':
    case 'bandwidth_up':
    case 'bandwidth_down':
    case 'conn_bandwidth':
    case 'client_bandwidth': {
      const value = parseBandwidth(text);
      return value === undefined
        ? `not a number of bytes per second from 0 to ${MAX_BYTES_PER_SEC}: ${text}${adviceOn(text)}`
        : { name, value };
    }
    case 'debug':
    case 'dump_traff':
    case 'idle_out':
    case 'keepalive':
    case 'dead_count':
    case 'data_size':
    case 'client_prefix':
    case 'share_weight':
    case 'share_relays':
    case 'max_conns':
    case 'connect_timeout':
    case 'drain_time': {
      const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      const least = FROM_ONE.includes(name) ? 1 : 0;
      if (!(value >= least && value <= LARGEST[name])) {
        return `not a whole number from ${least} to ${LARGEST[name]}: ${text}`;
      }
      return { name, value };
    }
  }
}

/** Stores a parsed value. */
export function assign(variables: Variables, parsed: ParsedVariable): void {
  Object.assign(variables, { [parsed.name]: parsed.value });
}
