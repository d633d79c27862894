/** What the lab promises about the line, before anything is done about it. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { ADSL_LINE, ETHERNET, FAR, SERVER, setUpLine, tearDownLine } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';

/** PPPoE leaves 1492 bytes: 52 of them are IPv4 and TCP headers with time stamps, 32 cells of 53 bytes carry it. */
const ATM_USER_DATA_SHARE = (1492 - 52) / (32 * 53);

/** As above with a frame of 1518 bytes, as the line counts them; 1500 of them are the IP packet. */
const ETHERNET_USER_DATA_SHARE = (1500 - 52) / 1518;

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
});

describe('the default ADSL line', () => {
  beforeAll(async () => {
    await setUpLine(guest);
  });

  test.each([SERVER.ipv4, SERVER.ipv6])(
    'is idle: %s answers after the base round trip',
    async (pingTarget) => {
      const { ping } = await measure(guest, { pingTarget, pings: 20 });
      const { count, min, max } = summarise(ping.timesMs);
      expect(count).toBe(20);
      expect(min).toBeGreaterThanOrEqual(10);
      expect(max).toBeLessThan(11);
    },
  );

  test('carries what the cells leave, and answers after the depth of the buffer', async () => {
    const result = await measure(guest, { flows: [downloads(4)], warmUpMs: 30_000, pings: 200 });
    const possible = ADSL_LINE.downBitPerSec * ATM_USER_DATA_SHARE;
    expect(result.downBitPerSec / possible).toBeGreaterThan(0.97);
    expect(result.downBitPerSec / possible).toBeLessThan(1.03);
    const answer = summarise(result.ping.timesMs);
    expect(answer.max).toBeGreaterThan(950);
    expect(answer.max).toBeLessThan(ADSL_LINE.downBufferMs + ADSL_LINE.pathMs + 20);
    // The figures are the line's, not the emulated processor's.
    expect(result.idleFraction).toBeGreaterThan(0.9);
  });

  test('makes every answer wait more than 1.5 s under downloads and uploads', async () => {
    const result = await measure(guest, { flows: [downloads(4), uploads(2)] });
    expect(summarise(result.ping.timesMs).mean).toBeGreaterThan(1500);
  });

  test('makes a call and key strokes wait as long as pings', async () => {
    const { ping, voip, echo } = await measure(guest, { flows: [downloads(4)], interactive: true });
    const pings = summarise(ping.timesMs);
    expect(pings.mean).toBeGreaterThan(500);
    expect(voip?.down.sent).toBe(800);
    // Acknowledgements and the call take most of the upstream, so how long each way is varies; all see the same.
    const callMs = summarise(voip?.up.delaysMs ?? []).mean + summarise(voip?.down.delaysMs ?? []).mean;
    expect(callMs / pings.mean).toBeGreaterThan(0.9);
    expect(callMs / pings.mean).toBeLessThan(1.1);
    const key = summarise(echo?.timesMs ?? []);
    expect(key.median / pings.median).toBeGreaterThan(0.85);
    expect(key.median / pings.median).toBeLessThan(1.15);
  });

  test('gives IPv6 the same', async () => {
    const result = await measure(guest, {
      flows: [downloads(4, { ipVersion: 6 })],
      pingTarget: SERVER.ipv6,
    });
    expect(summarise(result.ping.timesMs).mean).toBeGreaterThan(700);
    expect(result.downBitPerSec).toBeGreaterThan(0.9 * ADSL_LINE.downBitPerSec * ATM_USER_DATA_SHARE);
  });
});

describe('an Ethernet line with a LAN and a far host', () => {
  beforeAll(async () => {
    const rates = { upBitPerSec: 2_000_000, downBitPerSec: 16_000_000 };
    const buffers = { upBufferMs: 300, downBufferMs: 200 };
    await setUpLine(guest, {
      ...rates,
      ...buffers,
      framing: ETHERNET,
      access: 'ethernet',
      farPathMs: 200,
      lan: { nat: true },
    });
  });

  test.each([FAR.ipv4, FAR.ipv6])('answers the LAN from %s after the far round trip', async (pingTarget) => {
    const { ping } = await measure(guest, { pingNs: 'lan', pingTarget, pings: 10 });
    expect(summarise(ping.timesMs).min).toBeGreaterThanOrEqual(200);
    expect(summarise(ping.timesMs).max).toBeLessThan(202);
  });

  test('carries a call both ways, key strokes and pages of the LAN, through NAT', async () => {
    const { voip, echo, pages } = await measure(guest, { pingNs: 'lan', pings: 15, interactive: true });
    expect(voip?.up.delaysMs).toHaveLength(voip?.up.sent ?? NaN);
    expect(voip?.down.delaysMs).toHaveLength(voip?.down.sent ?? NaN);
    expect(voip?.down.sent).toBeGreaterThanOrEqual(140);
    expect(echo?.timesMs).toHaveLength(echo?.sent ?? NaN);
    expect(pages?.timesMs).toHaveLength(3);
  });

  test('is filled by downloads of the LAN, with processor time to spare', async () => {
    const result = await measure(guest, {
      flows: [downloads(4, { client: 'lan' })],
      warmUpMs: 10_000,
      pings: 50,
    });
    const possible = 16_000_000 * ETHERNET_USER_DATA_SHARE;
    expect(result.downBitPerSec / possible).toBeGreaterThan(0.97);
    expect(result.downBitPerSec / possible).toBeLessThan(1.03);
    expect(result.idleFraction).toBeGreaterThan(0.5);
  });

  test('is nearly full both ways at once, with processor time to spare', async () => {
    const result = await measure(guest, {
      flows: [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })],
      warmUpMs: 10_000,
      pings: 50,
    });
    // A full upstream makes round trips longer than the buffer downstream is deep, and that runs empty after a
    // loss: 14.0 to 14.9 Mbit/s of the 15.3 in ten runs.
    expect(result.downBitPerSec).toBeGreaterThan(13_000_000);
    // The downloads' acknowledgements take a fifth of the upstream.
    expect(result.upBitPerSec).toBeGreaterThan(1_300_000);
    expect(result.idleFraction).toBeGreaterThan(0.5);
  });
});

test('taking the line down leaves no namespace, program or device', async () => {
  const state = (): Promise<string> =>
    guest.run([
      'sh',
      '-c',
      // The names first: what sorts them would be among them, or not yet.
      'ip netns list; ip -o link | cut -d: -f2; ls /run/netns; names=$(cat /proc/[0-9]*/comm); echo "$names" | grep -v ^kworker | sort',
    ]);
  await tearDownLine(guest);
  const before = await state();
  await setUpLine(guest);
  expect(await state()).not.toBe(before);
  await tearDownLine(guest);
  expect(await state()).toBe(before);
});
