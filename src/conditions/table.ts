/**
 * The one table of conditions: what `inetgw DEV`, `inetgw status` and `inetgw check DEV` tell of, docs/conditions.md
 * explains, and test/lab/conditions.test.ts makes. A new one is an entry in one of these lists, and for what it is read
 * from a member of `ConditionReadings`, which system/check/conditions.ts fills. Pure.
 */
import type { Condition, FoundCondition } from './condition.ts';
import { DEVICE_CONDITIONS } from './device.ts';
import { FIREWALL_CONDITIONS } from './firewall.ts';
import { OTHERS_CONDITIONS } from './others.ts';
import { QUEUE_CONDITIONS } from './queues.ts';
import { FALLBACK_CONDITIONS } from './fallbacks.ts';
import { UPLINK_CONDITIONS } from './uplink.ts';
import { TUNNEL_CONDITIONS } from './tunnels.ts';

/** In the order in which they are told: what explains others comes before them. */
export const CONDITIONS: readonly Condition[] = [
  ...DEVICE_CONDITIONS.filter(({ severity }) => severity === 'broken'),
  ...QUEUE_CONDITIONS,
  ...FIREWALL_CONDITIONS,
  ...DEVICE_CONDITIONS.filter(({ severity }) => severity !== 'broken'),
  ...OTHERS_CONDITIONS,
  ...TUNNEL_CONDITIONS,
  ...UPLINK_CONDITIONS,
  ...FALLBACK_CONDITIONS,
];

export function isBroken(found: readonly FoundCondition[]): boolean {
  return found.some(({ severity }) => severity === 'broken');
}

/** What was set up as a device that is not here is somewhere else. */
export function isElsewhere(found: readonly FoundCondition[]): boolean {
  return found.some(({ id }) => id === 'device-renamed' || id === 'other-namespace');
}

/** What was set up was taken away for a while. */
export function isPaused(found: readonly FoundCondition[]): boolean {
  return found.some(({ id }) => id === 'paused');
}

/** One line for a person: `the MTU …; set it up again: … [mtu-raised]`. */
export function conditionLine({ id, text, remedy }: FoundCondition): string {
  return `${text}; ${remedy} [${id}]`;
}
