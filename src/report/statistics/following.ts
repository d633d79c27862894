/** Rates that follow the line, for a person. Pure. */
import { formatRate } from '../../core/units.ts';
import { isFollowed, type RateLimits } from '../../plan/input/limits.ts';
import type { FollowedRate, FollowingStatistics } from './statistics.ts';

/** Why a rate is what it is. */
const WHY: Readonly<Record<FollowedRate['phase'], string>> = {
  steady: 'as it was set up',
  drain: 'a queue stands at the provider and is drained',
  hold: 'a queue is gone, just below what the line carried',
  probe: 'loaded without a queue, it rises',
};

/** A line for each direction that follows, and one where nobody lets it. */
export function followingLines({ limits, pid, ...rates }: FollowingStatistics): string[] {
  return [
    ...(['down', 'up'] as const).flatMap((direction) =>
      isFollowed(limits[direction]) ? [line(direction, limits[direction], rates[direction])] : [],
    ),
    ...(pid === null ? ['follows: nobody lets the rates follow the line: start inetgw serve'] : []),
  ];
}

function line(direction: 'up' | 'down', within: RateLimits, rate: FollowedRate | undefined): string {
  const limits = `${formatRate(within.leastBitPerSec)} to ${formatRate(within.mostBitPerSec)}`;
  const now =
    rate === undefined ? '' : `: ${formatRate(rate.bitPerSec)} now, ${WHY[rate.phase]}, since ${rate.since}`;
  return `follows: ${direction} within ${limits}${now}`;
}
