/** Queues and filters of others that look like ours, or hang beside them: told from ours, and left as they are. */
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, snapshot } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const RATES = ['ppp0', '210', '1710'] as const;

let guest: Guest;
let untouched: string;
const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  untouched = await snapshot(guest);
});
beforeEach(() => inetgwOk(guest, ...RATES));
afterEach(async () => {
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await snapshot(guest)).toBe(untouched);
});

test.each([
  ['of the same kind and handle', ''],
  [
    'with the same queues in its classes',
    `for n in 10 20 30; do
       [ $n = 20 ] || tc class add dev ppp0 parent 1:1 classid 1:$n htb rate 100kbit ceil 5000kbit
       tc qdisc add dev ppp0 parent 1:$n handle $n: sfq perturb 10
     done`,
  ],
])('a tree %s is not shown as ours, changed or cleared', async (_what, more) => {
  await inGateway(`
    tc qdisc del dev ppp0 root
    tc qdisc add dev ppp0 root handle 1: htb default 20
    tc class add dev ppp0 parent 1: classid 1:1 htb rate 5000kbit
    tc class add dev ppp0 parent 1:1 classid 1:20 htb rate 4000kbit ceil 5000kbit
    ${more}`);
  const list = 'tc qdisc show dev ppp0 | grep -v clsact; tc class show dev ppp0';
  const theirs = await inGateway(list);
  const status = await inetgw(guest, 'status', '--json');
  expect(JSON.parse(status.stdout)).toMatchObject([
    { device: 'ppp0', state: 'disturbed', notices: [expect.stringContaining("somebody else's queues")] },
  ]);
  const applied = await inetgw(guest, ...RATES);
  expect([applied.code, applied.stderr]).toEqual([
    1,
    'inetgw: ppp0 already has a root qdisc (htb 1:) that inetgw has not set\ninetgw: to have it replaced, say --replace\n',
  ]);
  expect(await inetgwOk(guest, 'ppp0', 'clear')).toBe(
    'ppp0: cleared; left alone, not set by inetgw: root qdisc htb 1:\n',
  );
  expect(await inGateway(list)).toBe(theirs);
  expect(await inGateway('tc qdisc show dev ppp0; nft list tables; ls /sys/class/net')).not.toMatch(
    /clsact|inetgw|igw-/,
  );
  await inGateway('tc qdisc del dev ppp0 root');
});

test('a clsact of theirs in the place of ours is left alone', async () => {
  await inGateway(`
    tc qdisc del dev ppp0 clsact; tc qdisc add dev ppp0 clsact
    tc filter add dev ppp0 ingress protocol all pref 2 matchall action pass`);
  const applied = await inetgw(guest, ...RATES);
  expect([applied.code, applied.stderr]).toEqual([1, expect.stringContaining('an ingress qdisc (clsact)')]);
  expect(await inetgwOk(guest, 'ppp0', 'clear')).toContain(
    'left alone, not set by inetgw: ingress qdisc clsact',
  );
  expect(await inGateway('tc filter show dev ppp0 ingress')).toContain('pref 2 matchall');
  await inGateway('tc qdisc del dev ppp0 clsact');
});

test('filters of others beside ours stay when ours are taken away', async () => {
  await inGateway('tc filter add dev ppp0 ingress protocol ip pref 77 u32 match u32 0 0 action pass');
  const anew = await inetgw(guest, ...RATES, '--ingress', 'shape');
  expect([anew.code, anew.stderr]).toEqual([
    1,
    expect.stringMatching(/^inetgw: filters of others \(u32 pref 77.*\) hang at the clsact qdisc of ppp0/),
  ]);
  expect(await inetgwOk(guest, 'ppp0', 'clear')).toMatch(
    /filters of others \(u32 pref 77.*at the clsact qdisc/,
  );
  const left = await inGateway('tc filter show dev ppp0 ingress; tc filter show dev ppp0 egress');
  expect(left).toContain('pref 77 u32');
  expect(left).not.toMatch(/matchall|bpf/);
  await inGateway('tc qdisc del dev ppp0 clsact');
});
