import { describe, expect, it } from 'vitest';
import { missing } from '../../../../src/core/errors.ts';
import type { Load, LoadStatus } from '../../../../src/line/load/load.ts';
import { LoadWatch } from '../../../../src/line/load/loadWatch.ts';
import type { Direction } from '../../../../src/line/samples/measurement.ts';

interface World {
  status: LoadStatus;
  rxBytes: number;
  devices: Map<string, number>;
}

async function watching(direction: Direction = 'down') {
  const world: World = {
    status: {
      ...{ bytes: 0, completed: 0, failures: 0, active: 4 },
      ...{ lastError: null, tooSmall: null, fatal: null },
    },
    rxBytes: 1000,
    devices: new Map([
      ['lo', 500],
      ['ppp0', 1000],
      ['eth1', 2000],
    ]),
  };
  const load: Load = { status: () => ({ ...world.status }), stop: () => Promise.resolve() };
  const watch = await LoadWatch.begin(load, direction, {
    device: 'ppp0',
    line: {
      readCounters: () => Promise.resolve({ ...world, atMs: 0, txBytes: 0, rxPackets: 0, txPackets: 0 }),
    },
    readDevices: () => Promise.resolve(new Map(world.devices)),
  });
  return { world, watch };
}

describe('a load of our own', () => {
  it('that comes through the device is fine, whatever else comes', async () => {
    const { world, watch } = await watching();
    world.status.bytes = 1_000_000;
    world.rxBytes = 1_050_000;
    world.devices.set('eth1', 900_000_000);
    await watch.check();
  });
  it('that comes by another device is named with it', async () => {
    const { world, watch } = await watching();
    world.status.bytes = 12_000_000;
    world.rxBytes = 31_000;
    world.devices.set('ppp0', 31_000).set('eth1', 12_400_000);
    await expect(watch.check()).rejects.toThrow(
      'the load came in by eth1, not by ppp0: ppp0 saw 30 kB of 12 MB',
    );
  });
  it('is not judged by a few packets, nor an upload by what arrives', async () => {
    const few = await watching();
    few.world.status.bytes = 100_000;
    await few.watch.check();
    const upload = await watching('up');
    upload.world.status.bytes = 50_000_000;
    await upload.watch.check();
  });
  it('that is a page of a portal, or cannot be at all, ends the measurement', async () => {
    const { world, watch } = await watching();
    world.status.tooSmall = '2 kB of text/html from http://192.0.2.1/login';
    await expect(watch.check()).rejects.toMatchObject({
      message: 'the load is too small to fill a line: it got 2 kB of text/html from http://192.0.2.1/login',
      hint: expect.stringContaining('a captive portal') as string,
    });
    world.status.fatal = missing('curl was not found');
    await expect(watch.check()).rejects.toMatchObject({ exitCode: 5 });
  });
});
