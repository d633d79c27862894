/** What `inetgw check` says is what applying finds. */
import { beforeAll, expect, test } from 'vitest';
import type { CheckResult } from '../../src/system/check/check.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});

test('all is there: ready, without a device, before it is there, and on one; and nothing is changed', async () => {
  const before = await snapshot(guest, 'ppp0', 'tc actions ls action gact; find /run/bpf');
  for (const words of [[], ['ppp7'], ['ppp0']]) {
    const text = await inetgwOk(guest, 'check', ...words);
    expect(text).toMatch(/^ {2}yes {2}window pacing /m);
    expect(text).toContain('--firewall auto takes nft: it takes the very rules');
    expect(text).not.toMatch(/^ +no /m);
    expect(text).toMatch(/\nready\n$/);
  }
  const after = await snapshot(guest, 'ppp0', 'tc actions ls action gact; find /run/bpf');
  // The folders that iproute2 makes when it first pins a map.
  const files = (text: string): string => text.replaceAll(/^\/run\/bpf\/(?:tc|ip|xdp).*\n?/gm, '').trimEnd();
  expect(files(after)).toBe(files(before));
  expect(after).not.toMatch(/ig[a-z]_00000000/);
});

test('without nft it is iptables that auto takes, and check says why', async () => {
  await guest.run(['sh', '-c', 'mv $(readlink -f /usr/sbin/nft) /run/nft-away']);
  const { stdout } = await inetgw(guest, 'check', '--json');
  await guest.run(['sh', '-c', 'mv /run/nft-away /usr/sbin/nft']);
  const { autoFirewall } = JSON.parse(stdout) as CheckResult;
  expect(autoFirewall.tool).toBe('iptables');
  expect(autoFirewall.why).toContain('nft was not found');
});

test('without perl a line can be set up, and check says what is not shown then', async () => {
  await guest.run(['sh', '-c', 'mv $(readlink -f /usr/bin/perl) /run/perl-away']);
  const stdout = await (async () => {
    try {
      await inetgwOk(guest, 'ppp0', '210', '1710');
      await inetgwOk(guest, 'ppp0');
      await inetgwOk(guest, 'ppp0', 'clear');
      return await inetgwOk(guest, 'check');
    } finally {
      await guest.run(['sh', '-c', 'mv /run/perl-away /usr/bin/perl']);
    }
  })();
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
    / no perl .*: perl was not found.* without it: hosts, flows and round trips are not shown, and rates cannot follow the line /,
  );
  expect(stdout).toMatch(/\nready\n$/);
});

test('without matchall it is matchall that is missing, and none of the actions in such a filter', async () => {
  const lines = 'install cls_matchall /bin/false';
  try {
    await guest.run(['sh', '-ec', `echo '${lines}' >/etc/modprobe.d/lab.conf; modprobe -r cls_matchall`]);
    const { items } = JSON.parse((await inetgw(guest, 'check', '--json')).stdout) as CheckResult;
    const missing = items.filter(({ state }) => state === 'missing').map(({ name }) => name);
    expect(missing).toEqual(['cls_matchall', 'window pacing']);
  } finally {
    await guest.run(['rm', '-f', '/etc/modprobe.d/lab.conf']);
  }
});

test('in an unprivileged container check says what applying finds, and nothing is left', async () => {
  const [check, apply] = ['check wan0', 'wan0 210 1710'].map((words) =>
    commandArgv('inetgw', ...words.split(' ')).join(' '),
  );
  const script = `
    mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
    ip link add wan0 type dummy; ip link set wan0 up; tc qdisc show dev wan0
    ${check}; echo "check $?"; ${apply}; echo "apply $?"; tc qdisc show dev wan0; nft list tables`;
  const { stdout } = await guest.exec(['unshare', '-Urmn', 'sh', '-c', `{ ${script}\n} 2>&1`], {});
  expect(stdout).toMatch(
    /^ {3}no {2}changing actions .*Operation not permitted: in a container with a user/m,
  );
  expect(stdout).toContain('not ready: changing actions missing\ncheck 5\n');
  expect(stdout).toMatch(
    /^inetgw: this kernel or this tc cannot carry the plan: .*in a container with a user/m,
  );
  const [before, after] = stdout.split('apply 5\n');
  expect(after?.trim()).toBe(before?.split('\n')[0]?.trim());
});
