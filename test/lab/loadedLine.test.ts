/** What it is all for: the loaded ADSL line answers at once, and carries what it can. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgwOk, statistics } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
});

/** 4 downloads and 2 uploads. Without a shaper they make an answer wait for more than 1.5 s: line.test.ts. */
async function loadedLine(): Promise<void> {
  const load = { flows: [downloads(4), uploads(2)], pings: 80, pingIntervalMs: 300 };
  const result = await measure(guest, load);
  expect(result.ping.timesMs).toHaveLength(80);
  expect(summarise(result.ping.timesMs).mean).toBeLessThanOrEqual(90);
  expect(result.downBitPerSec).toBeGreaterThanOrEqual(1_340_000);
  expect(result.upBitPerSec).toBeGreaterThanOrEqual(88_000);
}

describe('at most 90 ms on average, 1340 kbit/s down and 88 up, under 4 downloads and 2 uploads', () => {
  test('inetgw ppp0 215 1600 --pacing bpf', async () => {
    await setUpLine(guest);
    await inetgwOk(guest, 'ppp0', '215', '1600', '--pacing', 'bpf');
    await loadedLine();
    const { pacing, egress } = await statistics(guest);
    expect(pacing?.rewrittenPackets).toBeGreaterThan(1000);
    expect(egress.find((row) => row.class === 'interactive')?.sentPackets).toBeGreaterThan(1000);
    await inetgwOk(guest, 'ppp0', 'clear');
  });

  test('inetgw ppp0 215 1600: the cascade alone', async () => {
    await setUpLine(guest);
    await inetgwOk(guest, 'ppp0', '215', '1600');
    await loadedLine();
    // Large packets gave way, small ones did not have to.
    const { ingress } = await statistics(guest);
    expect(ingress.stages[1].droppedPackets).toBeGreaterThan(100);
    expect(ingress.stages[2].droppedPackets).toBeLessThan(10);
    await inetgwOk(guest, 'ppp0', 'clear');
  });
});
