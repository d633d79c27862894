/** Between which rates a device follows its line: docs/following.md. Pure. */

/** As they are said; one that is missing is the direction's rate. In bit/s of raw line rate, as the rates. */
export interface SaidLimits {
  downMin?: number;
  downMax?: number;
  upMin?: number;
  upMax?: number;
}

export interface RateLimits {
  leastBitPerSec: number;
  mostBitPerSec: number;
}

export interface LineLimits {
  down: RateLimits;
  up: RateLimits;
}

/** Undefined: both rates are fixed. A direction whose limits are equal is. */
export function lineLimits(
  said: SaidLimits | undefined,
  { upBitPerSec, downBitPerSec }: { upBitPerSec: number; downBitPerSec: number },
): LineLimits | undefined {
  if (said === undefined) return undefined;
  const down = {
    leastBitPerSec: said.downMin ?? downBitPerSec,
    mostBitPerSec: said.downMax ?? downBitPerSec,
  };
  const up = { leastBitPerSec: said.upMin ?? upBitPerSec, mostBitPerSec: said.upMax ?? upBitPerSec };
  return isFollowed(down) || isFollowed(up) ? { down, up } : undefined;
}

export const isFollowed = ({ leastBitPerSec, mostBitPerSec }: RateLimits): boolean =>
  leastBitPerSec < mostBitPerSec;
