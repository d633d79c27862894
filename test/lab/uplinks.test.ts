/**
 * Two uplinks on one gateway, both shaped: each has its own queues, rules, ifb and record, whichever way traffic takes, by
 * one default route, by turns or by marks.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeviceStatus } from '../../src/cli/inetgw/show/status.ts';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, statistics } from './inetgw.ts';
import { PROVIDER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';
import { serveDownloads } from './traffic.ts';

/** A second line beside ppp0: `wan1`, Ethernet, 2 Mbit/s down and 500 kbit/s up, to the same provider. */
const SECOND = [
  'ip link add wan1 netns gw type veth peer name w0 netns isp',
  'for d in "gw wan1 203.0.113.2/30" "isp w0 203.0.113.1/30"; do set -- $d',
  '  ip netns exec $1 ethtool -K $2 tso off gso off gro off',
  '  ip -n $1 addr add $3 dev $2; ip -n $1 link set $2 up; done',
  'ip netns exec isp tc qdisc add dev w0 root tbf rate 2mbit burst 3000 limit 250000',
  'ip netns exec gw sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wan1.rp_filter=0 net.ipv4.conf.ppp0.rp_filter=0',
].join('\n');

let guest: Guest;
let url: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await guest.run(['sh', '-ec', SECOND]);
  url = await serveDownloads(guest);
  await inetgwOk(guest, 'ppp0', '210', '1710');
  await inetgwOk(guest, 'wan1', '480', '1900', '--framing', 'raw');
});

afterAll(() => gw('iptables -t nat -F'));

const gw = (script: string): Promise<string> =>
  guest.run(['sh', '-ec', script], { ns: 'gw', spinMs: 2000, timeoutMs: 600_000 });

/** Bytes that each device's classes have sent and its ingress has seen. */
async function traffic(device: string): Promise<{ up: number; down: number }> {
  const { egress, ingress, warnings } = await statistics(guest, device);
  expect(warnings).toEqual([]);
  return { up: egress.reduce((sum, { sentBytes }) => sum + sentBytes, 0), down: ingress.seenBytes };
}

/** What both devices carried while a download of some seconds ran. */
async function whileDownloading(
  script: string,
): Promise<Record<'ppp0' | 'wan1', { up: number; down: number }>> {
  const before = { ppp0: await traffic('ppp0'), wan1: await traffic('wan1') };
  await gw(script);
  const after = { ppp0: await traffic('ppp0'), wan1: await traffic('wan1') };
  const grown = (device: 'ppp0' | 'wan1') => ({
    up: after[device].up - before[device].up,
    down: after[device].down - before[device].down,
  });
  return { ppp0: grown('ppp0'), wan1: grown('wan1') };
}

const DOWNLOAD = 'curl -s -m 4 -o /dev/null';

test('each has a record, an ifb and a table of its own, and status tells of both', async () => {
  const { code, stdout } = await inetgw(guest, 'status', '--json');
  expect(code).toBe(0);
  const all = JSON.parse(stdout) as DeviceStatus[];
  expect(all.map(({ device, state, downBitPerSec }) => ({ device, state, downBitPerSec }))).toEqual([
    { device: 'ppp0', state: 'shaped', downBitPerSec: 1_710_000 },
    { device: 'wan1', state: 'shaped', downBitPerSec: 1_900_000 },
  ]);
  expect((await gw('nft list tables inet')).match(/inetgw_\w+/g)).toEqual(['inetgw_ppp0', 'inetgw_wan1']);
  expect(await gw('ip -br link show type ifb')).toMatch(/igw-ppp0[^]*igw-wan1/);
});

test('when the default route moves, traffic is shaped by where it goes', async () => {
  const first = await whileDownloading(`${DOWNLOAD} ${url} || [ $? = 28 ]`);
  expect(first.ppp0.down).toBeGreaterThan(300_000);
  expect(first.wan1.down).toBe(0);
  await gw('ip route replace default via 203.0.113.1 dev wan1');
  const second = await whileDownloading(`${DOWNLOAD} ${url} || [ $? = 28 ]`);
  expect(second.wan1.down).toBeGreaterThan(300_000);
  expect(second.ppp0.down).toBeLessThan(20_000);
});

test('by turns, with a route of two next hops (ECMP): each line shapes the connections that it got', async () => {
  await gw(`sysctl -q -w net.ipv4.fib_multipath_hash_policy=1
    ip route replace default nexthop via ${PROVIDER.ipv4} dev ppp0 nexthop via 203.0.113.1 dev wan1
    for d in ppp0 wan1; do iptables -t nat -A POSTROUTING -o $d -j MASQUERADE; done`);
  // Which way one goes is chance; that all of 20 go the same way is one in half a million.
  const { ppp0, wan1 } = await whileDownloading(
    `for n in $(seq 20); do curl -s ${url} | head -c 9999 >/dev/null; done`,
  );
  for (const { up, down } of [ppp0, wan1]) {
    expect(up).toBeGreaterThan(300);
    expect(down).toBeGreaterThan(9000);
  }
  expect((await inetgw(guest, 'status')).code).toBe(0);
});

test('by marks, as mwan3 sets, saves and restores them: each line shapes its own, and the marks stay', async () => {
  try {
    await gw(`ip route replace default via ${PROVIDER.ipv4} dev ppp0
    ip route add default via 203.0.113.1 dev wan1 table 100; ip rule add fwmark 0x100/0x3f00 table 100
    for hook in PREROUTING OUTPUT; do
      iptables -t mangle -A $hook -j CONNMARK --restore-mark --nfmask 0x3f00 --ctmask 0x3f00
      iptables -t mangle -A $hook -m mark --mark 0/0x3f00 -j MARK --set-xmark 0x100/0x3f00
      iptables -t mangle -A $hook -j CONNMARK --save-mark --nfmask 0x3f00 --ctmask 0x3f00
    done
    iptables -t mangle -A INPUT -i wan1 -m mark ! --mark 0x100 -m comment --comment other-mark
    iptables -t mangle -A INPUT -i wan1 -m mark --mark 0x100 -m comment --comment theirs`);
    const { ppp0, wan1 } = await whileDownloading(`${DOWNLOAD} ${url} || [ $? = 28 ]`);
    expect(wan1.down).toBeGreaterThan(300_000);
    expect(ppp0.down).toBeLessThan(20_000);
    const counters = await gw('iptables -t mangle -L INPUT -v -n -x');
    expect(counters).toMatch(/^ +0 +0 .*other-mark/m);
    expect(counters).toMatch(/^ +[1-9]\d* .*theirs/m);
  } finally {
    await gw('iptables -t mangle -F; ip rule del fwmark 0x100/0x3f00 || :; ip route flush table 100 || :');
  }
});

test('clearing one leaves the other as it was', async () => {
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await gw('nft list tables inet; tc qdisc show dev wan1')).toMatch(
    /^table inet inetgw_wan1\n[^]*htb 1: root/,
  );
  expect((await inetgw(guest, 'wan1')).code).toBe(0);
});
