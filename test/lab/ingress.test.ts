/**
 * Each ingress stage drops what it should and nothing else: proved by counters on a real link. Without pacing, whose
 * queue behind the stages holds back what they let pass (pacing.test.ts).
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SOME_FIREWALLS, useVariant } from './firewalls.ts';
import type { Guest } from './guest.ts';
import { inetgwOk, statistics } from './inetgw.ts';
import { ADSL_LINE, ETHERNET, GATEWAY, SERVER, setUpLine, type LineOptions } from './line.ts';
import { FIRST, firstOf, LONG } from './forms.ts';
import { later } from './later.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure } from './traffic.ts';
import { sendUdp, type UdpResult, type UdpStream } from './udp.ts';

/** Well below the line's 1750 kbit/s, so that only the shaper drops. */
const DOWN_KBIT_PER_SEC = 1000;
const LINE_KBIT_PER_SEC = ADSL_LINE.downBitPerSec / 1000;
const CELL_BITS = 53 * 8;
const SECONDS = 6;

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});
afterEach(async () => {
  await inetgwOk(guest, 'ppp0', 'clear');
});

/** A stream to the gateway that takes `load` times the shaped downlink. */
function streamOf(ipBytes: number, load: number, version: 4 | 6, port = 7000): UdpStream {
  const cells = Math.ceil((ipBytes + 40) / 48);
  return {
    fromNs: 'isp',
    toNs: 'gw',
    toAddress: version === 4 ? GATEWAY.ipv4 : GATEWAY.ipv6,
    port,
    payloadBytes: ipBytes - (version === 4 ? 28 : 48),
    packetsPerSec: (DOWN_KBIT_PER_SEC * 1000 * load) / (cells * CELL_BITS),
    durationMs: SECONDS * 1000,
  };
}

const lost = (result: UdpResult | undefined): number =>
  result === undefined ? Number.NaN : result.sent - result.received;
const passed = (result: UdpResult | undefined): number =>
  result === undefined ? Number.NaN : result.received / result.sent;
/** iperf3's own connection may lose a packet, and the stream's last one may come too late to be counted. */
function expectSame(dropped: number, missing: number): void {
  expect(missing).toBeGreaterThan(40);
  expect(Math.abs(dropped - missing)).toBeLessThanOrEqual(2);
}

describe.each([4, 6] as const)('IPv%i', (version) => {
  /** The policers count bytes whatever they carry; the filter of stage 2 alone asks for the address family. */
  const ofPolicers = test.runIf(version === 4 || LONG);

  ofPolicers('below 98 % every packet passes unseen', async () => {
    // The line itself is full at 95 % of what is set, and spaces the packets evenly.
    await inetgwOk(guest, 'ppp0', '210', String(Math.round(LINE_KBIT_PER_SEC / 0.95)), '--pacing', 'off');
    const [large] = await sendUdp(guest, [streamOf(1200, 2, version)]);
    expect(large?.received).toBeGreaterThan(500);
    const { ingress, firewall } = await statistics(guest);
    expect(ingress.seenPackets).toBeGreaterThanOrEqual(large?.received ?? 0);
    expect(ingress.stages.map((stage) => stage.excessPackets)).toEqual([0, 0, 0]);
    expect(firewall.markedPackets).toBe(0);
  });

  ofPolicers('large packets beyond 99 % are dropped by stage 2 and by nothing else', async () => {
    await inetgwOk(guest, 'ppp0', '210', String(DOWN_KBIT_PER_SEC), '--pacing', 'off');
    const [large] = await sendUdp(guest, [streamOf(1200, 1.2, version)]);
    const { ingress } = await statistics(guest);
    const [, stage2, stage3] = ingress.stages;
    expectSame(stage2.droppedPackets, lost(large));
    expect(stage3.droppedPackets).toBe(0);
    // 99 % of the line passed, and what the two buckets held: 50 ms of it each.
    expect(Math.abs(passed(large) - (0.99 + 0.1 / SECONDS) / 1.2)).toBeLessThan(0.01);
  });

  ofPolicers('packets below 1024 bytes are dropped by stage 3 only, above 100 %', async () => {
    await inetgwOk(guest, 'ppp0', '210', String(DOWN_KBIT_PER_SEC), '--pacing', 'off');
    const [middle] = await sendUdp(guest, [streamOf(528, 1.2, version)]);
    const { ingress } = await statistics(guest);
    const [, stage2, stage3] = ingress.stages;
    expect(stage2.droppedPackets).toBe(0);
    expectSame(stage3.droppedPackets, lost(middle));
    // The third bucket holds 20 ms.
    expect(Math.abs(passed(middle) - (1 + 0.12 / SECONDS) / 1.2)).toBeLessThan(0.01);
  });

  ofPolicers(
    'small packets up to the last 1 % all survive beside large ones that overfill the line',
    async () => {
      await inetgwOk(guest, 'ppp0', '210', String(DOWN_KBIT_PER_SEC), '--pacing', 'off');
      const [large, small] = await sendUdp(guest, [
        streamOf(1200, 1.2, version, 7000),
        streamOf(100, 0.009, version, 7001),
      ]);
      expect(passed(large)).toBeLessThan(0.85);
      expect(small?.sent).toBeGreaterThan(40);
      expect(small?.received).toBe(small?.sent);
      const { ingress } = await statistics(guest);
      expect(ingress.stages[2].droppedPackets).toBe(0);
    },
  );

  test.runIf(LONG)(
    'small packets beyond the last 1 % take their chance with the large ones, at better odds',
    async () => {
      await inetgwOk(guest, 'ppp0', '210', String(DOWN_KBIT_PER_SEC), '--pacing', 'off');
      const [large, small] = await sendUdp(guest, [
        streamOf(1200, 1.2, version, 7000),
        streamOf(100, 0.03, version, 7001),
      ]);
      expect(passed(large)).toBeLessThan(0.85);
      expect(small?.sent).toBeGreaterThan(120);
      // A bucket that a large packet just emptied may not even have room for a small one.
      expect(passed(small)).toBeGreaterThan(0.95);
      const { ingress } = await statistics(guest);
      expect(ingress.stages[2].droppedPackets).toBe(lost(small));
    },
  );

  test.skipIf(FIRST && version !== 4)(
    'the size limit is exact: 1023 bytes are spared, 1024 are not',
    async () => {
      await inetgwOk(guest, 'ppp0', '210', String(DOWN_KBIT_PER_SEC), '--pacing', 'off');
      const [spared] = await sendUdp(guest, [streamOf(1023, 1.1, version)]);
      const before = await statistics(guest);
      expect(before.ingress.stages[1].droppedPackets).toBe(0);
      expectSame(before.ingress.stages[2].droppedPackets, lost(spared));
      const [dropped] = await sendUdp(guest, [streamOf(1024, 1.1, version)]);
      const after = await statistics(guest);
      expectSame(after.ingress.stages[1].droppedPackets, lost(dropped));
      expect(after.ingress.stages[1].droppedPackets).toBeGreaterThan(50);
    },
  );

  test.runIf(version === 4 || LONG).each(SOME_FIREWALLS)(
    'the mark reaches the large-download rule ($firewall, iptables-$variant): a download below 10 MByte loses nothing there, one above does',
    async (choice) => {
      await useVariant(guest, choice);
      await inetgwOk(guest, 'ppp0', '210', '1600', '--firewall', choice.firewall, '--pacing', 'off');
      await download(9_000_000, version);
      const below = await statistics(guest);
      expect(below.firewall.markedPackets).toBeGreaterThan(10);
      expect(below.firewall.largeDownloadDroppedPackets).toBe(0);
      await download(13_000_000, version);
      const above = await statistics(guest);
      expect(above.firewall.largeDownloadDroppedPackets).toBeGreaterThan(5);
      expect(above.firewall.rules['large-download-tcp']?.packets).toBe(
        above.firewall.largeDownloadDroppedPackets,
      );
    },
  );
});

later('--no-large-downloads leaves that rule out and the stages in', async () => {
  await inetgwOk(guest, 'ppp0', '210', '1600', '--no-large-downloads', '--pacing', 'off');
  await download(13_000_000, 4);
  const { firewall, ingress } = await statistics(guest);
  expect(firewall.largeDownloadDroppedPackets).toBe(0);
  expect(firewall.markedPackets).toBeGreaterThan(10);
  expect(ingress.stages[1].droppedPackets).toBeGreaterThan(10);
});

later('the mark ends with our own rules: those of the administrator never see it', async () => {
  await guest.run(
    [
      'nft',
      'add table inet admin; add chain inet admin in { type filter hook input priority 0; }; add rule inet admin in meta mark 20 counter',
    ],
    { ns: 'gw' },
  );
  await inetgwOk(guest, 'ppp0', '210', String(DOWN_KBIT_PER_SEC), '--pacing', 'off');
  await sendUdp(guest, [streamOf(1200, 1.2, 4)]);
  const { firewall } = await statistics(guest);
  expect(firewall.markedPackets).toBeGreaterThan(5);
  const rules = await guest.run(['nft', 'list', 'table', 'inet', 'admin'], { ns: 'gw' });
  await guest.run(['nft', 'delete', 'table', 'inet', 'admin'], { ns: 'gw' });
  expect(rules).toContain('counter packets 0 bytes 0');
});

/** A download from port 80 by TCP, as of a web server. */
async function download(bytes: number, version: 4 | 6): Promise<void> {
  const server = await guest.request('spawn', { argv: ['iperf3', '-s', '-1', '-p', '80'], ns: 'isp' });
  await guest.request('sleep', { ms: 500 });
  const address = version === 4 ? SERVER.ipv4 : SERVER.ipv6;
  await guest.run(['iperf3', '-c', address, '-p', '80', '-R', '-n', String(bytes)], {
    ns: 'gw',
    timeoutMs: 300_000,
  });
  await guest.request('wait', { job: server.job });
}

describe('packets longer than 1500 bytes', () => {
  const DOWN_BIT_PER_SEC = 7_600_000;
  /** A fast line at a provider whose host hands packets over as its own TCP made them: up to 64 KB in one piece. */
  const setUp = (changes: Partial<LineOptions>): Promise<unknown> =>
    setUpLine(guest, {
      ...{ access: 'ethernet', framing: ETHERNET, upBitPerSec: 2_500_000, downBitPerSec: 8_000_000 },
      ...{ upBufferMs: 500, downBufferMs: 500, ...changes },
    }).then(() => guest.run(['nft', PROBE], { ns: 'gw' }));
  /** Counts what comes in piece by piece; tc's own counters count each packet that was merged. */
  const PROBE =
    'add table inet probe; add chain inet probe in { type filter hook prerouting priority -400; };' +
    ' add rule inet probe in iifname eth0 counter';
  const averageBytes = async (): Promise<number> => {
    const rules = await guest.run(['nft', 'list', 'table', 'inet', 'probe'], { ns: 'gw' });
    const [, packets, bytes] = /counter packets (\d+) bytes (\d+)/.exec(rules) ?? [];
    return Number(bytes) / Number(packets);
  };
  afterEach(async () => {
    await inetgwOk(guest, 'eth0', 'clear');
  });
  afterAll(async () => {
    await setUpLine(guest);
  });

  test.each(
    firstOf([
      { what: 'merged ones (GRO)', changes: { superPackets: true } },
      { what: 'jumbo frames', changes: { mtuBytes: 9000 } },
    ]),
  )('$what are neither dropped for their length nor do they cost rate', async ({ changes }) => {
    await setUp(changes);
    await inetgwOk(guest, 'eth0', '2.4mbit', String(DOWN_BIT_PER_SEC / 1000), '--pacing', 'off');
    const result = await measure(guest, { flows: [downloads(4)], warmUpMs: 5000, pings: 40 });
    expect(await averageBytes()).toBeGreaterThan(1600);
    expect(result.downBitPerSec).toBeGreaterThan(0.85 * DOWN_BIT_PER_SEC);
    expect(result.downBitPerSec).toBeLessThan(DOWN_BIT_PER_SEC);
  });

  later(
    'of merged packets the size test sees each one: small ones are spared however many come as one',
    async () => {
      await setUp({ superPackets: true });
      await inetgwOk(guest, 'eth0', '2.4mbit', '2000', '--no-large-downloads', '--pacing', 'off');
      const server = await guest.request('spawn', { argv: ['iperf3', '-s', '-1', '-p', '7000'], ns: 'isp' });
      await guest.request('sleep', { ms: 500 });
      await guest.run(['iperf3', '-c', SERVER.ipv4, '-p', '7000', '-R', '-M', '600', '-t', '8'], {
        ns: 'gw',
      });
      await guest.request('wait', { job: server.job });
      const { ingress } = await statistics(guest, 'eth0');
      expect(await averageBytes()).toBeGreaterThan(700);
      expect(ingress.stages[1].droppedPackets).toBe(0);
      expect(ingress.stages[2].droppedPackets).toBeGreaterThan(0);
    },
  );
});
