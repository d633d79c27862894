/** Somebody's flowtable takes forwarded connections past rules, or past the device with its queues: it is told, and what it costs. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FoundCondition } from '../../src/conditions/condition.ts';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest, { lan: { nat: true } });
  await inetgwOk(guest, 'ppp0', '215', '1715');
});
const forget = (): Promise<unknown> =>
  guest.exec(['sh', '-c', 'nft delete table inet theirs; ip link del lan9'], { ns: 'gw' });
beforeEach(forget);
afterAll(forget);

/** As OpenWrt's firewall4 and nft's manual have it. */
const offload = (devices: readonly string[]): Promise<string> =>
  guest.run(
    [
      ...(['sh', '-ec'] as const),
      `nft -f - <<'EOF'
table inet theirs {
  flowtable f { hook ingress priority 0; devices = { ${devices.join(', ')} }; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    meta l4proto { tcp, udp } ct state established flow add @f
  }
}
EOF`,
    ],
    { ns: 'gw' },
  );

async function told(): Promise<string[]> {
  const { code, stdout } = await inetgw(guest, 'ppp0', '--json');
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { conditions: FoundCondition[] }).conditions.map(
    ({ id, text }) => `${id}: ${text}`,
  );
}

interface Loaded {
  pingMs: number;
  downKbit: number;
  upKbit: number;
}

async function loaded(): Promise<Loaded> {
  const flows = [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })];
  const { ping, groups } = await measure(guest, { flows, pingNs: 'lan' });
  const [down = NaN, up = NaN] = groups.map(({ bitPerSec }) => bitPerSec / 1000);
  return { pingMs: summarise(ping.timesMs).mean, downKbit: down, upKbit: up };
}

test('between other devices it is no matter of the line', async () => {
  await guest.run(['ip', 'link', 'add', 'lan9', 'type', 'dummy'], { ns: 'gw' });
  await offload(['lan0', 'lan9']);
  expect(await told()).toEqual([]);
});

test('with what carries the PPPoE, connections pass by everything', async () => {
  const without = await loaded();
  await offload(['lan0', 'g0']);
  expect(await told()).toEqual([
    'flow-offload: the flowtable inet theirs f takes connections past ppp0 at g0: nothing of them is shaped, policed or paced',
  ]);
  const by = await loaded();
  // 42 ms and 140 ms.
  expect(without.pingMs).toBeLessThan(55);
  expect(by.pingMs).toBeGreaterThan(1.5 * without.pingMs);
});

test('with the device itself, they pass by the rules', async () => {
  await offload(['lan0', 'ppp0']);
  expect(await told()).toEqual([
    'flow-offload: the flowtable inet theirs f takes connections past the rules of ppp0: all their packets are normal',
  ]);
  // 31 ms, and 1255 kbit/s of 1431.
  expect((await loaded()).downKbit).toBeLessThan(1350);
});
