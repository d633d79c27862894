/** The Debian package's units under a running systemd, in Debian 13 with its kernel. Part of the long form (LAB_LONG=1). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPackages, type Packages } from '../../scripts/platforms/packages.ts';
import { labSystem } from '../../scripts/platforms/roots.ts';
import { systemNamed } from '../../scripts/platforms/systems.ts';
import { units } from '../../scripts/platforms/units.ts';
import { Guest } from './guest.ts';
import { LONG } from './forms.ts';

describe.runIf(LONG)("the Debian package's units", () => {
  let packages: Packages;
  let guest: Guest;
  beforeAll(async () => {
    packages = await buildPackages();
    guest = await Guest.boot({ system: await labSystem(systemNamed('trixie'), 'systemd') });
  });
  afterAll(() => guest.close());

  test('are enabled, used, kept by an upgrade, and gone after removal and purge', async () => {
    expect(await units({ guest, packages, ownNode: true })).toBe('enabled, upgraded, removed, purged');
  });
});
