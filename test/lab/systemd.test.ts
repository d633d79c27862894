/**
 * inetgw@.service under a running systemd, with udev, on a real ppp0: started with the device, stopped with it. Part
 * of the long form (LAB_LONG=1). The units of the Debian package: scripts/platforms/units.ts.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { setUpLine } from './line.ts';
import { LONG } from './forms.ts';
import { checkoutRoot } from './paths.ts';
import { sharedGuest } from './sharedGuest.ts';
import { redial, Systemd } from './systemd.ts';

let guest: Guest;
let systemd: Systemd;

const eventually = (condition: string): Promise<void> => systemd.eventually(condition, 'inetgw@ppp0.service');

describe.runIf(LONG)('inetgw@ppp0.service', () => {
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
    systemd = await Systemd.start(guest);
    await redial(guest);
  });
  afterAll(() => systemd.stop());

  test('is enabled, and sets up the device that is there', async () => {
    await systemd.exec('systemctl enable --now inetgw@ppp0.service');
    await eventually('systemctl is-active -q inetgw@ppp0 && tc qdisc show dev ppp0 | grep -q "htb 1:"');
    const { stdout } = await systemd.exec('inetgw status');
    expect(stdout).toMatch(/ppp0 +up +shaped .* in force/);
    // Window pacing too: the unit may load its program, and pin its maps.
    const filters = await systemd.exec(
      'tc filter show dev ppp0 egress; journalctl -b -u inetgw@ppp0 --no-pager',
    );
    expect(filters.stdout).toContain('bpf');
    expect(filters.stdout).not.toContain('no window pacing here');
  });

  test('stops when the link goes, leaving nothing, and starts when it comes back', async () => {
    for (let round = 0; round < 2; round++) {
      await guest.run(['pkill', '-f', '^pppd .* g0 '], { spinMs: 120_000 });
      await eventually(
        '! systemctl is-active -q inetgw@ppp0 && [ -z "$(nft list tables)" ] && ! ls /run/inetgw',
      );
      await redial(guest);
      await eventually('systemctl is-active -q inetgw@ppp0 && tc qdisc show dev ppp0 | grep -q "htb 1:"');
    }
  });

  test('clears when it is stopped by hand', async () => {
    await systemd.run('systemctl stop inetgw@ppp0.service');
    await eventually('! tc qdisc show dev ppp0 | grep -q "htb 1:" && [ -z "$(nft list tables)" ]');
  });
});
