/** What it is all for: the loaded ADSL line answers at once, and carries what it can. */
import { beforeAll, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgwOk, statistics } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});

/** For 48 s: what a window of 24 s carries scatters by as much as lies between what is usual and what is asked. */
const LOAD = { flows: [downloads(4), uploads(2)], pings: 160, pingIntervalMs: 300 };

// Without it the same load makes an answer wait for more than 1.5 s: line.test.ts.
test('inetgw ppp0 215 1600: at most 50 ms on average, 1330 kbit/s down and 120 up, under 4 downloads and 2 uploads', async () => {
  await inetgwOk(guest, 'ppp0', '215', '1600');
  const result = await measure(guest, LOAD);
  expect(result.ping.timesMs).toHaveLength(LOAD.pings);
  expect(summarise(result.ping.timesMs).mean).toBeLessThanOrEqual(50);
  expect(result.downBitPerSec).toBeGreaterThanOrEqual(1_330_000);
  expect(result.upBitPerSec).toBeGreaterThanOrEqual(120_000);
  await inetgwOk(guest, 'ppp0', 'clear');
});

test('with the stages alone, where the kernel can do no more: at most 90 ms, 1340 down and 88 up', async () => {
  await inetgwOk(guest, 'ppp0', '215', '1600', '--pacing', 'off');
  // For 72 s: answers scatter more here, from 83 to 88 ms in windows of 48 s.
  const longer = { ...LOAD, pings: 240 };
  const result = await measure(guest, longer);
  expect(result.ping.timesMs).toHaveLength(longer.pings);
  expect(summarise(result.ping.timesMs).mean).toBeLessThanOrEqual(90);
  expect(result.downBitPerSec).toBeGreaterThanOrEqual(1_340_000);
  expect(result.upBitPerSec).toBeGreaterThanOrEqual(88_000);
  // Large packets gave way, small ones did not have to.
  const { ingress, egress } = await statistics(guest);
  expect(ingress.stages[1].droppedPackets).toBeGreaterThan(100);
  expect(ingress.stages[2].droppedPackets).toBeLessThan(10);
  expect(egress.find((row) => row.class === 'interactive')?.sentPackets).toBeGreaterThan(1000);
  await inetgwOk(guest, 'ppp0', 'clear');
});
