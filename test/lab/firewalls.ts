/** The ways to carry firewall rules, for tests that must come out the same with each of them. */
import type { Guest } from './guest.ts';
import { firstOf } from './forms.ts';

export interface Firewall {
  /** As `--firewall` knows it. */
  firewall: 'nft' | 'iptables';
  /** Which of Debian's iptables stands behind the name. */
  variant: 'nft' | 'legacy';
}

/** nft, iptables-nft and iptables-legacy. */
export const FIREWALLS: readonly Firewall[] = [
  { firewall: 'nft', variant: 'nft' },
  { firewall: 'iptables', variant: 'nft' },
  { firewall: 'iptables', variant: 'legacy' },
];

/**
 * The long form has all of them, the short one each way to write the rules once: the two iptables take the same rules, and
 * the kernel matches them by the same modules.
 */
export const FIREWALLS_ONCE = firstOf(FIREWALLS, 2);

/** The long form of a test runs with all of them (LAB_LONG=1), the short one with the first. */
export const SOME_FIREWALLS = firstOf(FIREWALLS);

export async function useVariant(guest: Guest, { variant }: Firewall): Promise<void> {
  for (const program of ['iptables', 'ip6tables']) {
    await guest.run(['update-alternatives', '--set', program, `/usr/sbin/${program}-${variant}`]);
  }
}
