import { describe, expect, it } from 'vitest';
import {
  isTunnel,
  layerAdvice,
  mayBeTunnel,
  setUpRank,
  type LayerFacts,
} from '../../../../src/plan/input/layers.ts';
import { defaultDevices4, defaultDevices6, pppoeDevices } from '../../../../src/system/link/layers.ts';

/** An Ethernet device with nothing about it. */
const facts = (more: Partial<LayerFacts>): LayerFacts => ({
  device: 'eth0',
  arphrdType: 1,
  deviceType: undefined,
  isHardware: true,
  isOwnLink: true,
  master: undefined,
  uppers: [],
  defaultRoutes: [],
  pppoeCarriers: [],
  pppDevices: [],
  ...more,
});

describe('the layer of a device', () => {
  it.each<[string, Partial<LayerFacts>, string | undefined]>([
    ['a port of a bridge', { master: { device: 'br0', kind: 'bridge' } }, 'br0'],
    ['a part of a bond', { master: { device: 'bond0', kind: 'bond' } }, 'bond0'],
    [
      'below PPPoE',
      { pppoeCarriers: ['eth0'], pppDevices: ['ppp0', 'ppp1'], defaultRoutes: ['ppp1'] },
      'ppp1',
    ],
    ['below PPPoE without a route', { pppoeCarriers: ['eth0'], pppDevices: ['ppp0'] }, 'ppp0'],
    ['below PPPoE, which one is open', { pppoeCarriers: ['eth0'], pppDevices: ['ppp0', 'ppp1'] }, undefined],
    [
      'below a VLAN with PPPoE',
      { uppers: ['eth0.7'], pppoeCarriers: ['eth0.7'], pppDevices: ['ppp0'] },
      'ppp0',
    ],
    ['below a VLAN that leads out', { uppers: ['eth0.7'], defaultRoutes: ['eth0.7'] }, 'eth0.7'],
    ['a bridge of the LAN', { device: 'br0', deviceType: 'bridge', defaultRoutes: ['ppp0'] }, 'ppp0'],
  ])('is doubted: %s', (_, more, instead) => {
    expect(layerAdvice(facts(more))).toMatchObject({ kind: 'doubt', instead });
  });
  it('is wrong for loopback', () => {
    const loopback = { device: 'lo', arphrdType: 772, isHardware: false };
    expect(layerAdvice(facts({ ...loopback, defaultRoutes: ['ppp0'] }))).toEqual({
      kind: 'wrong',
      text: 'lo is this machine itself and no line',
      instead: 'ppp0',
    });
    expect(layerAdvice(facts(loopback))?.instead).toBeUndefined();
  });
  it.each<[string, Partial<LayerFacts>]>([
    ['a device by itself', {}],
    ['one that leads out itself', { uppers: ['eth0.7'], defaultRoutes: ['eth0', 'eth0.7'] }],
    ['a slave of a VRF', { master: { device: 'vrf0', kind: 'other' } }],
    ['a bridge that leads out', { device: 'br0', deviceType: 'bridge', defaultRoutes: ['br0'] }],
    ['the ppp device', { device: 'ppp0', arphrdType: 512, pppoeCarriers: ['eth0'], pppDevices: ['ppp0'] }],
    ['a second line', { defaultRoutes: ['ppp0'] }],
  ])('is not doubted: %s', (_, more) => {
    expect(layerAdvice(facts(more))).toBeUndefined();
  });
});

describe('a tunnel', () => {
  const soft = { device: 'wg0', isHardware: false };
  it.each([65_534, 768, 769, 776, 778, 823])('is told by its type: %i', (arphrdType) => {
    expect(isTunnel(facts({ ...soft, arphrdType }))).toBe(true);
  });
  it.each<[string, Partial<LayerFacts>, boolean]>([
    ['VXLAN', { deviceType: 'vxlan' }, true],
    ['GRE with Ethernet frames', { isOwnLink: false }, true],
    ['a VLAN', { deviceType: 'vlan', isOwnLink: false }, false],
    ['a device by itself', {}, false],
    ['a network card', { isHardware: true, isOwnLink: false }, false],
  ])('with Ethernet frames is asked of the kernel: %s', (_, more, asked) => {
    expect(mayBeTunnel(facts({ ...soft, ...more }))).toBe(asked);
  });
  it.each<Partial<LayerFacts>>([
    {},
    { arphrdType: 512 },
    { arphrdType: 65_534, isHardware: true },
    { arphrdType: 65_534, isHardware: false, deviceType: 'wwan' },
    { arphrdType: 772, isHardware: false },
  ])('is none: %o', (more) => {
    expect(mayBeTunnel(facts(more))).toBe(false);
    expect(isTunnel(facts(more))).toBe(false);
    expect(setUpRank(facts(more))).toBe(0);
  });
  it('is set up after what may carry it', () => {
    const vxlan = setUpRank(facts({ ...soft, deviceType: 'vxlan' }));
    expect(vxlan).toBeGreaterThan(setUpRank(facts({})));
    expect(setUpRank(facts({ ...soft, arphrdType: 65_534 }))).toBeGreaterThan(vxlan);
  });
});

describe('what the kernel lists', () => {
  it('has the devices of default routes, not of others or of those that are down', () => {
    const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
    const row = (device: string, destination: string, flags: string, mask: string): string =>
      `${device}\t${destination}\t010200C0\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0   \n`;
    expect(
      defaultDevices4(
        head +
          row('ppp0', '00000000', '0003', '00000000') +
          row('eth9', '00000000', '0002', '00000000') +
          row('tun0', '00000000', '0003', '00000080') +
          row('eth1', '000200C0', '0001', '00FFFFFF'),
      ),
    ).toEqual(['ppp0']);
    const zero = '0'.repeat(32);
    const six = (destination: string, length: string, device: string): string =>
      `${destination} ${length} ${zero} 00 ${zero} 00000400 00000001 00000000 00000003     ${device}\n`;
    expect(
      defaultDevices6(six(zero, '00', 'ppp0') + six(zero, '00', 'lo') + six(zero, '40', 'eth1')),
    ).toEqual(['ppp0']);
  });
  it('has the devices below PPPoE', () => {
    const table =
      'Id       Address              Device\n00000001 02:00:00:00:00:01     eth0\n00000002 02:00:00:00:00:01     eth0\n';
    expect(pppoeDevices(table)).toEqual(['eth0']);
    expect(pppoeDevices('')).toEqual([]);
  });
});
