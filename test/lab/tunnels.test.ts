/** Tunnels that end on the gateway: what they add to a packet, what becomes of a full line in them, what is said. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PlanJson } from '../../src/report/statistics/planSummary.ts';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, statistics } from './inetgw.ts';
import { ETHERNET, setUpLine } from './line.ts';
import { firstOf } from './forms.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';
import {
  countedPings,
  findTunnels,
  INSIDE,
  LINE_BYTES,
  setUpIpsec,
  setUpOpenVpn,
  setUpWireGuard,
  tearDownTunnels,
} from './tunnels.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest, {
    access: 'ethernet',
    framing: ETHERNET,
    upBitPerSec: 600_000,
    downBitPerSec: 3_000_000,
  });
});
afterEach(() => tearDownTunnels(guest));

describe('what a tunnel adds is what the line carries', () => {
  test('of each kind that the kernel has', async () => {
    const found = await findTunnels(guest);
    expect(found.map(({ name, plan, asCounted }) => [name, plan.framing.name, asCounted])).toEqual([
      ['gre', 'docsis,gre', 20],
      ['gre with key', 'docsis,gre', 20],
      ['gretap', 'docsis,gretap', 20],
      ['ipip', 'docsis,ipip', 20],
      ['sit', 'docsis,sit', 20],
      ['ip6tnl', 'docsis,ip6tnl', 20],
      ['ip6tnl with encapsulation limit', 'docsis,ip6tnl', 20],
      ['ip6gre', 'docsis,gre6', 20],
      ['vxlan', 'docsis,vxlan', 20],
    ]);
    for (const { plan } of found)
      expect(plan.notices[0]).toContain('on top of docsis, which is assumed of eth0');
  });
  test.each(
    firstOf([
      ['ipv4', 'docsis,wireguard'],
      ['ipv6', 'docsis,wireguard6'],
    ] as const),
  )('of WireGuard over %s', async (family, name) => {
    await setUpWireGuard(guest, family);
    const said = await inetgwOk(guest, 'wg0', '588', '2940', '--dry-run', '--json');
    const { framing, notices } = JSON.parse(said) as PlanJson;
    expect(framing.name).toBe(name);
    expect(notices).toEqual([
      expect.stringMatching(/^wg0 is a tunnel, WireGuard over IPv[46]: \d+ bytes/),
      'eth0, which carries wg0, is not shaped: for what else is on the line, also: inetgw eth0 588 2940',
    ]);
    // Of 16 bytes, so that there is no padding; and an acknowledgement, which is padded.
    expect(await countedPings(guest, 1008, 1008 + framing.overheadBytes - LINE_BYTES)).toBe(20);
    expect(await countedPings(guest, 52, framing.mpuBytes - LINE_BYTES)).toBe(20);
  });
});

/** Four downloads and two uploads through the tunnel, and pings through it. */
async function loaded(): Promise<{ meanMs: number; down: number; up: number }> {
  const inside = { serverAddress: INSIDE.ipv4 };
  const result = await measure(guest, {
    flows: [
      { ...downloads(4), ...inside },
      { ...uploads(2), ...inside },
    ],
    pingTarget: INSIDE.ipv4,
  });
  return {
    meanMs: summarise(result.ping.timesMs).mean,
    down: result.downBitPerSec / 1000,
    up: result.upBitPerSec / 1000,
  };
}

describe('a line whose load is in WireGuard', () => {
  beforeEach(() => setUpWireGuard(guest));
  afterEach(async () => {
    for (const device of ['wg0', 'eth0']) await inetgwOk(guest, device, 'clear');
  });

  test('answers at once where the tunnel is shaped, which knows of the line what inetgw has set there', async () => {
    await inetgwOk(guest, 'eth0', '588', '2940', '--framing', 'ether-vlan');
    const said = await inetgwOk(guest, 'wg0', '588', '2940');
    expect(said).toContain('ethernet, 102 bytes overhead, at least 166 bytes (ether-vlan,wireguard)');
    await inetgwOk(guest, 'eth0', 'clear');
    // Alone: counted without WireGuard's padding it was 169 ms and 1551/452 kbit/s, for acknowledgements overfilled the uplink.
    await inetgwOk(guest, 'wg0', '588', '2940');
    const { conditions } = await statistics(guest, 'wg0');
    expect(conditions.map(({ id }) => id)).toEqual(['line-not-shaped']);
    const alone = await loaded();
    expect(alone.meanMs).toBeLessThan(45);
    expect(alone.down).toBeGreaterThan(2450);
    expect(alone.up).toBeGreaterThan(330);
  });

  test('counts the framing of the line, whichever stands first in the file, and says where it does not', async () => {
    const names = async (device: string): Promise<unknown> => {
      const { conditions } = await statistics(guest, device);
      return conditions.map(({ id }) => id);
    };
    await guest.request('write', {
      path: '/run/lab/tunnels.conf',
      text: '[wg0]\nup = 588\ndown = 2940\n[eth0]\nup = 588\ndown = 2940\nframing = "vdsl"\n',
    });
    const said = await inetgwOk(guest, 'apply', '--config', '/run/lab/tunnels.conf');
    expect(said).toMatch(/^eth0: .*\(bridged-ptm\).*\n(?:.*\n)*wg0: .*\(bridged-ptm,wireguard\)/m);
    expect(await names('wg0')).toEqual([]);
    await inetgwOk(guest, 'eth0', '588', '2940', '--framing', 'cable');
    expect(await names('wg0')).toEqual(['tunnel-framing']);
    await inetgwOk(guest, 'wg0', '588', '2940');
    expect(await names('wg0')).toEqual([]);
  });

  test('on a port that came after the line was set up is told, and known once that is set up again', async () => {
    await inetgwOk(guest, 'eth0', '588', '2940');
    await guest.run(['wg', 'set', 'wg0', 'listen-port', '40000'], { ns: 'gw' });
    const before = await statistics(guest, 'eth0');
    expect(before.conditions).toEqual([
      expect.objectContaining({
        id: 'tunnel-ports-changed',
        text: expect.stringContaining('sends from UDP 40000, ') as string,
      }),
    ]);
    await inetgwOk(guest, 'eth0', '588', '2940');
    const after = await statistics(guest, 'eth0');
    expect(after.conditions).toEqual([]);
    expect(Object.keys(after.firewall.rules)).toContain('tunnel-own');
  });

  test('is best with both, and says so: the line alone sees nothing of what is inside', async () => {
    await inetgwOk(guest, 'eth0', '588', '2940', '--large-upload', '100kb');
    await loaded();
    const { egress, firewall, conditions } = await statistics(guest, 'eth0');
    expect(conditions).toEqual([
      expect.objectContaining({
        id: 'in-tunnels',
        text: expect.stringContaining('with: inetgw wg0 588 2940') as string,
      }),
    ]);
    // Uploads of some 800 KB in one connection, as conntrack has it, and pings.
    expect(egress.find((each) => each.class === 'bulk')?.sentPackets).toBe(0);
    expect(firewall.rules['tunnel-udp']?.bytes).toBeGreaterThan(300_000);
    await inetgwOk(guest, 'wg0', '588', '2940');
    const both = await loaded();
    expect(both.meanMs).toBeLessThan(35);
    expect(both.down).toBeGreaterThan(2450);
    expect(both.up).toBeGreaterThan(330);
    for (const device of ['eth0', 'wg0']) expect((await statistics(guest, device)).conditions).toEqual([]);
  });
});

describe('a line whose load is in IPsec', () => {
  afterEach(async () => {
    for (const device of ['xfrm0', 'eth0']) await inetgw(guest, device, 'clear');
  });

  test('without a device of its own counts once what comes in twice, encrypted and decrypted, or says that it does not', async () => {
    await setUpIpsec(guest);
    await inetgwOk(guest, 'eth0', '588', '2940', '--pacing', 'off');
    const { conditions } = await statistics(guest, 'eth0');
    expect(conditions.map(({ id }) => id)).toEqual(['ipsec-twice']);
    await inetgwOk(guest, 'eth0', '588', '2940');
    // Half of it, 1336 kbit/s, where both count.
    const { down, up } = await loaded();
    expect(down).toBeGreaterThan(2450);
    expect(up).toBeGreaterThan(330);
    const after = await statistics(guest, 'eth0');
    expect(after.conditions.map(({ id }) => id)).toEqual(['in-tunnels']);
    expect(await hits('again')).toBeGreaterThan(1000);
  });

  test('with one is best with both, as any tunnel', async () => {
    await setUpIpsec(guest, 'xfrm0');
    await inetgwOk(guest, 'eth0', '588', '2940');
    // Its packets must not overtake each other on the line, where they would wait for each other at the same rate: 3 % less.
    expect(await inetgwOk(guest, 'xfrm0', '570', '2850')).toContain('(docsis,ipsec)');
    const both = await loaded();
    expect(both.meanMs).toBeLessThan(35);
    expect(both.down).toBeGreaterThan(2400);
    expect(both.up).toBeGreaterThan(330);
    for (const device of ['eth0', 'xfrm0']) expect((await statistics(guest, device)).conditions).toEqual([]);
    // Its packets come in with a link header, and leave without.
    expect((await statistics(guest, 'xfrm0')).pacing?.rewrittenPackets).toBeGreaterThan(1000);
  });
});

/** How many packets a program of ours has matched. */
async function hits(section: string): Promise<number> {
  const shown = await guest.run(['tc', '-s', 'filter', 'show', 'dev', 'eth0', 'ingress'], { ns: 'gw' });
  const filter = shown
    .split(/^(?=filter )/m)
    .find((each) => each.includes(`:[${section}] `) && /Sent/.test(each));
  return Number(/Sent \d+ bytes (\d+) pkt/.exec(filter ?? '')?.[1]);
}

describe('a line whose load is in OpenVPN', () => {
  afterEach(async () => {
    for (const device of ['tun0', 'eth0']) await inetgw(guest, device, 'clear');
  });

  test('is best with both, and what OpenVPN adds is what the line carries', async () => {
    await setUpOpenVpn(guest);
    await inetgwOk(guest, 'eth0', '588', '2940');
    const said = await inetgwOk(guest, 'tun0', '570', '2850');
    expect(said).toContain('(docsis,openvpn)');
    expect(await countedPings(guest, 1000, 1000 + 52)).toBe(20);
    const both = await loaded();
    expect(both.meanMs).toBeLessThan(45);
    expect(both.down).toBeGreaterThan(2400);
    expect(both.up).toBeGreaterThan(330);
    for (const device of ['eth0', 'tun0']) expect((await statistics(guest, device)).conditions).toEqual([]);
  });
});
