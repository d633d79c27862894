import { expect, it } from 'vitest';
import { assumedLink } from '../../../../src/plan/input/assumedLink.ts';

it.each([
  ['ppp0', 'ppp', 1492],
  ['eth0', 'ethernet', 1500],
  ['enp3s0', 'ethernet', 1500],
  ['enx001122334455', 'ethernet', 1500],
  ['wlan0', 'ethernet', 1500],
  ['wlp2s0', 'ethernet', 1500],
  ['wwan0', 'ip', 1500],
  ['wg0', 'ip', 1420],
  ['tun0', 'ip', 1500],
] as const)('%s will be %s, mtu %i', (device, kind, mtuBytes) => {
  expect(assumedLink(device)).toMatchObject({ device, ifindex: 0, kind, mtuBytes });
});

it.each([
  ['wg0', 'wireguard'],
  ['tailscale0', 'wireguard'],
  ['tun0', 'openvpn'],
  ['tunl0', 'ipip'],
  ['eth0', undefined],
  ['wwan0', undefined],
])('%s will be a tunnel: %s', (device, keyword) => {
  expect(assumedLink(device)?.tunnel?.keyword).toBe(keyword);
});

it.each(['nosuch0', 'etf0', 'pp0', 'lo', 'ent0'])('%s tells nothing', (device) => {
  expect(assumedLink(device)).toBeUndefined();
});
