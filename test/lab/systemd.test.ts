/**
 * inetgw@.service under a running systemd, with udev, on a real ppp0: started with the device, stopped with it. Part
 * of the long form (LAB_LONG=1).
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { DIAL, setUpLine } from './line.ts';
import { checkoutRoot } from './paths.ts';
import type { ExecResult } from './protocol.ts';
import { sharedGuest } from './sharedGuest.ts';

/**
 * systemd as process 1 of namespaces of its own, in the gateway's network. Of what a boot usually starts only the
 * journal and udev are left: the others would work for minutes on devices that nobody asks about here.
 */
const BOOT = `
  mount -t proc proc /proc
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -t tmpfs run /run && mkdir /run/lock
  ln -sf /lib/systemd/system/basic.target /etc/systemd/system/default.target
  for unit in $(ls /lib/systemd/system/*.target.wants /etc/systemd/system/*.target.wants); do
    case $unit in
      systemd-journald.s* | systemd-journald-dev-log.socket | systemd-udevd.service | systemd-udevd-*.socket) ;;
      *.service | *.socket | *.mount | *.automount | *.timer | *.path) ln -sf /dev/null /etc/systemd/system/$unit ;;
    esac
  done
  : >/etc/fstab
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=false`;

/** The first process of the new namespace, as seen from outside, once it listens to systemctl. */
const FIND = `for n in $(seq 600); do
    for p in /proc/[0-9]*; do
      if [ "$(readlink $p/exe)" = /usr/lib/systemd/systemd ] && [ -S $p/root/run/systemd/private ]; then
        echo \${p#/proc/}; exit 0
      fi
    done
    sleep 0.1
  done; exit 1`;

let guest: Guest;
let job: number;
let pid: string;

function inside(script: string): Promise<ExecResult> {
  const argv = ['nsenter', '-t', pid, '-m', '-n', '-p', '-C', 'sh', '-c', script] as const;
  return guest.exec(argv, { spinMs: 120_000, timeoutMs: 120_000 });
}

/** Waits for a condition; what the service says if it never comes true. */
async function eventually(condition: string): Promise<void> {
  const script = `for n in $(seq 600); do if ${condition}; then exit 0; fi; sleep 0.1; done 2>/dev/null
    systemctl status inetgw@ppp0.service; journalctl -b -n 30 --no-pager; tc qdisc show dev ppp0; exit 1`;
  const { code, stdout } = await inside(script);
  expect(code, stdout).toBe(0);
}

/**
 * Brings the link up if it is not: while the machine waits for the host's disk its clock runs on, and pppd gives up. The
 * provider's side may not have noticed yet, and has room for one session only.
 */
async function dial(): Promise<void> {
  const script = `[ ! -e /sys/class/net/ppp0 ] || exit 0
    pkill -x pppd
    for n in 1 2 3 4 5 6; do sleep 2; ${DIAL} && exit 0; done; exit 1`;
  await guest.run(['sh', '-c', script], { ns: 'gw', spinMs: 120_000, timeoutMs: 240_000 });
}

describe.skipIf(process.env['LAB_LONG'] !== '1')('inetgw@ppp0.service', () => {
  beforeAll(async () => {
    guest = await sharedGuest();
    await setUpLine(guest);
    // Not below /tmp or /home, which the unit does not see.
    await guest.run(['cp', '-r', `${checkoutRoot}/dist`, '/usr/lib/inetgw']);
    const command = `#!/bin/sh\nexec ${process.execPath} /usr/lib/inetgw/bin/inetgw.js "$@"\n`;
    await guest.request('write', { path: '/usr/bin/inetgw', mode: 0o755, text: command });
    await guest.request('write', { path: '/etc/inetgw.conf', text: '[ppp0]\nup = 210\ndown = 1710\n' });
    const unit = await readFile(`${checkoutRoot}/templates/inetgw@.service`, 'utf8');
    await guest.request('write', { path: '/etc/systemd/system/inetgw@.service', text: unit });
    const argv = ['unshare', '--mount', '--pid', '--cgroup', '--fork', '--kill-child', 'sh', '-ec', BOOT];
    job = (await guest.request('spawn', { argv: argv as [string, ...string[]], ns: 'gw' })).job;
    pid = (await guest.run(['sh', '-c', FIND], { spinMs: 120_000, timeoutMs: 120_000 })).trim();
    await inside(
      'for n in $(seq 300); do case $(systemctl is-system-running) in running|degraded) exit 0;; esac; sleep 0.1; done; exit 1',
    );
    // Process 1 listens to udev only if it was there first: begun anew once udev runs.
    const { code, stderr } = await inside(
      'systemctl start systemd-udevd && udevadm trigger --subsystem-match=net --action=add && udevadm settle && systemctl daemon-reexec',
    );
    expect([code, stderr]).toEqual([0, '']);
    await dial();
  });
  afterAll(async () => {
    await guest.request('stop', { job, signal: 'SIGKILL' });
  });

  test('is enabled, and sets up the device that is there', async () => {
    await inside('systemctl enable --now inetgw@ppp0.service');
    await eventually('systemctl is-active -q inetgw@ppp0 && tc qdisc show dev ppp0 | grep -q "htb 1:"');
    const { stdout } = await inside('inetgw status');
    expect(stdout).toMatch(/ppp0 +up +shaped .* in force/);
    // Window pacing too: the unit may load its program, and pin its maps.
    const filters = await inside('tc filter show dev ppp0 egress; journalctl -b -u inetgw@ppp0 --no-pager');
    expect(filters.stdout).toContain('bpf');
    expect(filters.stdout).not.toContain('no window pacing here');
  });

  test('stops when the link goes, leaving nothing, and starts when it comes back', async () => {
    for (let round = 0; round < 2; round++) {
      await guest.run(['pkill', '-f', '^pppd .* g0 '], { spinMs: 120_000 });
      await eventually(
        '! systemctl is-active -q inetgw@ppp0 && [ -z "$(nft list tables)" ] && ! ls /run/inetgw',
      );
      await dial();
      await eventually('systemctl is-active -q inetgw@ppp0 && tc qdisc show dev ppp0 | grep -q "htb 1:"');
    }
  });

  test('clears when it is stopped by hand', async () => {
    await inside('systemctl stop inetgw@ppp0.service');
    await eventually('! tc qdisc show dev ppp0 | grep -q "htb 1:" && [ -z "$(nft list tables)" ]');
  });
});
