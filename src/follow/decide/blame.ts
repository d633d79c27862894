/** Which direction a queue stands in. Pure. */
import type { RawRates } from '../../plan/input/framing.ts';
import type { Sample } from './sample.ts';

/** The queues of both directions in milliseconds; undefined: nothing tells. */
export interface Queues {
  downMs: number | undefined;
  upMs: number | undefined;
}

/** From this share of its rate on, a direction may be what fills a queue. */
const LOADED_SHARE = 0.5;

/**
 * A round trip has no direction, one-way delays have: the uplink's queue is what round trips take longer than that. Where only
 * round trips are known, they are charged to the direction that is more loaded, and to none while the line is idle.
 */
export function blame(sample: Sample, rates: RawRates): Queues {
  const { downQueueMs: downMs } = sample;
  const bothMs = sample.roundTripMs ?? sample.pingMs;
  if (bothMs === undefined) return { downMs, upMs: undefined };
  if (downMs !== undefined) return { downMs, upMs: Math.max(0, bothMs - downMs) };
  const { downShare, upShare } = loads(sample, rates);
  if (Math.max(downShare, upShare) < LOADED_SHARE) return { downMs: undefined, upMs: undefined };
  return downShare >= upShare ? { downMs: bothMs, upMs: undefined } : { downMs: undefined, upMs: bothMs };
}

export function isLoaded(sample: Sample, rates: RawRates): boolean {
  const { downShare, upShare } = loads(sample, rates);
  return Math.max(downShare, upShare) >= LOADED_SHARE;
}

function loads(sample: Sample, rates: RawRates): { downShare: number; upShare: number } {
  return {
    downShare: sample.downBitPerSec / rates.downBitPerSec,
    upShare: sample.upBitPerSec / rates.upBitPerSec,
  };
}
