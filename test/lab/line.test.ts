import { beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { setUpLine, SERVER } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
});

describe('the default ADSL line', () => {
  beforeAll(async () => {
    await setUpLine(guest);
  });

  test.each([SERVER.ipv4, SERVER.ipv6])('answers from %s after the base round trip', async (pingTarget) => {
    const { ping } = await measure(guest, { pingTarget, pings: 20 });
    const { count, min, max } = summarise(ping.timesMs);
    expect(count).toBe(20);
    expect(min).toBeGreaterThanOrEqual(10);
    expect(max).toBeLessThan(11);
  });

  test('makes every answer wait more than 1.5 s under downloads and uploads', async () => {
    const result = await measure(guest, { flows: [downloads(4), uploads(2)] });
    expect(summarise(result.ping.timesMs).mean).toBeGreaterThan(1500);
  });
});
