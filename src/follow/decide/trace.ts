/** Recorded samples as lines of JSON, the first of which says what they are; and what is decided on them. Pure. */
import { decide, startFollowing, type Decision } from './decide.ts';
import type { LineLimits, Sample } from './sample.ts';

export interface TraceHead {
  format: 'inetgw-trace';
  version: 1;
  limits: LineLimits;
  /** The rates in force at its beginning. */
  downBitPerSec: number;
  upBitPerSec: number;
}

export interface Trace {
  head: TraceHead;
  samples: readonly Sample[];
}

export const traceLine = (line: TraceHead | Sample): string => `${JSON.stringify(line)}\n`;

/**
 * A device that was set up anew meanwhile begins another trace. Throws an Error that names the line where the text is none;
 * one cut off within its last line is one.
 */
export function parseTraces(text: string): Trace[] {
  const lines = text.split('\n');
  const whole = lines.slice(0, -1).map((line, at): unknown => {
    try {
      return JSON.parse(line);
    } catch {
      throw new Error(`line ${at + 1} is no JSON`);
    }
  });
  const traces: { head: TraceHead; samples: Sample[] }[] = [];
  if (!isHead(whole[0])) throw new Error('line 1 does not begin a trace of this version');
  whole.forEach((each, at) => {
    if (isHead(each)) traces.push({ head: each, samples: [] });
    else if (isSample(each)) traces.at(-1)?.samples.push(each);
    else throw new Error(`line ${at + 1} is no sample`);
  });
  return traces;
}

/** The last of them: of the settings in force at its end. */
export function parseTrace(text: string): Trace {
  const last = parseTraces(text).at(-1);
  if (last === undefined) throw new Error('there is no trace');
  return last;
}

/** What would be decided on these samples, one decision for each. */
export function replay({ head, samples }: Trace): Decision[] {
  const start = samples[0] === undefined ? 0 : samples[0].atMs - samples[0].spanMs;
  let state = startFollowing(head, start);
  return samples.map((sample) => {
    const next = decide(state, sample, head.limits);
    state = next.state;
    return next.decision;
  });
}

function isHead(value: unknown): value is TraceHead {
  const { format, version, limits, downBitPerSec, upBitPerSec } = (value ?? {}) as Partial<TraceHead>;
  const isRate = (rate: unknown): boolean => typeof rate === 'number' && rate > 0;
  const bounds = [limits?.down, limits?.up].flatMap((each) => [each?.leastBitPerSec, each?.mostBitPerSec]);
  return format === 'inetgw-trace' && version === 1 && [downBitPerSec, upBitPerSec, ...bounds].every(isRate);
}

const NEEDED = ['atMs', 'spanMs', 'downBitPerSec', 'upBitPerSec'] as const satisfies (keyof Sample)[];
const OPTIONAL = ['downQueueMs', 'roundTripMs', 'pingMs'] as const satisfies (keyof Sample)[];

function isSample(value: unknown): value is Sample {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Partial<Record<keyof Sample, unknown>>;
  return (
    NEEDED.every((name) => typeof fields[name] === 'number') &&
    OPTIONAL.every((name) => fields[name] === undefined || typeof fields[name] === 'number')
  );
}
