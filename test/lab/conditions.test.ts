/**
 * Each condition of the table, made for real, is seen by `inetgw DEV`, `inetgw status` and `inetgw check DEV`, with its exit
 * code; in the short form by all three where that is 0, where it is 3, and while somebody is at work. Several at once where
 * they leave each other alone, for a command costs seconds.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CONDITIONS } from '../../src/conditions/table.ts';
import type { FoundCondition } from '../../src/conditions/condition.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, withBpf } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { firstOf, LONG } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';

const RATES = ['210', '1710'] as const;
const NARROW = ['210', '9000'] as const;

/** Those that this kernel has not got, or that others make: each is made in another test. */
const ELSEWHERE = [
  'paused',
  'tcx-first',
  'flow-offload',
  'in-tunnels',
  'line-not-shaped',
  'tunnel-framing',
  'tunnel-ports-changed',
  'ipsec-twice',
];

let guest: Guest;
const seen = new Set<string>();
const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });

interface Told {
  device: string;
  conditions: FoundCondition[];
}

/**
 * The names of what is said of the device, and the exit codes. By `all` three, which must say the same; in the short form where
 * there is nothing new in that: by the first of them.
 */
async function told(device: string, all = LONG): Promise<{ ids: string[]; codes: number[] }> {
  const shown = await inetgw(guest, device, '--json');
  const ids = idsOf(JSON.parse(shown.stdout) as Told);
  for (const id of ids) seen.add(id);
  if (!all) return { ids, codes: [shown.code] };
  const status = await inetgw(guest, 'status', '--json');
  const check = await inetgw(guest, 'check', device, '--json');
  const ofStatus = (JSON.parse(status.stdout) as Told[]).find((each) => each.device === device);
  expect(idsOf(ofStatus)).toEqual(ids);
  expect(idsOf(JSON.parse(check.stdout) as Told)).toEqual(ids);
  return { ids, codes: [shown.code, status.code, check.code] };
}

const idsOf = (found: Told | undefined): string[] => (found?.conditions ?? []).map(({ id }) => id);

async function expectTold(device: string, ids: readonly string[], code: number, all = LONG): Promise<void> {
  expect(await told(device, all)).toEqual({ ids, codes: all ? [code, code, code] : [code] });
}

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});
beforeEach(async () => {
  await guest.run(['sh', '-c', 'rm -rf /run/inetgw'], {});
  await inGateway(`for dev in wan0 igw-wan0 igw-ppp0; do ip link del $dev 2>/dev/null || :; done; tc qdisc del dev ppp0 root 2>/dev/null || :
    tc qdisc del dev ppp0 clsact 2>/dev/null || :; nft flush ruleset; ip link set ppp0 mtu 1492`);
});
afterAll(() => inGateway('ip link del wan0 2>/dev/null || :; nft flush ruleset'));

test('none on a line that is as it was set up', async () => {
  await inetgwOk(guest, 'ppp0', ...RATES);
  await expectTold('ppp0', [], 0, true);
});

test('what takes from the effect and leaves all in force: exit code 0', async () => {
  await inGateway(`tc qdisc add dev ppp0 clsact
    tc filter add dev ppp0 ingress protocol all pref 1 bpf da bytecode '1,6 0 0 0'`);
  await inetgwOk(guest, 'ppp0', ...RATES);
  await inGateway(`tc filter add dev ppp0 ingress protocol ip pref 65000 u32 match u32 0 0 action pass
    ip link set ppp0 mtu 1400
    ip link add wan0 type dummy; ip link set wan0 up; ip route add default dev wan0 metric 999
    ip route replace default dev ppp0`);
  await expectTold('ppp0', ['mtu-lowered', 'others-first', 'others-behind', 'several-uplinks'], 0, true);
  const text = await inetgwOk(guest, 'ppp0');
  expect(text).toContain('warning: at ingress of ppp0, filters of others come before ours (bpf pref 1');
  expect(text).toMatch(/^note: wan0 has a default route as well .* \[several-uplinks\]$/m);
  // Set up again, ours stand behind all of theirs, and reckon with the new MTU.
  await inetgwOk(guest, 'ppp0', ...NARROW);
  await expectTold('ppp0', ['others-first', 'several-uplinks', 'narrow-uplink'], 0);
});

test('rules that are missing in part, and an MTU that was raised, are put right by setting up again', async () => {
  await inetgwOk(guest, 'ppp0', ...RATES);
  await inGateway('nft flush chain inet inetgw_ppp0 ingress; ip link set ppp0 mtu 1500');
  await expectTold('ppp0', ['mtu-raised', 'rules-altered'], 3);
  await inetgwOk(guest, 'ppp0', ...RATES);
  await expectTold('ppp0', [], 0);
  await inGateway('nft flush ruleset');
  await expectTold('ppp0', ['rules-gone'], 3);
});

test.runIf(LONG)('the same of rules by iptables', async () => {
  await inetgwOk(guest, 'ppp0', ...RATES, '--firewall', 'iptables');
  await inGateway('iptables -t mangle -F inetgw-out-ppp0');
  expect((await told('ppp0')).ids).toEqual(['rules-altered']);
  await inGateway('iptables -t mangle -F');
  expect((await told('ppp0')).ids).toEqual(['rules-gone']);
  await inetgwOk(guest, 'ppp0', ...RATES, '--firewall', 'iptables');
  await expectTold('ppp0', [], 0);
});

test('queues of somebody else in the place of ours', async () => {
  await inetgwOk(guest, 'ppp0', ...RATES);
  await inGateway(`tc qdisc replace dev ppp0 root handle 5: pfifo
    tc qdisc del dev ppp0 clsact; tc qdisc add dev ppp0 ingress
    tc filter add dev ppp0 ingress protocol all pref 50 matchall action pass
    ip link del igw-ppp0`);
  await expectTold('ppp0', ['root-replaced', 'ingress-replaced', 'ifb-gone'], 3, true);
  await inGateway('tc qdisc del dev ppp0 root; tc qdisc del dev ppp0 ingress');
});

test('queues and filters that were taken away, and what puts them right', async () => {
  await inetgwOk(guest, 'ppp0', ...RATES);
  const whole = await inGateway('tc qdisc show dev ppp0; tc filter show dev ppp0 egress');
  const ofTheMark = "set -- $(tc actions ls action skbedit | sed -n 's/.* index \\([0-9]*\\) .*/\\1/p')";
  for (const [script, id] of [
    ['tc filter del dev ppp0 egress', 'pacing-detached'],
    ['ip link set igw-ppp0 down', 'ifb-gone'],
    ['tc qdisc del dev igw-ppp0 root', 'ifb-gone'],
    ['tc qdisc del dev ppp0 root; tc filter del dev ppp0 ingress pref 3', 'queues-gone,filters-gone'],
    ['tc class change dev ppp0 parent 1:1 classid 1:20 htb rate 8kbit ceil 8kbit', 'queues-gone'],
    ['tc filter del dev igw-ppp0 parent 1: pref 2', 'ifb-gone'],
    // With another verdict no packet comes to the stages behind.
    [`${ofTheMark} && tc actions change action skbedit mark 20 drop index $1`, 'filters-gone'],
  ] as const) {
    await inGateway(script);
    expect((await told('ppp0')).ids).toEqual(id.split(','));
    await inetgwOk(guest, 'ppp0', ...RATES);
    await expectTold('ppp0', [], 0);
  }
  const rates = 'tc class show dev ppp0; tc class show dev igw-ppp0';
  const given = await inGateway(rates);
  await inGateway(`tc class change dev ppp0 parent 1:1 classid 1:20 htb rate 8kbit ceil 8kbit
    tc class change dev igw-ppp0 parent 1:1 classid 1:20 htb rate 8kbit ceil 8kbit`);
  await inetgwOk(guest, 'heal', 'ppp0');
  expect(await inGateway(rates)).toBe(given);
  await expectTold('ppp0', [], 0);
  const programs = (text: string): string => text.replaceAll(/ id \d+ /g, ' ');
  expect(programs(await inGateway('tc qdisc show dev ppp0; tc filter show dev ppp0 egress'))).toBe(
    programs(whole),
  );
});

test('a device that is another one, or has another name; and records that are of no use', async () => {
  const make = 'ip link add wan0 type dummy; ip link set wan0 up';
  await inGateway(make);
  await inetgwOk(guest, 'wan0', ...RATES);
  await inGateway('ip link set wan0 down; ip link set wan0 name fib0; ip link set fib0 up');
  // It is not there by that name, so that check would be about another one.
  const shown = await inetgw(guest, 'wan0', '--json');
  const status = await inetgw(guest, 'status');
  expect([shown.code, status.code]).toEqual([3, 3]);
  for (const { stdout } of [shown, status]) expect(stdout).toContain('wan0 is called fib0 now');
  seen.add('device-renamed');
  for (const words of [['fib0'], ['check', 'fib0']]) {
    const { code, stdout } = await inetgw(guest, ...words, '--json');
    expect([code, stdout]).toEqual([3, expect.stringContaining('fib0 was called wan0 when it was set up')]);
  }
  expect(await inetgwOk(guest, 'wan0', 'clear')).toBe('wan0: cleared on fib0, as it is called now\n');
  expect(await inGateway('tc qdisc show dev fib0; ip -br link; ls /run/inetgw/* 2>&1 || true')).not.toMatch(
    /htb|clsact|igw-/,
  );
  await inGateway(`ip link del fib0; ${make}`);

  await inetgwOk(guest, 'wan0', ...RATES);
  await inGateway(`ip link del wan0; ${make}`);
  await expectTold('wan0', ['device-recreated'], 3);
  await inetgwOk(guest, 'wan0', ...RATES);
  const record = '/run/inetgw/netns-*/wan0.json';
  await inGateway(`cp ${record} /run/wan0.json; sed -i s/1710000/1720000/ ${record}`);
  await expectTold('wan0', ['record-damaged'], 3);
  await inetgwOk(guest, 'wan0', 'clear');
});

test('the record of another network namespace', async () => {
  await inGateway('ip link add wan0 type dummy; ip link set wan0 up');
  await inetgwOk(guest, 'wan0', ...RATES);
  // Where an earlier version wrote it for a unit that may not see process 1.
  await guest.run(['sh', '-ec', 'mv /run/inetgw/netns-*/wan0.json /run/inetgw/']);
  const { code, stdout } = await guest.exec(commandArgv('inetgw', 'status', '--json'), { spinMs: 60_000 });
  const [{ conditions } = { conditions: [] }] = JSON.parse(stdout) as Told[];
  expect([code, conditions.map(({ id }) => id)]).toEqual([3, ['other-namespace']]);
  seen.add('other-namespace');
});

test('the wrong layer is told after it was set up, too', async () => {
  await inetgwOk(guest, 'g0', ...RATES, '--pacing', 'off');
  await expectTold('g0', ['wrong-layer'], 0);
  await inetgwOk(guest, 'g0', 'clear');
});

/** These modules are unloaded, and not loaded again when asked for. */
function lack(modules: string): Promise<string> {
  return guest.run([
    'sh',
    '-ec',
    `for m in ${modules}; do echo "install $m /bin/false" >>/etc/modprobe.d/lab.conf; modprobe -r $m; done`,
  ]);
}

test('nft without the hash that numbers hosts', async () => {
  const said = /^note: nft has no hash here \(nft_hash\), .*: there it paces by flow; inetgw check /m;
  try {
    await inetgwOk(guest, 'ppp0', 'clear');
    await lack('nft_hash');
    for (const firewall of firstOf(['auto', 'nft'])) {
      await inetgwOk(guest, 'ppp0', ...RATES, '--firewall', firewall);
      await expectTold('ppp0', ['fallback'], 0);
      expect(await inetgwOk(guest, 'ppp0')).toMatch(said);
      expect(await inGateway('nft list ruleset')).toContain('tcp-syn');
      await inetgwOk(guest, 'ppp0', 'clear');
    }
    expect(await inetgwOk(guest, 'check')).toMatch(/^ +no +nft_hash /m);
  } finally {
    await guest.run(['rm', '-f', '/etc/modprobe.d/lab.conf']);
  }
  await inetgwOk(guest, 'ppp0', ...RATES);
  await expectTold('ppp0', [], 0);
});

test('what stands in for what the kernel lacks', async () => {
  try {
    await inetgwOk(guest, 'ppp0', 'clear');
    await lack('cls_bpf sch_cake');
    await inetgwOk(guest, 'ppp0', ...RATES);
    await expectTold('ppp0', ['fallback', 'no-pacing'], 0);
    expect(await inetgwOk(guest, 'ppp0')).toMatch(/^note: no window pacing: .*classifier not found/m);
    await inetgwOk(guest, 'ppp0', ...RATES, '--ingress', 'shape');
    // In the classes, and of what shapes.
    await expectTold('ppp0', ['fallback', 'fallback'], 0);
    expect(await inetgwOk(guest, 'ppp0')).toMatch(/^note: this kernel has no cake/m);
  } finally {
    await guest.run(['rm', '-f', '/etc/modprobe.d/lab.conf']);
  }
});

test('a run that is at work, and one that was killed at it', async () => {
  await inGateway('ip link add wan0 type dummy; ip link set wan0 up');
  // Stopped where it sets the rules: it holds the lock, and no limit of its own strikes.
  await guest.request('write', {
    path: '/usr/local/sbin/nft',
    text: `#!/bin/sh
      [ "$1" = -f ] && [ ! -e /run/worker ] || exec /usr/sbin/nft "$@"
      echo $PPID >/run/worker; kill -STOP $PPID; exec sleep 1000000`,
  });
  const start = withBpf(commandArgv('inetgw', 'wan0', ...RATES)).map((word) => `'${word}'`);
  try {
    await inGateway(`chmod +x /usr/local/sbin/nft; ${start.join(' ')} >/run/worker.log 2>&1 &
      until [ -s /run/worker ]; do sleep 0.05; done`);
    await expectTold('wan0', ['at-work'], 3, true);
    await inGateway('kill -KILL $(cat /run/worker)');
    await expectTold('wan0', ['run-unfinished'], 3);
    await inetgwOk(guest, 'wan0', ...RATES);
    await expectTold('wan0', [], 0);
  } finally {
    await guest.run(['rm', '-f', '/usr/local/sbin/nft', '/run/worker']);
  }
});

test('each condition of the table was made here, or is named as made elsewhere', () => {
  expect([...seen, ...ELSEWHERE].sort()).toEqual(CONDITIONS.map(({ id }) => id).sort());
});
