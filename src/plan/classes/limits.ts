/** Limits of hosts and networks as rules: what they have at most, and the class that their packets go to. Pure. */
import type { LimitRule } from '../../firewall/rules.ts';
import type { HostLimit } from '../input/hostLimits.ts';

const BITS_PER_BYTE = 8;

/** In the order in which they are asked: a host before the network that it is in, as the file has been read. */
export function limitRules(limits: readonly HostLimit[] = []): LimitRule[] {
  return limits.flatMap(({ name, hosts, downBitPerSec, upBitPerSec }) =>
    (
      [
        ['down', downBitPerSec],
        ['up', upBitPerSec],
      ] as const
    ).flatMap(([direction, bitPerSec]): LimitRule[] =>
      bitPerSec === undefined
        ? []
        : [{ name, direction, hosts, bytesPerSec: Math.floor(bitPerSec / BITS_PER_BYTE) }],
    ),
  );
}
