/** `inetgw heal`: what somebody has taken away is put back, nothing else is touched, and what is not ours stays. */
import { beforeAll, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, snapshot } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { firstOf } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';

let guest: Guest;
const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });
const sentBytes = async (): Promise<number> =>
  Number(/Sent (\d+) bytes/.exec(await inGateway('tc -s qdisc show dev ppp0 root'))?.[1]);

let whole: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', 'nft');
  whole = await snapshot(guest);
});

test('what is whole is left as it is, and a dry run says so', async () => {
  for (const words of [['heal'], ['heal', 'ppp0'], ['heal', '--dry-run']])
    expect(await inetgwOk(guest, ...words)).toBe('ppp0: whole, nothing to do\n');
  expect(await snapshot(guest)).toBe(whole);
});

test('rules that a firewall took away are back, and the queues were not touched', async () => {
  await inGateway(`ping -q -c 20 -i 0.01 ${SERVER.ipv4}`);
  const before = await sentBytes();
  expect(before).toBeGreaterThan(0);
  for (const script of ['nft flush ruleset', 'nft flush table inet inetgw_ppp0']) {
    await inGateway(script);
    const { code, stderr } = await inetgw(guest, 'heal');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^inetgw: ppp0: .*rules.*no queue was touched\n$/),
    ]);
    expect(await snapshot(guest)).toBe(whole);
  }
  expect(await sentBytes()).toBeGreaterThanOrEqual(before);
});

test.each(
  firstOf(
    [
      ['all, and the rules', 'tc qdisc del dev ppp0 root; tc qdisc del dev ppp0 clsact; nft flush ruleset'],
      ['the ifb', 'ip link del igw-ppp0'],
      ['the root', 'tc qdisc del dev ppp0 root'],
      ['the hooks', 'tc qdisc del dev ppp0 clsact'],
    ],
    2,
  ),
)('queues that were taken away are back: %s', async (_, script) => {
  await inGateway(script);
  expect((await inetgw(guest, 'heal')).code).toBe(0);
  expect(await snapshot(guest)).toBe(whole);
  expect(await inetgwOk(guest, 'heal')).toBe('ppp0: whole, nothing to do\n');
});

test("another program's queue in the place of ours is left alone, and told", async () => {
  await inGateway('tc qdisc replace dev ppp0 root handle 5: pfifo');
  const { code, stderr } = await inetgw(guest, 'heal');
  expect([code, stderr]).toEqual([3, expect.stringMatching(/^inetgw: ppp0: left alone, .*--replace\n$/)]);
  expect(await inGateway('tc qdisc show dev ppp0 root')).toContain('pfifo 5: root');
  await inGateway('tc qdisc del dev ppp0 root');
  await inetgwOk(guest, 'ppp0', 'clear');
});

test('where nothing is set up there is nothing to heal', async () => {
  expect(await inetgwOk(guest, 'heal', 'ppp0')).toContain('nothing is set up');
  expect(await inetgwOk(guest, 'heal')).toBe('');
});
