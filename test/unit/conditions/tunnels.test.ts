import { expect, it } from 'vitest';
import type { OwnTunnel } from '../../../src/conditions/condition.ts';
import { conditionsOf } from '../../../src/conditions/find.ts';
import { bytesInTunnels, TUNNEL_CONDITIONS } from '../../../src/conditions/tunnels.ts';
import type { ShaperOptions } from '../../../src/config/keys.ts';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import type { Framing } from '../../../src/plan/input/framing.ts';
import { tunnelByKeyword, type TunnelFacts } from '../../../src/plan/input/tunnels.ts';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';

const link = { device: 'eth0', ifindex: 3, kind: 'ethernet', mtuBytes: 1500 } as const;

function planOf(framing: string | undefined, device: string = 'eth0', tunnel?: TunnelFacts): Plan {
  const { settings } = settingsFromArguments(device, '588', '2940', framing === undefined ? {} : { framing });
  const facts = { ...link, device, ...(tunnel === undefined ? {} : { tunnel }) };
  return makePlan(settings, facts, { leafQdisc: 'fq_codel' }, 'nft');
}

const wg0: OwnTunnel = { device: 'wg0', sentBytes: 1e6, isShaped: false };

/** What is said of a line that has sent acknowledgements through a tunnel, and other things. */
function said(
  own: readonly OwnTunnel[],
  { framing = 'docsis', packets = 10_000, otherBytes = 0 } = {},
): string[] {
  const plan = planOf(framing);
  const rules = new Map([
    ['tunnel-small', { packets, bytes: packets * 72 }],
    ['tunnel-download-udp', { packets: 1e6, bytes: 1e9 }],
    ['tcp-ack', { packets: 1, bytes: otherBytes }],
  ]);
  const inTunnelsBytes = bytesInTunnels(plan, rules);
  // Over ATM each takes three cells.
  const sent = packets * (framing === 'docsis' ? 90 : 159);
  expect(inTunnelsBytes).toBe(sent);
  const record = { phase: 'active', plan, namespace: 'net:[1]' } as const;
  const tunnels = { inTunnelsBytes, sentBytes: sent + otherBytes, own };
  return conditionsOf({ device: 'eth0', link, record, tunnels }, TUNNEL_CONDITIONS).map(({ text }) => text);
}

it('most in a tunnel: it is named, with the line to type', () => {
  expect(said([wg0])).toEqual([
    expect.stringMatching(
      /^most bytes are in tunnels, .*: shape the tunnel as well, with: inetgw wg0 588 2940$/,
    ),
  ]);
  expect(said([wg0], { framing: 'pppoe-llcsnap' })).toHaveLength(1);
});
it('so of tunnels that end elsewhere', () => {
  for (const own of [[], [{ ...wg0, sentBytes: 100 }]])
    expect(said(own)).toEqual([expect.stringContaining('shape it where the tunnel ends')]);
});
it('nothing where the tunnel is shaped, where most is outside, and after next to nothing', () => {
  expect(said([{ ...wg0, isShaped: true }])).toEqual([]);
  expect(said([wg0], { otherBytes: 1_000_000 })).toEqual([]);
  expect(said([wg0], { packets: 1000 })).toEqual([]);
});

it('a tunnel that counts another framing than its line has now, unless its own was said', () => {
  const line = (framing: string): Framing => planOf(framing).framing;
  const found = (chosen: string | undefined, then: string | undefined, now: string | undefined): string[] => {
    const carrier = { device: 'eth0', kind: 'ethernet' } as const;
    const facts = { ...tunnelByKeyword('wireguard'), keyword: 'wireguard', isKnown: true } as const;
    const set = then === undefined ? carrier : { ...carrier, framing: line(then) };
    const plan = planOf(chosen, 'wg0', { ...facts, carrier: set });
    const record = { phase: 'active', plan, namespace: 'net:[1]' } as const;
    const carrierFraming = now === undefined ? undefined : line(now);
    const readings = { device: 'wg0', link: { ...link, device: 'wg0' }, record, carrierFraming };
    return conditionsOf(readings, TUNNEL_CONDITIONS).map(({ id, text }) => `${id}: ${text}`);
  };
  expect(found(undefined, undefined, 'vdsl')).toEqual([
    'tunnel-framing: wg0 counts docsis,wireguard, and eth0, which carries it, is set up with bridged-ptm now: inetgw wg0 588 2940',
  ]);
  expect(found(undefined, 'vdsl', 'cable')).toHaveLength(1);
  expect(found(undefined, 'vdsl', 'vdsl')).toEqual([]);
  // The default was right, and eth0 is not set up: the latter is told otherwise.
  expect(found(undefined, undefined, 'cable')).toEqual([]);
  expect(found(undefined, 'vdsl', undefined)).toEqual([]);
  for (const chosen of ['raw', 'fiber', 'vdsl,wireguard'])
    expect(found(chosen, undefined, 'cable')).toEqual([]);
});

it('ports of WireGuard that no rule names, with the line to type', () => {
  const found = (
    wireGuardPorts: readonly number[] | undefined,
    options: ShaperOptions = {},
    firewall = true,
  ): string[] => {
    const { settings } = settingsFromArguments('eth0', '588', '2940', options);
    const kernel = { leafQdisc: 'fq_codel', wireGuardPorts: [40_000] } as const;
    const plan = makePlan(settings, link, kernel, firewall ? 'nft' : undefined);
    const record = { phase: 'active', plan, namespace: 'net:[1]' } as const;
    const readings = { device: 'eth0', link, record, wireGuardPorts };
    return conditionsOf(readings, TUNNEL_CONDITIONS).map(({ id, text }) => `${id}: ${text}`);
  };
  expect(found([40_000, 40_001, 40_002, 51_820])).toEqual([
    'tunnel-ports-changed: WireGuard on this machine sends from UDP 40001, 40002, which the rules of eth0 do not know: inetgw eth0 588 2940',
  ]);
  expect(found([40_000, 51_820])).toEqual([]);
  expect(found([40_001], { tunnelPorts: 'udp/40001-40002' })).toEqual([]);
  expect(found([40_001], { interactivePorts: 'udp/40001' })).toEqual([]);
  expect(found([40_001], { interactivePorts: '40001' })).toHaveLength(1);
  expect(found([40_001], {}, false)).toEqual([]);
  expect(found(undefined)).toEqual([]);
});

it('what IPsec brings is counted twice', () => {
  const found = (ipsecTunnels: number | undefined): string[] => {
    const readings = { device: 'eth0', link, record: undefined, ipsecTunnels };
    return conditionsOf(readings, TUNNEL_CONDITIONS).map(({ id, text }) => `${id}: ${text}`);
  };
  expect(found(2)).toEqual([
    expect.stringMatching(/^ipsec-twice: associations of IPsec .* end here: 2; what .* once more$/),
  ]);
  expect(found(0)).toEqual([]);
  expect(found(undefined)).toEqual([]);
});

it('the line below a shaped tunnel, unless the rates are of what is inside', () => {
  const tunnel: TunnelFacts = {
    ...tunnelByKeyword('wireguard'),
    ...{ keyword: 'wireguard', isKnown: true, carrier: { device: 'eth0', kind: 'ethernet' } },
  };
  const found = (framing: string | undefined, shapedDevices: readonly string[]): string[] => {
    const record = { phase: 'active', plan: planOf(framing, 'wg0', tunnel), namespace: 'net:[1]' } as const;
    const readings = { device: 'wg0', link: { ...link, device: 'wg0' }, record, shapedDevices };
    return conditionsOf(readings, TUNNEL_CONDITIONS).map(({ id, text }) => `${id}: ${text}`);
  };
  expect(found(undefined, ['wg0'])).toEqual([
    'line-not-shaped: eth0, which carries wg0, is not shaped: inetgw eth0 588 2940',
  ]);
  expect(found(undefined, ['eth0', 'wg0'])).toEqual([]);
  expect(found('raw', ['wg0'])).toEqual([]);
});
