/** A line as a fluid: what is more than it carries stands in a queue, and comes later. */
import { decide, startFollowing, type Decision } from '../../../../src/follow/decide/decide.ts';
import type { LineLimits, Sample } from '../../../../src/follow/decide/sample.ts';

const SPAN_MS = 50;

export const LIMITS: LineLimits = {
  down: { leastBitPerSec: 3e6, mostBitPerSec: 20e6 },
  up: { leastBitPerSec: 1e6, mostBitPerSec: 5e6 },
};

export interface FluidLine {
  downBitPerSec: (atMs: number) => number;
  upBitPerSec: (atMs: number) => number;
  /** Whether both directions are wanted as far as their rates allow. */
  isLoaded: (atMs: number) => boolean;
  /** Added to what delays show, which is the queue. */
  noiseMs?: (atMs: number) => number;
  /** What tells: timestamps of TCP, or pings alone. */
  tells?: 'tcp' | 'pings';
}

export interface Lived {
  atMs: number;
  sample: Sample;
  decision: Decision;
  downQueueMs: number;
  upQueueMs: number;
}

/** Follows such a line from the highest rates on, for so long. */
export function follow(line: FluidLine, forMs: number, limits = LIMITS): Lived[] {
  const lived: Lived[] = [];
  const rates = { downBitPerSec: limits.down.mostBitPerSec, upBitPerSec: limits.up.mostBitPerSec };
  let state = startFollowing(rates, 0);
  const down = direction();
  const up = direction();
  for (let atMs = SPAN_MS; atMs <= forMs; atMs += SPAN_MS) {
    const loaded = line.isLoaded(atMs) ? 1 : 0;
    const downThrough = down.pass(state.down.rateBitPerSec * loaded, line.downBitPerSec(atMs));
    const upThrough = up.pass(state.up.rateBitPerSec * loaded, line.upBitPerSec(atMs));
    const noiseMs = line.noiseMs?.(atMs) ?? 0;
    const bothMs = downThrough.queueMs + upThrough.queueMs + noiseMs;
    const sample: Sample = {
      atMs,
      spanMs: SPAN_MS,
      downBitPerSec: downThrough.bitPerSec,
      upBitPerSec: state.up.rateBitPerSec * loaded,
      ...(loaded === 0
        ? {}
        : line.tells === 'pings'
          ? { pingMs: bothMs }
          : { downQueueMs: downThrough.queueMs + noiseMs, roundTripMs: bothMs }),
    };
    const next = decide(state, sample, limits);
    state = next.state;
    lived.push({
      ...{ atMs, sample, decision: next.decision },
      ...{ downQueueMs: downThrough.queueMs, upQueueMs: upThrough.queueMs },
    });
  }
  return lived;
}

function direction(): {
  pass: (inBitPerSec: number, lineBitPerSec: number) => { bitPerSec: number; queueMs: number };
} {
  let queueBits = 0;
  return {
    pass: (inBitPerSec, lineBitPerSec) => {
      const offered = queueBits + (inBitPerSec * SPAN_MS) / 1000;
      const passed = Math.min(offered, (lineBitPerSec * SPAN_MS) / 1000);
      queueBits = offered - passed;
      return { bitPerSec: (passed * 1000) / SPAN_MS, queueMs: (queueBits / lineBitPerSec) * 1000 };
    },
  };
}
