/**
 * inetgw@.service under a running systemd, with udev, in Debian 13, on a real ppp0: started with the device, stopped with it. Part
 * of the long form (LAB_LONG=1). The units of the Debian package: scripts/platforms/units.ts.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labSystem } from '../../scripts/platforms/roots.ts';
import { systemNamed } from '../../scripts/platforms/systems.ts';
import { Guest } from './guest.ts';
import { setUpLine } from './line.ts';
import { LONG } from './forms.ts';
import { checkoutRoot } from './paths.ts';
import { redial, Systemd } from './systemd.ts';

let guest: Guest;
let systemd: Systemd;

const eventually = (condition: string): Promise<void> => systemd.eventually(condition, 'inetgw@ppp0.service');

describe.runIf(LONG)('inetgw@ppp0.service', () => {
  beforeAll(async () => {
    guest = await Guest.boot({ system: await labSystem(systemNamed('trixie'), 'systemd') });
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
  afterAll(async () => {
    await systemd.stop();
    await guest.close();
  });

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

  test('lets rates follow their line, sees it and sets them as hardened as it is; killed, it is started again', async () => {
    const unit = await readFile(`${checkoutRoot}/templates/systemd/inetgw.service`, 'utf8');
    await guest.request('write', { path: '/etc/systemd/system/inetgw.service', text: unit });
    await systemd.run('inetgw ppp0 215 1715 --down-min 500 --quiet && systemctl daemon-reload');
    await systemd.run('systemctl start inetgw.service');
    const main = 'systemctl show --value --property MainPID inetgw.service';
    const follows = `inetgw ppp0 --json | grep -qw "\\"pid\\": $(${main})"`;
    await systemd.eventually(follows, 'inetgw.service');
    const killed = (await systemd.run(main)).trim();
    await systemd.run(`kill -9 ${killed}`);
    await systemd.eventually(`[ "$(${main})" != ${killed} ] && ${follows}`, 'inetgw.service');
    expect(await systemd.run('inetgw ppp0 --json')).toContain('"phase": "steady"');
    await systemd.run('systemctl reload inetgw.service && systemctl stop inetgw.service');
    expect(await systemd.run("systemctl list-units --failed --no-legend 'inetgw*'")).toBe('');
    const said = await systemd.run('journalctl -b -u inetgw.service --no-pager --quiet --output cat');
    expect(said).toContain('ppp0: followed: down 500 kbit/s to 1715 kbit/s');
    expect(said).not.toMatch(/not followed|no longer|no pings|could not|cannot|denied|[Rr]ead-only/);
    expect(await systemd.run('inetgw ppp0 --json')).toContain('"pid": null');
  });
});
