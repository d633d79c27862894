/** A decision in words, for people. Pure. */
import { formatRate } from '../../core/units.ts';
import { FOLLOW_PHASES } from '../../plan/input/followPhases.ts';
import { blame } from './blame.ts';
import type { Decision, FollowState } from './decide.ts';
import type { Sample } from './sample.ts';

/** What changed; undefined: nothing. */
export function decisionText(before: FollowState, decision: Decision, sample: Sample): string | undefined {
  const rates = { downBitPerSec: before.down.rateBitPerSec, upBitPerSec: before.up.rateBitPerSec };
  const queues = blame(sample, rates);
  const texts = (['down', 'up'] as const).flatMap((direction) => {
    const [from, to] = [rates[`${direction}BitPerSec`], decision[`${direction}BitPerSec`]];
    if (from === to) return [];
    const queueMs = queues[`${direction}Ms`];
    const queue = queueMs === undefined ? '' : ` (${queueMs.toFixed(0)} ms)`;
    const way = decision.forgetLeast ? 'the way has become longer' : FOLLOW_PHASES[decision.why[direction]];
    return [`${direction} ${formatRate(from)} → ${formatRate(to)}: ${way}${queue}`];
  });
  return texts.length === 0 ? undefined : texts.join('; ');
}
