/** Limits of hosts and networks, in both directions, by IPv4 behind NAT and by IPv6, with either tool. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, snapshot, statistics } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads, type FlowOptions } from './traffic.ts';

const SETTINGS = ['ppp0', '624', '5850'] as const;
const LIMIT_KBIT = 400;
const FILE = '/tmp/limits.conf';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest, {
    ...{ upBitPerSec: 640e3, downBitPerSec: 6e6, upBufferMs: 1000, downBufferMs: 500, pathMs: 20 },
    lan: { nat: true, hosts: 3 },
  });
});

async function setUp(text: string, ...options: readonly string[]): Promise<void> {
  await guest.run(['sh', '-c', `cat >${FILE} <<'EOF'\n${text}\nEOF`]);
  await inetgwOk(guest, ...SETTINGS, '--config', FILE, ...options);
}

/** A host by all its addresses, and a network of two hosts. */
const HOST = `[host.tv]\nhosts = ["192.168.77.2", "2001:db8:3::2"]\ndown = ${LIMIT_KBIT}\nup = 100`;
const NETWORK = `[network.guest]
hosts = ["192.168.78.0/24", "192.168.79.0/24", "2001:db8:4::/64", "2001:db8:5::/64"]
down = ${LIMIT_KBIT}`;

/** User data in kbit/s of each group, over a minute. */
async function kbitOf(...flows: Parameters<typeof measure>[1]['flows'] & object): Promise<number[]> {
  const { groups } = await measure(guest, { flows, pingNs: 'gw', pings: 300 });
  return groups.map(({ bitPerSec }) => bitPerSec / 1000);
}

/** Of a full packet, headers and time stamps are no user data: 1440 of 1492 bytes by IPv4, 1420 by IPv6. */
const USER_DATA = 1420 / 1492;
const tv: FlowOptions = { label: 'tv', client: 'lan' };

function expectKept(kbit: number | undefined, limit: number): void {
  expect(kbit).toBeGreaterThanOrEqual(0.9 * limit * USER_DATA);
  expect(kbit).toBeLessThanOrEqual(1.02 * limit);
}

describe('by nft', () => {
  beforeAll(() => setUp(`${HOST}\n${NETWORK}`, '--firewall', 'nft'));

  test('a download has its limit, and another host the rest of the line', async () => {
    const [limited, rest = 0] = await kbitOf(downloads(1, tv), downloads(1, { label: 'gw' }));
    expectKept(limited, LIMIT_KBIT);
    expect(rest).toBeGreaterThan(3800);
  });
  test('alone as well, by IPv6', async () => {
    const [limited] = await kbitOf(downloads(1, { ...tv, ipVersion: 6 }));
    expectKept(limited, LIMIT_KBIT);
  });
  test('an upload too', async () => {
    const [limited] = await kbitOf(uploads(1, tv));
    expectKept(limited, 100);
  });
  test('two hosts of a network have its limit together', async () => {
    const kbit = await kbitOf(
      downloads(2, { label: 'one', client: 'lan2' }),
      downloads(2, { label: 'two', client: 'lan3', ipVersion: 6 }),
    );
    expectKept(
      kbit.reduce((sum, each) => sum + each, 0),
      LIMIT_KBIT,
    );
  });
  test('UDP has no more than that, and what was dropped is counted', async () => {
    const before = await counts();
    const udp = await guest.request('stream', {
      ...{ fromNs: 'lan', toNs: 'isp', toAddress: SERVER.ipv4, port: 5301 },
      ...{ payloadBytes: 972, packetsPerSec: 50, durationMs: 30_000 },
    });
    expect(udp.sent).toBe(1500);
    // 1000 bytes of IP each: 12.5 a second, and a bucket of 64 KiB to begin with.
    expect(udp.received).toBeGreaterThanOrEqual(0.97 * 12.5 * 30);
    expect(udp.received).toBeLessThanOrEqual(12.5 * 30 + 66 + 10);
    const after = await counts();
    const lost = udp.sent - udp.received;
    expect(after.droppedPackets - before.droppedPackets).toBeGreaterThanOrEqual(0.9 * lost);
    expect(after.passedPackets).toBeGreaterThan(before.passedPackets);
  });
});

async function counts() {
  const found = (await statistics(guest)).limits?.find(
    ({ name, direction }) => name === 'tv' && direction === 'up',
  );
  if (found === undefined) throw new Error('the limit is not told');
  return found;
}

test('by iptables it is the same', async () => {
  await setUp(HOST, '--firewall', 'iptables');
  const [down] = await kbitOf(downloads(1, tv));
  expectKept(down, LIMIT_KBIT);
  const [up] = await kbitOf(uploads(1, tv));
  expectKept(up, 100);
});

test('limits change in place, and go without a trace', async () => {
  const shown = (): Promise<string> =>
    guest.run(['sh', '-c', 'iptables-save; nft list ruleset'], { ns: 'gw' });
  await setUp(HOST, '--firewall', 'iptables');
  await setUp(NETWORK, '--firewall', 'iptables');
  expect(await shown()).toContain('limit-down-guest');
  expect(await shown()).not.toContain('-tv');
  await setUp('', '--firewall', 'iptables');
  expect(await shown()).not.toMatch(/hashlimit|inetgw-fwd|limit-down/);
  await setUp(HOST, '--firewall', 'nft');
  expect(await shown()).toContain('limit-down-tv');
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await shown()).not.toMatch(/limit-down|inetgw/);
});

test('what is in a set stays when it is set up again, and is put back empty when it was taken away', async () => {
  const elements = (): Promise<string> =>
    guest.run(['nft', 'list', 'set', 'inet', 'inetgw_ppp0', 'kids_4'], { ns: 'gw' });
  await setUp('[network.kids]\nhosts = "@kids"\ndown = 400\npriority = "bulk"');
  await guest.run(['nft', 'add', 'element', 'inet', 'inetgw_ppp0', 'kids_4', '{ 192.168.77.2 }'], {
    ns: 'gw',
  });
  await setUp(`[network.kids]\nhosts = "@kids"\ndown = 300\n${NETWORK}`);
  expect(await elements()).toContain('192.168.77.2');
  const [limited] = await kbitOf(downloads(1, tv));
  expectKept(limited, 300);
  // All but the line's own masquerading, which comes back as whoever reloads his firewall brings his own back.
  await guest.run(
    ['sh', '-ec', 'iptables-save -t nat >/run/lab/nat; nft flush ruleset; iptables-restore </run/lab/nat'],
    {
      ns: 'gw',
    },
  );
  expect((await inetgw(guest, 'heal', 'ppp0')).code).toBe(0);
  expect(await elements()).not.toContain('192.168.77.2');
  expect((await inetgw(guest, 'ppp0')).code).toBe(0);
});

const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });
const SET = '[network.kids]\nhosts = "@kids"\ndown = 400\npriority = "bulk"';

test('a host has its own limit, and shares that of the network that it is in', async () => {
  await setUp(`[host."192.168.78.2"]\ndown = 150\n${NETWORK}`);
  const [own = 0, other = 0] = await kbitOf(
    downloads(1, { label: 'own', client: 'lan2' }),
    downloads(1, { label: 'other', client: 'lan3' }),
  );
  expect(own).toBeLessThanOrEqual(1.02 * 150);
  expect(other).toBeGreaterThan(150);
  expectKept(own + other, LIMIT_KBIT);
});

test.each(['nft', 'iptables'])(
  'the dry run of other limits is a script that does the same, %s',
  async (tool) => {
    const sets = tool === 'nft' ? SET : HOST;
    await setUp(`${HOST}\n${NETWORK}`, '--firewall', tool);
    await setUp(sets, '--firewall', tool);
    const applied = await snapshot(guest);
    await setUp(`${HOST}\n${NETWORK}`, '--firewall', tool);
    await guest.run(['sh', '-c', `cat >${FILE}`], { input: `${sets}\n` });
    const words = [...SETTINGS, '--config', FILE, '--firewall', tool] as const;
    expect(await inetgwOk(guest, ...words, '--dry-run')).toMatch(/limits +\S+: down 400 kbit\/s/);
    const script = await inetgwOk(guest, ...words, '--dry-run=script');
    await guest.run(['sh', '-e'], { ns: 'gw', input: script });
    expect(await snapshot(guest)).toBe(applied);
  },
);

test('what nft refuses leaves the limits of before', async () => {
  await setUp(HOST, '--firewall', 'nft');
  const before = await snapshot(guest);
  await inGateway("nft add set inet inetgw_ppp0 kids_4 '{ type inet_service; }'");
  await guest.run(['sh', '-c', `cat >${FILE}`], { input: SET });
  const { code, stdout, stderr } = await inetgw(guest, ...SETTINGS, '--config', FILE);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^inetgw: setting the firewall rules failed: .*\n/);
  expect(stderr).toContain('(the earlier settings are in force again)\n');
  expect(await snapshot(guest)).toBe(before);
});

test.each([
  ['nft', 'nft flush chain inet inetgw_ppp0 limits; nft delete chain inet inetgw_ppp0 limits'],
  ['iptables', 'ip6tables -t mangle -F inetgw-l0-ppp0'],
])('a limit that somebody takes away is missed, and healed: %s, %s', async (tool, script) => {
  await setUp(HOST, '--firewall', tool);
  // nft shows chains in the order in which they were made.
  const shown = async (): Promise<string[]> => (await snapshot(guest)).split('\n').sort();
  const whole = await shown();
  await inGateway(script);
  expect((await inetgw(guest, 'ppp0')).code).toBe(3);
  expect(await inetgw(guest, 'heal', 'ppp0')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('no queue was touched') as string,
  });
  expect(await shown()).toEqual(whole);
});

test('status tells when the file has other limits than those in force', async () => {
  await setUp(`[ppp0]\nup = 624\ndown = 5850\n${HOST}`, '--firewall', 'nft');
  const status = ['status', '--config', FILE] as const;
  expect((await inetgw(guest, ...status)).code).toBe(0);
  await guest.run(['sed', '-i', 's/^down = 400/down = "5%"/', FILE]);
  expect((await inetgw(guest, ...status)).code).toBe(3);
  await inetgwOk(guest, ...SETTINGS, '--config', FILE);
  expect((await inetgw(guest, ...status)).code).toBe(0);
  expect((await statistics(guest)).limits?.map(({ limitBitPerSec }) => limitBitPerSec)).toEqual([
    292_496, 100_000,
  ]);
});
