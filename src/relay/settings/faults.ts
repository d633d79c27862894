/** Faults of one direction of a forwarder, for testing other software. All are off by default. */
import { parseDurationMs, parseSizeBytes } from '../../core/units.ts';

export interface Faults {
  /** Every byte is held back so long; with `jitterMs` by a random time around it. Order is kept. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Nothing passes for `forMs` every `everyMs`; `everyMs` 0 with `forMs` Infinity holds for good. */
  readonly stall: { readonly everyMs: number; readonly forMs: number } | undefined;
  /** After so many bytes in this direction both sides are reset. */
  readonly resetAfterBytes: number | undefined;
  /** The end of the stream is passed on so much later. */
  readonly slowCloseMs: number;
  /** A file with the course of the bandwidth. */
  readonly scheduleFile: string | undefined;
  /** All bytes are read and thrown away (toxics.ts). */
  readonly drops: boolean;
  /** After so many bytes both sides are closed, without a reset. */
  readonly closeAfterBytes: number | undefined;
  /** Bytes go on in pieces, one after the other. */
  readonly slices:
    { readonly averageBytes: number; readonly variationBytes: number; readonly delayMs: number } | undefined;
}

export const NO_FAULTS: Faults = {
  latencyMs: 0,
  jitterMs: 0,
  stall: undefined,
  resetAfterBytes: undefined,
  slowCloseMs: 0,
  scheduleFile: undefined,
  drops: false,
  closeAfterBytes: undefined,
  slices: undefined,
};

/** The words by which a fault is set, at the prompt and in the configuration file. */
export const FAULT_WORDS = ['latency', 'jitter', 'stall', 'reset', 'slow_close', 'schedule'] as const;
export type FaultWord = (typeof FAULT_WORDS)[number];

/** An hour: longer latencies and stalls are surely typing errors, and timers end at 24 days. */
const LONGEST_MS = 3_600_000;

function duration(text: string): number | undefined {
  const ms = parseDurationMs(text);
  return ms === undefined || ms > LONGEST_MS ? undefined : ms;
}

/** The faults with one of them changed, or what is wrong with the value. `off` takes a fault away. */
export function withFault(faults: Faults, word: FaultWord, value: string): Faults | string {
  const off = value === 'off';
  switch (word) {
    case 'latency':
    case 'jitter':
    case 'slow_close': {
      const ms = off ? 0 : duration(value);
      if (ms === undefined) return `not a time up to 1 h: ${value} (for instance 200ms, 2s)`;
      const key = ({ latency: 'latencyMs', jitter: 'jitterMs', slow_close: 'slowCloseMs' } as const)[word];
      return { ...faults, [key]: ms };
    }
    case 'stall': {
      if (off) return { ...faults, stall: undefined };
      if (value === 'hold') return { ...faults, stall: { everyMs: 0, forMs: Infinity } };
      const [forText = '', everyText = '', rest] = value.split('/');
      const forMs = duration(forText);
      const everyMs = duration(everyText);
      if (
        forMs === undefined ||
        everyMs === undefined ||
        rest !== undefined ||
        forMs < 1 ||
        forMs >= everyMs
      ) {
        return `not a stall: ${value} (for instance 2s/10s: two seconds in every ten; hold; off)`;
      }
      return { ...faults, stall: { everyMs, forMs } };
    }
    case 'reset': {
      const bytes = off ? undefined : parseSizeBytes(value);
      if (!off && bytes === undefined) return `not a number of bytes: ${value} (for instance 4096, 100kb)`;
      return { ...faults, resetAfterBytes: bytes };
    }
    case 'schedule':
      return { ...faults, scheduleFile: off ? undefined : value };
  }
}

/** `latency 100ms jitter 20ms`, or `off`. */
export function formatFaults(faults: Faults): string {
  const parts: string[] = [];
  if (faults.latencyMs > 0) parts.push(`latency ${faults.latencyMs}ms`);
  if (faults.jitterMs > 0) parts.push(`jitter ${faults.jitterMs}ms`);
  if (faults.stall !== undefined) {
    const { forMs, everyMs } = faults.stall;
    parts.push(`stall ${forMs === Infinity ? 'hold' : `${forMs}ms/${everyMs}ms`}`);
  }
  if (faults.resetAfterBytes !== undefined) parts.push(`reset ${faults.resetAfterBytes}`);
  if (faults.slowCloseMs > 0) parts.push(`slow_close ${faults.slowCloseMs}ms`);
  if (faults.scheduleFile !== undefined) parts.push(`schedule ${faults.scheduleFile}`);
  return parts.length === 0 ? 'off' : parts.join(' ');
}

/** When a chunk read now may go on: latency around its mean, never before the one ahead of it. */
export function dueMs(faults: Faults, nowMs: number, previousDueMs: number, random: () => number): number {
  const jitterMs = faults.jitterMs * (2 * random() - 1);
  return Math.max(previousDueMs, nowMs + Math.max(0, faults.latencyMs + jitterMs));
}
