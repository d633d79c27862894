import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framedBytes, framingByKeyword } from '../../../../src/plan/input/framing.ts';
import {
  framingAssumption,
  framingByName,
  framingByWords,
  resolveFraming,
  type FramingLink,
} from '../../../../src/plan/input/framingChoice.ts';
import { tunnelNotices } from '../../../../src/plan/input/tunnelNotices.ts';
import {
  parseKernelTunnel,
  TUNNEL_KEYWORDS,
  tunnelByKeyword,
  tunnelFacts,
  type TunnelFacts,
  type TunnelKeyword,
} from '../../../../src/plan/input/tunnels.ts';
import { routeDevice } from '../../../../src/system/device/tunnel.ts';
import { endpointAddress, portsSaid } from '../../../../src/system/device/wireGuard.ts';

const RATES = { upBitPerSec: 600_000, downBitPerSec: 3_000_000 };

const tunnel = (keyword: TunnelKeyword, more: Partial<TunnelFacts> = {}): TunnelFacts => ({
  ...tunnelByKeyword(keyword),
  keyword,
  isKnown: true,
  ...more,
});
const overEthernet = { device: 'eth0', kind: 'ethernet' } as const;

describe('a tunnel adds', () => {
  // As the programs' own documents and RFCs have it; WireGuard's are those of its MTUs, 1440 and 1420 of 1500.
  it.each([
    ['wireguard', 60],
    ['wireguard6', 80],
    ['openvpn', 52],
    ['ipsec', 57],
    ['ipsec-udp', 65],
    ['gre', 24],
    ['gre6', 44],
    ['gretap', 38],
    ['ipip', 20],
    ['sit', 20],
    ['6rd', 20],
    ['ip6tnl', 40],
    ['ds-lite', 40],
    ['vxlan', 50],
    ['vxlan6', 70],
    ['geneve', 50],
    ['l2tp', 38],
  ] as const)('%s: %i bytes', (keyword, bytes) => {
    expect(tunnelByKeyword(keyword).bytes).toBe(bytes);
  });
  it('what WireGuard makes of an acknowledgement: 64 bytes inside', () => {
    const framing = framingByName('docsis,wireguard');
    expect(framing).toEqual({
      ...{ name: 'docsis,wireguard', linkLayer: 'ethernet', overheadBytes: 78, mpuBytes: 142 },
    });
    if (framing === undefined) return;
    expect(framedBytes(framing, 52)).toBe(64 + 60 + 18);
    expect(framedBytes(framing, 1420)).toBe(1420 + 78);
  });
});

describe('the words of a framing', () => {
  it.each(['vdsl,wireguard', 'vdsl wireguard', 'vdsl+wireguard', 'wireguard, vdsl', 'VDSL,WireGuard'])(
    '%s is one line and a tunnel',
    (text) => {
      expect(framingByWords(text)).toEqual({ line: { word: 'vdsl' }, tunnels: ['wireguard'] });
    },
  );
  it('may name tunnels alone, on the line as it would be taken without a word', () => {
    expect(resolveFraming({ line: undefined, tunnels: ['gre'] }, { kind: 'ethernet' }, RATES).name).toBe(
      'docsis,gre',
    );
  });
  it('names what is no framing, and two lines', () => {
    expect(framingByWords('vdsl,wiregard')).toEqual({ unknown: 'wiregard' });
    expect(framingByWords('vdsl,cable')).toEqual({ twoLines: ['vdsl', 'cable'] });
    expect(framingByWords(' , ')).toEqual({ nothing: true });
  });
  it('add up, whatever they are, and a name says the same again', () => {
    const keywords = fc.subarray([...TUNNEL_KEYWORDS], { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(
        keywords,
        fc.constantFrom('docsis', 'pppoe-llcsnap', 'pppoe-ptm', 'raw'),
        (tunnels, line) => {
          const base = framingByKeyword(line);
          if (base === undefined) throw new Error(line);
          const framing = resolveFraming({ line: base, tunnels }, { kind: 'ip' }, RATES);
          const sum = tunnels.reduce(
            (bytes, each) => bytes + tunnelByKeyword(each).bytes,
            base.overheadBytes,
          );
          expect(framing.overheadBytes).toBe(sum);
          expect(framing.mpuBytes).toBeLessThanOrEqual(256);
          expect(framingByName(framing.name)).toEqual(framing);
        },
      ),
    );
  });
});

describe('on a device that is a tunnel', () => {
  const wg0 = (
    carrier?: TunnelFacts['carrier'],
    more: Partial<TunnelFacts> = {},
  ): FramingLink & { device: string } => ({
    device: 'wg0',
    kind: 'ip',
    tunnel: tunnel('wireguard', { ...(carrier === undefined ? {} : { carrier }), ...more }),
  });
  const named = (choice: Parameters<typeof resolveFraming>[0], link: FramingLink): string =>
    resolveFraming(choice, link, RATES).name;
  it('its own headers come on top of the line that carries it', () => {
    expect(named(undefined, wg0())).toBe('docsis,wireguard');
    expect(named(undefined, wg0({ device: 'ppp0', kind: 'ppp' }))).toBe('pppoe-llcsnap,wireguard');
    expect(named({ word: 'vdsl' }, wg0({ device: 'ppp0', kind: 'ppp' }))).toBe('pppoe-ptm,wireguard');
    expect(named({ word: 'vdsl' }, wg0(overEthernet))).toBe('bridged-ptm,wireguard');
    const keyword = framingByKeyword('ether-vlan');
    expect(named(keyword, wg0())).toBe('ether-vlan,wireguard');
  });
  it('the line is as it has been set up', () => {
    const framing = framingByKeyword('ether-vlan');
    if (framing === undefined) throw new Error('no keyword');
    const link = wg0({ ...overEthernet, framing });
    expect(named(undefined, link)).toBe('ether-vlan,wireguard');
    expect(framingAssumption(undefined, link)).toBeUndefined();
    expect(tunnelNotices(undefined, link, RATES)).toEqual([
      'wg0 is a tunnel, WireGuard over IPv4: 60 bytes are counted for it, on top of ether-vlan, as eth0 is set up;' +
        ' if UP and DOWN are the rates inside it: --framing raw',
    ]);
  });
  it('nothing is added to bare packets, to bytes that were counted, and to a tunnel that was named', () => {
    const custom = { name: 'custom', linkLayer: 'ethernet', overheadBytes: 78, mpuBytes: 0 } as const;
    for (const choice of [
      framingByKeyword('raw'),
      custom,
      { exact: custom },
      { line: { word: 'cable' }, tunnels: ['openvpn'] },
    ] as const) {
      expect(tunnelNotices(choice, wg0(), RATES)).toEqual([]);
      expect(named(choice, wg0())).not.toContain('wireguard');
    }
  });
  it('it is said what is assumed, and what to type', () => {
    const link = { ...wg0(overEthernet, { isKnown: false }), device: 'wg1' };
    expect(framingAssumption(undefined, link)).toBe('assumed, see --framing');
    expect(tunnelNotices(undefined, link, RATES)).toEqual([
      'wg1 is a tunnel; WireGuard over IPv4 is assumed: 60 bytes are counted for it, on top of docsis, which is assumed' +
        ' of eth0; if it is another: --framing docsis,wireguard for one, see --help; if UP and DOWN are the rates inside it: --framing raw',
      'eth0, which carries wg1, is not shaped: for what else is on the line, also: inetgw eth0 600 3000',
    ]);
  });
  it('a device that is none is told nothing', () => {
    expect(tunnelNotices(undefined, { device: 'eth0', kind: 'ethernet' }, RATES)).toEqual([]);
  });
});

/** As `ip -d -j link show` prints it, but for what is of no interest. */
const shown = (kind: string, data: object): string =>
  JSON.stringify([{ ifname: 't0', linkinfo: { info_kind: kind, info_data: data } }]);

describe('what the kernel shows', () => {
  it.each<[string, object, string, number, boolean]>([
    ['gre', { remote: '192.0.2.1', local: 'any' }, 'gre', 24, true],
    ['gre', { remote: '192.0.2.1', ikey: '0.0.0.5', okey: '0.0.0.5' }, 'gre', 28, true],
    ['gre', { remote: '192.0.2.1', okey: '0.0.0.5', ocsum: true, oseq: true }, 'gre', 36, true],
    ['ip6gre', { remote: '2001:db8::1', encap_limit: 4 }, 'gre6', 52, true],
    ['gretap', { remote: '192.0.2.1' }, 'gretap', 38, true],
    ['ipip', { remote: '192.0.2.1', encap: { type: 'fou', sport: 0, dport: 5555 } }, 'ipip', 28, true],
    ['sit', { remote: 'any' }, 'sit', 20, true],
    ['ip6tnl', { remote: '2001:db8::1', ip6_tnl_f_ign_encap_limit: true }, 'ip6tnl', 40, true],
    ['ip6tnl', { remote: '2001:db8::1', encap_limit: 4 }, 'ip6tnl', 48, true],
    ['vxlan', { id: 5, remote: '192.0.2.1' }, 'vxlan', 50, true],
    ['vxlan', { id: 5, remote6: '2001:db8::1' }, 'vxlan6', 70, true],
    ['wireguard', {}, 'wireguard', 60, false],
    ['xfrm', { if_id: '0x1' }, 'ipsec', 57, false],
    ['tun', { type: 'tun' }, 'openvpn', 52, false],
  ])('%s %o: %s, %i bytes, known %s', (kind, data, keyword, bytes, isKnown) => {
    const kernel = parseKernelTunnel(shown(kind, data));
    expect(kernel && tunnelFacts(kernel, 't0')).toMatchObject({ keyword, bytes, isKnown });
  });
  it('is no tunnel of the line: a virtual machine’s tap, veth, a card', () => {
    for (const [kind, data] of [
      ['tun', { type: 'tap' }],
      ['veth', {}],
    ] as const) {
      const kernel = parseKernelTunnel(shown(kind, data));
      expect(kernel && tunnelFacts(kernel, 't0')).toBeUndefined();
    }
    expect(parseKernelTunnel('[{"ifname":"eth0"}]')).toBeUndefined();
    expect(parseKernelTunnel('rubbish')).toBeUndefined();
    expect(parseKernelTunnel('[null]')).toBeUndefined();
  });
  it('of a tun device of Tailscale is WireGuard’s protocol', () => {
    const kernel = parseKernelTunnel(shown('tun', { type: 'tun' }));
    expect(kernel && tunnelFacts(kernel, 'tailscale0')?.keyword).toBe('wireguard');
  });
  it('has the other side’s address as wg prints it', () => {
    expect(endpointAddress('abc=\t192.0.2.1:51820\n')).toBe('192.0.2.1');
    expect(endpointAddress('abc=\t(none)\ndef=\t[2001:db8::1]:51820\n')).toBe('2001:db8::1');
    expect(endpointAddress('abc=\t(none)\n')).toBeUndefined();
    expect(endpointAddress('')).toBeUndefined();
  });
  it('has the ports that WireGuard listens on, once it does', () => {
    expect(portsSaid('wg1\t51820\nwg0\t40000\nwg2\t0\nwg3\t40000\n')).toEqual([40_000, 51_820]);
    expect(portsSaid('')).toEqual([]);
  });
  it('has the device that the outer packets leave by', () => {
    expect(
      routeDevice('[{"dst":"192.0.2.1","gateway":"198.51.100.1","dev":"eth0","prefsrc":"198.51.100.2"}]'),
    ).toBe('eth0');
    expect(routeDevice('[{"type":"local","dst":"192.0.2.1","dev":"lo"}]')).toBeUndefined();
    expect(routeDevice('')).toBeUndefined();
  });
});
