/** Queues and filters of others that look like ours, or hang beside them: told from ours, and left as they are. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, snapshot, statistics } from './inetgw.ts';
import { PROVIDER, setUpLine } from './line.ts';
import { firstOf } from './forms.ts';
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

test.each(
  firstOf([
    ['of the same kind and handle', ''],
    [
      'with the same queues in its classes',
      `for n in 10 20 30; do
       [ $n = 20 ] || tc class add dev ppp0 parent 1:1 classid 1:$n htb rate 100kbit ceil 5000kbit
       tc qdisc add dev ppp0 parent 1:$n handle $n: sfq perturb 10
     done`,
    ],
  ]),
)('a tree %s is not shown as ours, changed or cleared', async (_what, more) => {
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

/** All that hangs at the hooks, as tc's own JSON; of counters and of what is ours nothing. */
const theirFilters = async (): Promise<string> =>
  (await inGateway('for hook in ingress egress; do tc -j filter show dev ppp0 $hook; done')).replaceAll(
    /"(?:rule_hit|installed|last_used|first_used|id)":\d+/g,
    '',
  );

/** As container networks have it: direct action, the first preference; a classifier without, and plain filters. */
const CLSACT_OF_OTHERS = `
  tc qdisc add dev ppp0 clsact
  tc filter add dev ppp0 ingress protocol all pref 1 bpf da bytecode '1,6 0 0 4294967295'
  tc filter add dev ppp0 egress protocol all pref 1 bpf da bytecode '1,6 0 0 4294967295'
  tc filter add dev ppp0 ingress protocol ip pref 3 u32 match ip dport 4444 0xffff action drop
  tc filter add dev ppp0 ingress protocol ip flower ip_proto udp dst_port 5555 action continue`;

describe('a clsact of others', () => {
  beforeEach(() => inetgwOk(guest, 'ppp0', 'clear'));
  afterEach(() => inGateway('tc qdisc del dev ppp0 clsact'));

  test.each(
    firstOf([
      ['window pacing', []],
      ['the stages alone', ['--pacing', 'off']],
      ['a queue on an ifb', ['--ingress', 'shape']],
    ]),
  )('%s stands beside theirs, works, changes and goes; theirs stay as they are', async (_what, options) => {
    await inGateway(CLSACT_OF_OTHERS);
    const theirs = await theirFilters();
    const said = await inetgw(guest, ...RATES, ...options);
    expect([said.code, said.stderr]).toEqual([0, '']);
    await guest.run(['ping', '-c', '20', '-i', '0.05', '-q', PROVIDER.ipv4], { ns: 'gw' });
    const { ingress, warnings } = await statistics(guest);
    expect(ingress.seenPackets).toBeGreaterThanOrEqual(20);
    // Whether theirs let anything through is theirs to say: what they always hand on is no matter.
    expect(warnings.join()).toMatch(/filters of others come before ours \(bpf pref 1.*u32 pref 3/);
    expect(warnings.join()).not.toContain('flower');
    expect(await inetgwOk(guest, 'ppp0', '300', '3mbit', ...options)).toContain('changed in place');
    await inetgwOk(guest, ...RATES, '--pacing', 'off', '--framing', 'docsis');
    expect(await inetgwOk(guest, 'ppp0', 'clear')).toMatch(
      /^ppp0: cleared; left alone, not set by inetgw: filters of others \(bpf pref 1.* at the clsact qdisc/,
    );
    expect(await theirFilters()).toBe(theirs);
  });

  test('a first run that fails leaves them as they are, and a dry run shows no queue of theirs going', async () => {
    await inGateway(CLSACT_OF_OTHERS);
    const theirs = await theirFilters();
    expect(await inetgwOk(guest, ...RATES, '--dry-run=script')).not.toContain('clsact');
    await guest.request('write', {
      path: '/usr/local/sbin/tc',
      // The second batch is no rehearsal: all of its lines but the last one, and then what no tc knows.
      text: `#!/bin/sh
        grep -q inetgw.js /proc/$PPID/cmdline && [ "$*" = '-batch -' ] || exec /usr/sbin/tc "$@"
        echo >>/run/batches; [ $(wc -l </run/batches) = 2 ] || exec /usr/sbin/tc "$@"
        { sed '$d'; echo rubbish; } | /usr/sbin/tc "$@"`,
    });
    await guest.run(['chmod', '+x', '/usr/local/sbin/tc']);
    const failed = await inetgw(guest, ...RATES, '--pacing', 'bpf');
    await guest.run(['rm', '-f', '/usr/local/sbin/tc', '/run/batches']);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('nothing was left on ppp0')]);
    expect(await theirFilters()).toBe(theirs);
    expect(await inGateway('tc qdisc show dev ppp0; nft list tables')).not.toMatch(/htb|inetgw/);
  });

  test('one that comes in the place of ours, and one that has the last preference', async () => {
    await inetgwOk(guest, ...RATES);
    await inGateway(`tc qdisc del dev ppp0 clsact; tc qdisc add dev ppp0 clsact
      tc filter add dev ppp0 ingress protocol all pref 2 matchall action pass`);
    const theirs = await theirFilters();
    await inetgwOk(guest, ...RATES);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await theirFilters()).toBe(theirs);
    await inGateway('tc filter add dev ppp0 ingress protocol all pref 65535 matchall action pass');
    const refused = await inetgw(guest, ...RATES);
    expect([refused.code, refused.stderr.split('\n')[0]]).toEqual([
      1,
      'inetgw: there is no room behind the filters of others at the clsact qdisc of ppp0: preference 65535 is taken',
    ]);
  });

  test('filters of theirs that come to our clsact: ours move behind them and go; theirs stay', async () => {
    await inetgwOk(guest, ...RATES);
    await inGateway('tc filter add dev ppp0 ingress protocol ip pref 77 u32 match u32 0 0 action pass');
    const theirs = (await theirFilters()).match(/\{"protocol":"ip".*?\}\]\}\}/)?.[0] ?? 'none';
    await inetgwOk(guest, ...RATES, '--ingress', 'shape');
    expect(await inetgwOk(guest, 'ppp0', 'clear')).toMatch(
      /filters of others \(u32 pref 77.*at the clsact qdisc/,
    );
    expect(await theirFilters()).toContain(theirs);
    expect(await theirFilters()).not.toMatch(/"matchall"|"bpf"/);
  });
});

test('--replace says before what it cannot give back, and clear gives back the default root', async () => {
  await inetgwOk(guest, 'ppp0', 'clear');
  await inGateway(`tc qdisc add dev ppp0 root handle 5: htb default 20
    tc class add dev ppp0 parent 5: classid 5:20 htb rate 4000kbit ceil 5000kbit
    tc filter add dev ppp0 parent 5: protocol ip pref 9 u32 match ip dport 22 0xffff flowid 5:20
    tc qdisc add dev ppp0 clsact; tc filter add dev ppp0 ingress protocol all pref 7 matchall action drop`);
  const lost = /--replace takes away what clear cannot give back: (\w+ \w+)/g;
  const things = (text: string): string[] => [...text.matchAll(lost)].map(([, thing = '']) => thing).sort();
  const expected = ['class htb', 'filter parent', 'filter protocol', 'qdisc clsact', 'qdisc htb'];
  const dryRun = await inetgwOk(guest, ...RATES, '--replace', '--dry-run');
  expect(things(dryRun)).toEqual(expected);
  expect(dryRun).toMatch(/^note: after clear, the kernel's default stands at root$/m);
  const applied = await inetgw(guest, ...RATES, '--replace');
  expect([applied.code, things(applied.stderr)]).toEqual([0, expected]);
  // Nothing of others stands there any more.
  const again = await inetgw(guest, ...RATES, '--replace');
  expect([again.code, again.stderr]).toEqual([0, '']);
});
