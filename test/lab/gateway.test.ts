/** Set up once and never thought of again: the configuration file and the hooks on a real PPPoE link. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { DeviceOutlook } from '../../src/cli/inetgw/show/applyCheck.ts';
import type { DeviceStatus } from '../../src/cli/inetgw/show/status.ts';
import { SOME_FIREWALLS, useVariant } from './firewalls.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot, statistics, withoutIndices } from './inetgw.ts';
import { DIAL, SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const CONFIG = '/run/lab/inetgw.conf';
/** How often the link goes and comes. The long form: LAB_RECONNECTS=20 LAB_LONG=1, with every firewall. */
const RECONNECTS = Number(process.env['LAB_RECONNECTS'] ?? 2);

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  untouched = await snapshot(guest);
});

async function status(): Promise<DeviceStatus | undefined> {
  const { code, stdout } = await inetgw(guest, 'status', '--config', CONFIG, '--json');
  const all = JSON.parse(stdout) as DeviceStatus[];
  const found = all.find(({ device }) => device === 'ppp0');
  // ppp7, which is absent, is no fault.
  expect(code).toBe(found?.state === 'disturbed' || found?.configured === 'not in force' ? 3 : 0);
  return found;
}

/** What `inetgw apply --check` says of ppp0 and of whether anything would change, and its exit code. */
async function outlook(): Promise<[string, boolean, number]> {
  const { code, stdout, stderr } = await inetgw(guest, 'apply', '--check', '--config', CONFIG, '--json');
  expect(stderr).toBe('');
  const { wouldChange, devices } = JSON.parse(stdout) as { wouldChange: boolean; devices: DeviceOutlook[] };
  expect(devices[1]).toEqual({ device: 'ppp7', outlook: 'left alone', why: 'there is no such device now' });
  return [`${devices[0]?.outlook ?? ''}: ${devices[0]?.why ?? ''}`, wouldChange, code];
}

describe('the configuration file', () => {
  test('is what inetgw apply sets up, and what inetgw status compares with', async () => {
    const text = `[ppp0]\nup = 210\ndown = 1710\ninteractive-hosts = ["${SERVER.ipv4}", "${SERVER.ipv6}"]\n[ppp7]\nup = 100\ndown = 100\n`;
    await guest.request('write', { path: CONFIG, text });
    expect(await status()).toMatchObject({ link: 'up', state: 'unshaped', configured: 'not in force' });
    expect(await outlook()).toEqual(['would be set up: nothing is in force', true, 3]);
    expect(await snapshot(guest)).toBe(untouched);
    const applied = await inetgw(guest, 'apply', '--config', CONFIG);
    expect(applied.code).toBe(0);
    expect(applied.stderr).toContain('ppp7: left alone, there is no such device now');
    expect(await status()).toMatchObject({ state: 'shaped', upBitPerSec: 210_000, configured: 'in force' });
    const standing = await snapshot(guest);
    expect(await outlook()).toEqual(['as the file says: all of it is in force', false, 0]);
    // What status does not compare: only the rules differ.
    await guest.request('write', { path: CONFIG, text: text.replace(`"${SERVER.ipv4}", `, '') });
    expect(await outlook()).toEqual(['would be set up: other firewall rules', true, 3]);
    expect(await snapshot(guest)).toBe(standing);
    // Packets of 1000 bytes without any mark: only the host makes them interactive.
    for (const host of [SERVER.ipv4, SERVER.ipv6]) {
      const script = `head -c 1000 /dev/zero >/dev/udp/${host}/9`;
      await guest.run(['bash', '-c', script], { ns: 'gw' });
    }
    const { firewall } = await statistics(guest);
    expect(firewall.rules['interactive-hosts']?.packets).toBe(2);
    // The same rates, but another framing than the one in force.
    await guest.request('write', {
      path: CONFIG,
      text: text.replace('[ppp0]', '[ppp0]\nframing = "pppoe-ptm"'),
    });
    expect(await status()).toMatchObject({ state: 'shaped', configured: 'not in force' });
    expect((await outlook()).slice(1)).toEqual([true, 3]);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test('a service without CAP_SYS_ADMIN sets up and clears', async () => {
    const command = commandArgv('inetgw', 'apply', 'ppp0', '--config', CONFIG).join(' ');
    const bounded = (script: string): [string, ...string[]] => [
      ...(['setpriv', '--bounding-set=-all,+net_admin,+net_raw', '--inh-caps=-all'] as const),
      ...['sh', '-c', script],
    ];
    // Nothing can be tried beforehand there: the program of window pacing is found to be refused, and done without.
    const { code, stderr } = await guest.exec(bounded(command), { ns: 'gw' });
    expect([code, stderr]).toEqual([0, expect.stringContaining('no window pacing here') as string]);
    // Its record is not where the others look in this namespace: it may not see which one process 1 is in.
    expect(await guest.run(['tc', 'qdisc', 'show', 'dev', 'ppp0'], { ns: 'gw' })).toContain('htb 1:');
    const clear = commandArgv('inetgw', 'ppp0', 'clear').join(' ');
    await guest.run(bounded(clear), { ns: 'gw' });
    expect(await snapshot(guest)).toBe(untouched);
  });
});

/** Waits for conditions without keeping the processor busy: virtual time passes at once while nothing happens. */
const UNTIL_TRUE =
  'until_true() { for _ in $(seq 3000); do if eval "$1"; then return; fi; sleep 0.1; done 2>/dev/null; echo "never: $1"; exit 1; }';

describe.each(SOME_FIREWALLS)('the ppp hooks, rules by $firewall (iptables-$variant)', (choice) => {
  const shaped =
    'tc qdisc show dev ppp0 | grep -q "htb 1:" && tc qdisc show dev ppp0 | grep -qE "ingress|clsact" && [ -z "$(find /run/inetgw -name "*.lock")" ]';
  const reconnect = `
    ${UNTIL_TRUE}
    pkill -f '^pppd .* g0 ' || true
    until_true '! ip link show ppp0'
    # The provider has one session to give; its end may have missed that this one is over.
    for _ in $(seq 50); do pgrep -f '^pppd .* rp_pppoe_sess ' >/dev/null || break; sleep 0.1; done
    pkill -f '^pppd .* rp_pppoe_sess ' || true
    dial() { ${DIAL}; }
    until_true dial
    until_true '{ ip link show ppp0 || dial; } >/dev/null && ${shaped}'`;
  /** What inetgw makes outside of the device: tables, chains, records, an ifb. */
  const traces = `
    nft list tables 2>/dev/null | grep inetgw
    for p in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do $p-save | grep inetgw; done
    find /run/inetgw -name '*ppp0*' 2>/dev/null; ip -br link show type ifb | grep igw; tc actions ls action police`;

  test(
    'shape a link each time that it comes up, and leave nothing behind when it goes',
    async () => {
      await useVariant(guest, choice);
      const words = ['ppp', 'ppp0', '210', '1710', '--firewall', choice.firewall, '--quiet'];
      await inetgwOk(guest, 'install-hook', ...words);
      let once: string | undefined;
      for (let round = 0; round < RECONNECTS; round++) {
        await guest.run(['bash', '-c', reconnect], { ns: 'gw', timeoutMs: 900_000 });
        expect(await statistics(guest)).toMatchObject({
          upBitPerSec: 210_000,
          downBitPerSec: 1_710_000,
          firewall: { backend: choice.firewall, present: true },
          warnings: [],
        });
        // The device has another number each time, and with it the actions and the record; all else is the same.
        if (round % 10 !== 0 && round !== RECONNECTS - 1) continue;
        // iptables-nft leaves its base chains behind, and lists them first the next time.
        const lines = withoutIndices(await snapshot(guest)).split('\n');
        const now = lines.toSorted().join('\n');
        expect(now).toBe((once ??= now));
      }
      const gone = `${UNTIL_TRUE}
        pkill -f '^pppd .* g0 '
        until_true '! ip link show ppp0'
        left() { ${traces}; }
        until_true '[ -z "$(left)" ]'`;
      await guest.run(['bash', '-c', gone], { ns: 'gw' });
      await inetgwOk(guest, 'install-hook', 'ppp', 'ppp0', '--remove', '--quiet');
    },
    120_000 + RECONNECTS * 90_000,
  );
});
