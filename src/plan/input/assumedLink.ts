/** What a device that is not there yet is taken to be, by its name: for a plan before the line has come up. Pure. */
import type { LinkKind } from './framing.ts';
import type { LinkFacts } from './link.ts';
import { tunnelByName } from './tunnels.ts';

/**
 * Names that the kernel, systemd (systemd.net-naming-scheme(7)) and the usual programs give, with the MTU that such a
 * device has: PPPoE leaves 1492 of 1500 bytes (RFC 2516), WireGuard 1420 (wg-quick(8)).
 */
const KINDS: readonly [RegExp, LinkKind, number][] = [
  [/^ppp/, 'ppp', 1492],
  [/^wg/, 'ip', 1420],
  [/^(?:wwan|wwp|tun|tailscale|sit|gre|ip6tnl|tunl|ipip|rmnet)/, 'ip', 1500],
  [/^(?:eth|en[opsxadPuvi]|wl|wan|lan|usb|bond|br|vlan|veth|dummy|ifb|tap)/, 'ethernet', 1500],
];

/**
 * The facts of a device that is not there; undefined: its name tells nothing. The index is 0, which no device has: the
 * numbers of its actions follow from it and will be others.
 */
export function assumedLink(device: string): LinkFacts | undefined {
  const found = KINDS.find(([pattern]) => pattern.test(device));
  if (found === undefined) return undefined;
  const tunnel = tunnelByName(device);
  return {
    device,
    ifindex: 0,
    kind: found[1],
    mtuBytes: found[2],
    ...(tunnel === undefined ? {} : { tunnel }),
  };
}
