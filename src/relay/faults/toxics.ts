/**
 * Faults in the words of toxiproxy (its README, version 2.9): a list for each stream, each with a probability per connection. What
 * they do is a forwarder's faults, plus what only they have. Pure.
 */
import type { Direction } from '../settings/direction.ts';
import type { Faults } from '../settings/faults.ts';

/** The attributes of each type with their defaults; whole numbers, in the unit that toxiproxy gives them. */
const ATTRIBUTES = {
  /** ms */
  latency: { latency: 0, jitter: 0 },
  /** kB/s, 0 is no limit */
  bandwidth: { rate: 0 },
  /** ms */
  slow_close: { delay: 0 },
  /** ms, 0 never ends */
  timeout: { timeout: 0 },
  /** ms */
  reset_peer: { timeout: 0 },
  /** bytes, bytes, µs */
  slicer: { average_size: 0, size_variation: 0, delay: 0 },
  /** bytes */
  limit_data: { bytes: 0 },
} as const;

export type ToxicType = keyof typeof ATTRIBUTES;

export interface Toxic {
  readonly name: string;
  readonly type: ToxicType;
  readonly stream: 'upstream' | 'downstream';
  /** The share of connections that it meets, 0 to 1. */
  readonly toxicity: number;
  readonly attributes: Readonly<Record<string, number>>;
}

export const directionOf = ({ stream }: Toxic): Direction => (stream === 'upstream' ? 'up' : 'down');

/** The longest time that a timer takes, and more bytes than anybody sends. */
const MOST: Readonly<Record<string, number>> = { bytes: Number.MAX_SAFE_INTEGER, rate: 1_250_000 };
const MOST_MS = 0x7fff_ffff;

/** A new toxic from what a client sends, or what is wrong with it, in toxiproxy's words. */
export function readToxic(input: Readonly<Record<string, unknown>>): Toxic | string {
  const { type, stream = 'downstream' } = input;
  if (stream !== 'upstream' && stream !== 'downstream' && stream !== '')
    return 'stream was invalid, can be either upstream or downstream';
  const kind = (Object.keys(ATTRIBUTES) as ToxicType[]).find((each) => each === type);
  if (kind === undefined) return 'invalid toxic type';
  const side = stream === '' ? 'downstream' : stream;
  const { name } = input;
  const attributes = { ...ATTRIBUTES[kind] };
  const named = typeof name === 'string' && name !== '' ? name : `${kind}_${side}`;
  return changeToxic({ name: named, type: kind, stream: side, toxicity: 1, attributes }, input);
}

/** The toxic with what a client wants changed: attributes one by one, and the toxicity. */
export function changeToxic(toxic: Toxic, input: Readonly<Record<string, unknown>>): Toxic | string {
  const { toxicity = toxic.toxicity, attributes = {} } = input;
  if (typeof toxicity !== 'number' || !(toxicity >= 0 && toxicity <= 1))
    return 'bad request body: toxicity is from 0 to 1';
  if (typeof attributes !== 'object' || attributes === null) return 'bad request body: attributes';
  const changed: Record<string, number> = { ...toxic.attributes };
  for (const [name, value] of Object.entries(attributes)) {
    if (!Object.hasOwn(ATTRIBUTES[toxic.type], name)) continue;
    const most = MOST[name] ?? MOST_MS;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
      return `bad request body: ${name} is a whole number from 0 to ${most}`;
    changed[name] = value;
  }
  return { ...toxic, toxicity, attributes: changed };
}

/** A toxic that meets a connection, and how many bytes had passed there before. */
export interface Met {
  readonly toxic: Toxic;
  readonly fromBytes: number;
}

/** The faults of one direction of a connection, with the toxics that it has met. */
export function withToxics(faults: Faults, met: readonly Met[]): Faults {
  let all = faults;
  for (const { toxic, fromBytes } of met) {
    const of = (name: string): number => toxic.attributes[name] ?? 0;
    switch (toxic.type) {
      case 'latency':
        all = { ...all, latencyMs: all.latencyMs + of('latency'), jitterMs: all.jitterMs + of('jitter') };
        break;
      case 'slow_close':
        all = { ...all, slowCloseMs: all.slowCloseMs + of('delay') };
        break;
      case 'timeout':
      case 'reset_peer':
        all = { ...all, drops: true };
        break;
      case 'slicer':
        all = {
          ...all,
          slices: {
            averageBytes: Math.max(1, of('average_size')),
            variationBytes: of('size_variation'),
            delayMs: of('delay') / 1000,
          },
        };
        break;
      case 'limit_data':
        all = { ...all, closeAfterBytes: Math.min(all.closeAfterBytes ?? Infinity, fromBytes + of('bytes')) };
        break;
      case 'bandwidth':
        // A limit of the flow: see bandwidthOf.
        break;
    }
  }
  return all;
}

/** The lowest bandwidth of the toxics, bytes per second. */
export function bandwidthOf(met: readonly Met[]): number | undefined {
  const rates = met.flatMap(({ toxic }) =>
    toxic.type === 'bandwidth' ? [toxic.attributes['rate'] ?? 0] : [],
  );
  const limits = rates.filter((rate) => rate > 0);
  return limits.length === 0 ? undefined : Math.min(...limits) * 1000;
}

/** True for one that throws bytes away. */
export const swallows = ({ type }: Toxic): boolean => type === 'timeout' || type === 'reset_peer';

/** When a toxic ends a connection, in ms from its beginning, and how; undefined if it does not. */
export function endingOf({
  type,
  attributes,
}: Toxic): { afterMs: number; how: 'close' | 'reset' } | undefined {
  const afterMs = attributes['timeout'] ?? 0;
  if (type === 'reset_peer') return { afterMs, how: 'reset' };
  return type === 'timeout' && afterMs > 0 ? { afterMs, how: 'close' } : undefined;
}

/** A stream's bytes in slices of about the average size; `random` is from 0 to 1. */
export function slice(chunk: Buffer, slices: NonNullable<Faults['slices']>, random: () => number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < chunk.length;) {
    const variation = slices.variationBytes * (2 * random() - 1);
    const bytes = Math.max(1, Math.round(slices.averageBytes + variation));
    parts.push(chunk.subarray(at, at + bytes));
    at += bytes;
  }
  return parts;
}
