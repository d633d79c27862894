/** Rates that follow the line, for a person. Pure. */
import { formatRate } from '../../core/units.ts';
import { FOLLOW_PHASES, type FollowPhase } from '../../plan/input/followPhases.ts';
import { isFollowed, type LineLimits, type RateLimits } from '../../plan/input/limits.ts';

/** Rates that follow the line: docs/following.md. */
export interface FollowingStatistics {
  limits: LineLimits;
  /** The service that lets them follow; null: none runs, and the rates are the last ones. */
  pid: number | null;
  /** The rates in force; absent: those that were set up. */
  down?: FollowedRate;
  up?: FollowedRate;
}

export interface FollowedRate {
  bitPerSec: number;
  /** Why it is so. */
  phase: FollowPhase;
  /** ISO 8601: since when. */
  since: string;
}

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
    rate === undefined
      ? ''
      : `: ${formatRate(rate.bitPerSec)} now, ${FOLLOW_PHASES[rate.phase]}, since ${rate.since}`;
  return `follows: ${direction} within ${limits}${now}`;
}
