/** Each kind of packet that leaves lands in its class: proved by the counters of the class. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EGRESS_CLASSES, EGRESS_CLASS_NAMES, type EgressClass } from '../../src/plan/queues/egressClasses.ts';
import { parseQdiscStatistics } from '../../src/tc/statistics.ts';
import { FIREWALLS_ONCE, useVariant } from './firewalls.ts';
import type { Guest } from './guest.ts';
import { inetgwOk } from './inetgw.ts';
import { GATEWAY, SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest, { upBitPerSec: 2_500_000, downBitPerSec: 12_000_000, upBufferMs: 500 });
});

/** Packets per class that left while `body` ran, by tc's own counters. */
async function counted(body: () => Promise<unknown>): Promise<Record<EgressClass, number>> {
  const read = async (): Promise<(name: EgressClass) => number> => {
    const output = await guest.run(['tc', '-s', '-j', 'qdisc', 'show', 'dev', 'ppp0'], { ns: 'gw' });
    const qdiscs = parseQdiscStatistics(output);
    return (name) => qdiscs.get(EGRESS_CLASSES[name].id)?.packets ?? Number.NaN;
  };
  const before = await read();
  await body();
  // iperf3 is done when its last byte is in a socket; what is still queued is on its way.
  await guest.request('sleep', { ms: 1500 });
  const after = await read();
  const entries = EGRESS_CLASS_NAMES.map((name) => [name, after(name) - before(name)]);
  return Object.fromEntries(entries) as Record<EgressClass, number>;
}

/** An upload by TCP to `port`, for a second unless the options say otherwise; its large packets are looked for. */
async function upload(version: 4 | 6, port: number, ...options: string[]): Promise<void> {
  const address = version === 4 ? SERVER.ipv4 : SERVER.ipv6;
  const server = await guest.request('spawn', {
    argv: ['iperf3', '-s', '-1', '-p', String(port)],
    ns: 'isp',
  });
  await guest.request('sleep', { ms: 200 });
  await guest.run(['iperf3', '-c', address, '-p', String(port), '-t', '1', ...options], {
    ns: 'gw',
  });
  await guest.request('wait', { job: server.job });
}

/** Twenty UDP packets to a port where nobody needs to listen. */
async function sendPackets(ns: string, address: string, port: number, payloadBytes: number): Promise<void> {
  const script = `
    data=$(head -c ${payloadBytes} /dev/zero | tr '\\0' x)
    for n in $(seq 20); do printf %s "$data" > /dev/udp/${address}/${port}; sleep 0.01; done`;
  await guest.run(['bash', '-c', script], { ns });
}

/** An upload of so many bytes in a second, slow enough that nothing is queued. */
const paced = (bytes: number): string[] => ['-b', String(bytes * 8), '-l', '1440'];

/** Full packets that such an upload has at the least: 2 Mbit/s for most of a second. */
const UPLOAD_PACKETS = 80;

// A fast uplink: the classes are what counts here, not the waiting.
describe.each(FIREWALLS_ONCE)('rules by $firewall (iptables-$variant)', (choice) => {
  beforeAll(async () => {
    await useVariant(guest, choice);
    await inetgwOk(guest, 'ppp0', '2mbit', '10mbit', '--firewall', choice.firewall);
  });
  // The next one's iptables would not see what this one's has made.
  afterAll(async () => {
    await inetgwOk(guest, 'ppp0', 'clear');
  });

  describe.each([4, 6] as const)('IPv%i', (version) => {
    const server = version === 4 ? SERVER.ipv4 : SERVER.ipv6;

    test('pings are interactive', async () => {
      const { interactive, normal, bulk } = await counted(() =>
        guest.run(['ping', '-c', '20', '-i', '0.02', '-s', '1000', server], { ns: 'gw' }),
      );
      expect(interactive).toBeGreaterThanOrEqual(20);
      expect([normal, bulk]).toEqual([0, 0]);
    });

    test('ICMP errors are interactive', async () => {
      // Nobody listens: the gateway says so, packet by packet, as far as the kernel's limit lets it.
      const gateway = version === 4 ? GATEWAY.ipv4 : GATEWAY.ipv6;
      const { interactive, normal, bulk } = await counted(() => sendPackets('isp', gateway, 9, 10));
      expect(interactive).toBeGreaterThanOrEqual(1);
      expect([normal, bulk]).toEqual([0, 0]);
    });

    test.each([
      ['a plain upload', 7100, [], 'normal'],
      ['mail (SMTP)', 25, [], 'bulk'],
      ['SSH that is marked AF21', 22, ['--dscp', 'af21'], 'interactive'],
      ['SSH that is marked as bulk (CS1)', 22, ['--dscp', 'cs1'], 'bulk'],
      ['DNS over TCP', 53, [], 'interactive'],
      ['what is marked LE', 7101, ['--dscp', '1'], 'bulk'],
      ['what is marked EF', 7102, ['--dscp', 'ef'], 'interactive'],
      ['what is marked CS4', 7103, ['--dscp', 'cs4'], 'interactive'],
      ['what is marked CS7', 7104, ['--dscp', 'cs7'], 'interactive'],
      ['what is marked VA', 7105, ['--dscp', '44'], 'interactive'],
    ] as const)('large packets of %s', async (_what, port, options, expected) => {
      const packets = await counted(() => upload(version, port, ...options));
      expect(packets[expected]).toBeGreaterThanOrEqual(UPLOAD_PACKETS);
      for (const other of ['normal', 'bulk'] as const) {
        if (other !== expected) expect(packets[other]).toBeLessThan(10);
      }
    });

    test.each([
      ['small packets', 7200, 150, 'interactive'],
      ['large packets', 7200, 800, 'normal'],
      ['large packets to the time service', 123, 800, 'interactive'],
      ['large packets to DNS', 53, 800, 'interactive'],
    ] as const)('UDP: %s', async (_what, port, payloadBytes, expected) => {
      const packets = await counted(() => sendPackets('gw', server, port, payloadBytes));
      expect(packets[expected]).toBe(20);
      expect(packets.interactive + packets.normal + packets.bulk).toBe(20);
    });

    test('the acknowledgements of a download are interactive, all of them', async () => {
      const packets = await counted(() => upload(version, 7300, '-R'));
      expect(packets.interactive).toBeGreaterThan(60);
      expect(packets.normal + packets.bulk).toBeLessThan(5);
    });
  });
});

test('an upload turns bulk once it is large, and only then', async () => {
  await inetgwOk(guest, 'ppp0', '2mbit', '10mbit', '--large-upload', '100kb');
  const small = await counted(() => upload(4, 7400, ...paced(70_000)));
  expect(small.bulk).toBe(0);
  const large = await counted(() => upload(4, 7400, ...paced(220_000)));
  // 100 kB of 220 kB pass before the limit: about 70 packets, and as many after it.
  expect(large.normal).toBeGreaterThan(50);
  expect(large.bulk).toBeGreaterThan(50);
});

test('ports named by the user are bulk', async () => {
  await inetgwOk(guest, 'ppp0', '2mbit', '10mbit', '--bulk-ports', '7500,udp/7501');
  const tcp = await counted(() => upload(4, 7500));
  expect(tcp.bulk).toBeGreaterThanOrEqual(UPLOAD_PACKETS);
  const mail = await counted(() => upload(4, 25));
  expect(mail.normal).toBeGreaterThanOrEqual(UPLOAD_PACKETS);
  await inetgwOk(guest, 'ppp0', 'clear');
});

test('marks that other software has set are left as they are', async () => {
  await guest.run(
    [
      'nft',
      'add table inet admin; add chain inet admin out { type route hook output priority mangle; };' +
        ' add rule inet admin out meta mark set 7; add chain inet admin last { type filter hook postrouting priority 300; };' +
        ' add rule inet admin last oifname ppp0 meta mark != 7 counter',
    ],
    { ns: 'gw' },
  );
  await inetgwOk(guest, 'ppp0', '210', '1710');
  await upload(4, 7600);
  const rules = await guest.run(['nft', 'list', 'table', 'inet', 'admin'], { ns: 'gw' });
  await guest.run(['nft', 'delete', 'table', 'inet', 'admin'], { ns: 'gw' });
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(rules).toContain('counter packets 0 bytes 0');
});
