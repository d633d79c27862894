/** Set up once and never thought of again: the configuration file and the hooks on a real PPPoE link. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { DeviceStatus } from '../../src/cli/inetgwStatus.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot, statistics } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const CONFIG = '/run/lab/inetgw.conf';

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  untouched = await snapshot(guest);
});

async function status(): Promise<DeviceStatus | undefined> {
  const all = JSON.parse(await inetgwOk(guest, 'status', '--config', CONFIG, '--json')) as DeviceStatus[];
  return all.find(({ device }) => device === 'ppp0');
}

describe('the configuration file', () => {
  test('is what inetgw apply sets up, and what inetgw status compares with', async () => {
    const text = `[ppp0]\nup = 210\ndown = 1710\ninteractive-hosts = ["${SERVER.ipv4}", "${SERVER.ipv6}"]\n[ppp7]\nup = 100\ndown = 100\n`;
    await guest.request('write', { path: CONFIG, text });
    expect(await status()).toMatchObject({ link: 'up', state: 'unshaped', configured: 'not in force' });
    const applied = await inetgw(guest, 'apply', '--config', CONFIG);
    expect(applied.code).toBe(0);
    expect(applied.stderr).toContain('ppp7: left alone, there is no such device now');
    expect(await status()).toMatchObject({ state: 'shaped', upBitPerSec: 210_000, configured: 'in force' });
    // Packets of 1000 bytes without any mark: only the host makes them interactive.
    for (const host of [SERVER.ipv4, SERVER.ipv6]) {
      const script = `head -c 1000 /dev/zero >/dev/udp/${host}/9`;
      await guest.run(['bash', '-c', script], { ns: 'gw' });
    }
    const { firewall } = await statistics(guest);
    expect(firewall.rules['interactive-hosts']?.packets).toBe(2);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test('a service without CAP_SYS_ADMIN sets up and clears', async () => {
    const command = commandArgv('inetgw', 'apply', 'ppp0', '--config', CONFIG).join(' ');
    const bounded = (script: string): [string, ...string[]] => [
      ...(['setpriv', '--bounding-set=-all,+net_admin,+net_raw', '--inh-caps=-all'] as const),
      ...['sh', '-c', script],
    ];
    await guest.run(bounded(command), { ns: 'gw', spinMs: 60_000 });
    expect(await status()).toMatchObject({ state: 'shaped' });
    const clear = commandArgv('inetgw', 'ppp0', 'clear').join(' ');
    await guest.run(bounded(clear), { ns: 'gw', spinMs: 60_000 });
    expect(await snapshot(guest)).toBe(untouched);
  });
});

describe('the ppp hooks', () => {
  const shaped =
    'tc qdisc show dev ppp0 | grep -q "htb 1:" && tc qdisc show dev ppp0 | grep -q ingress && ! ls /run/inetgw/*/*.lock /run/inetgw/*.lock';
  const reconnect = `
    until_true() { for _ in $(seq 600); do if eval "$1"; then return; fi; sleep 0.1; done 2>/dev/null; echo "never: $1"; exit 1; }
    pkill -f 'rp-pppoe.so g0' || true
    until_true '! ip link show ppp0'
    until_true 'pppd file /run/lab/ppp-options silent updetach plugin rp-pppoe.so g0 unit 0'
    until_true '${shaped}'`;

  test('shape a link each time that it comes up, and leave nothing behind when it goes', async () => {
    await inetgwOk(guest, 'install-hook', 'ppp', 'ppp0', '210', '1710', '--quiet');
    for (let round = 0; round < 3; round++) {
      await guest.run(['sh', '-c', reconnect], { ns: 'gw', spinMs: 120_000, timeoutMs: 250_000 });
      expect(await statistics(guest)).toMatchObject({
        upBitPerSec: 210_000,
        downBitPerSec: 1_710_000,
        warnings: [],
      });
    }
    const gone = `pkill -f 'rp-pppoe.so g0'; for _ in $(seq 300); do
      [ -z "$(nft list tables)" ] && ! ls /run/inetgw/*/ppp0.json /run/inetgw/ppp0.json && exit 0; sleep 0.1; done 2>/dev/null
      nft list tables; find /run/inetgw; exit 1`;
    await guest.run(['sh', '-c', gone], { ns: 'gw', spinMs: 120_000 });
    await inetgwOk(guest, 'install-hook', 'ppp', 'ppp0', '--remove', '--quiet');
  });
});
