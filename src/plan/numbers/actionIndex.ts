/**
 * Indices of actions are shared by all devices of a network namespace, so ours are made of the device's. Two devices
 * with one index would share a policer, and nothing would say so: the kernel takes the one that is there. Pure.
 */

/** Above all that the kernel hands out itself, which counts from 1; two spaces of 2^30 and one index for trials. */
const FIRST = { stages: 0x4000_0000, queue: 0x8000_0000 } as const;

/** What is tried and taken away at once (system/apply/rehearse.ts): no device has it. */
export const TRIAL_INDEX = 0xc000_0000;

/** Eight of each kind per device. */
const PER_DEVICE = 8;
/** The kernel counts a device that comes up again further: a link that reconnects gets here after 134 million times. */
const DEVICES = 2 ** 27;

/** @param n 0 to 7 */
export function deviceActionIndex(space: keyof typeof FIRST, ifindex: number, n: number): number {
  return FIRST[space] + (ifindex % DEVICES) * PER_DEVICE + n;
}
