/**
 * What the pacing program counts for statistics: user data of each host, both ways, and how long answers took. Of packets that
 * are handed to it by `bpftool prog run` at chosen times, in the guest's own; and of hosts behind a gateway.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANSWERS_OF, bucketMostMs } from '../../src/plan/pacing/accounts.ts';
import { answersSince } from '../../src/report/statistics/answers.ts';
import type { HostStatistics } from '../../src/report/statistics/hosts.ts';
import { DNS_SERVER } from '../dnsServer.ts';
import { OPTION } from './frames.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, statistics, withBpf } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { ACK, at, back, CONFIG, handed, handshake, out, SUFFIX, withProgram } from './timedPackets.ts';
import { downloads, measure } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
});

const acknowledged = handed('egress', out({ flags: ACK, window: 60000, seq: 100, ack: 500 }));
const stamped = (stamp: number, payloadBytes = 0): string =>
  handed(
    'egress',
    out({ flags: ACK, window: 60000, seq: 100, ack: 500, payloadBytes, options: OPTION.stamp(stamp, 0) }),
  );
const echoed = (stamp: number, payloadBytes = 0): string =>
  handed(
    'ingress',
    back({ flags: ACK, window: 65535, seq: 500, ack: 100, payloadBytes, options: OPTION.stamp(0, stamp) }),
  );
const pause = (ms: number): string => `sleep ${ms / 1000}`;

const DUMP = ['igt', 'iga'].map(
  (map) => `bpftool map dump pinned /sys/fs/bpf/${map}_${SUFFIX} -j | tr -d '\\n' >&3; echo >&3`,
);

interface Counted {
  totals: { received: number; sent: number }[];
  /** In ms: between what an answer took at least and at most. */
  answers: Map<number, { leastMs: number; mostMs: number }[]>;
}

async function counted(...lines: readonly string[]): Promise<Counted> {
  // Half of a fair share is three segments a second.
  const config = { ...CONFIG, payloadBytesPerSec: 10_000 };
  const [totals = '', answers = ''] = await withProgram(
    guest,
    [at(0.2), handshake(), ...lines, ...DUMP],
    config,
  );
  const formatted = (text: string): { key: number; value: unknown }[] =>
    (JSON.parse(text) as { formatted: { key: number; value: unknown } }[]).map((each) => each.formatted);
  return {
    totals: formatted(totals)
      .map(({ value }) => value as Counted['totals'][number])
      .filter(({ received, sent }) => received + sent > 0),
    answers: new Map(
      formatted(answers).map(({ key, value }) => [
        key,
        (value as { counts: number[] }).counts.flatMap((count, bucket) =>
          Array.from({ length: count }, () => ({
            leastMs: bucket === 0 ? 0 : bucketMostMs(bucket - 1),
            mostMs: bucketMostMs(bucket),
          })),
        ),
      ]),
    ),
  };
}

/** An acknowledgement a second, until the connection counts as one that has begun. */
const begun = [acknowledged, ...[1, 2, 3].flatMap(() => [pause(1050), acknowledged])];

function expectAnswer(found: Counted, of: keyof typeof ANSWERS_OF, ms: number): void {
  const answers = found.answers.get(ANSWERS_OF[of]) ?? [];
  expect(answers).toHaveLength(1);
  // bpftool takes some ms to start, twice.
  expect(answers[0]?.mostMs).toBeGreaterThan(ms);
  expect(answers[0]?.leastMs).toBeLessThan(ms + 40);
}

test('an upload is answered: what was sent, and how long handshake and answer took', async () => {
  const found = await counted(...begun, stamped(1, 700), pause(100), echoed(1));
  expect(found.totals).toEqual([{ received: 0, sent: 700 }]);
  expectAnswer(found, 'handshakes', 20);
  expectAnswer(found, 'uploads', 100);
  expect(found.answers.has(ANSWERS_OF.downloads)).toBe(false);
  // The host's own has both.
  const [host] = [...found.answers].filter(([key]) => key < ANSWERS_OF.downloads);
  expect(host?.[1]).toHaveLength(2);
});

test('a download that takes its share is: a timestamp comes back with data', async () => {
  const load = Array.from({ length: 4 }, () => echoed(0, 1200));
  const found = await counted(...begun, ...load, stamped(1), pause(300), echoed(1, 1300));
  expect(found.totals).toEqual([{ received: 4 * 1200 + 1300, sent: 0 }]);
  expectAnswer(found, 'downloads', 300);
  expect(found.answers.has(ANSWERS_OF.uploads)).toBe(false);
});

test('what somebody says after a silence is no answer of the line', async () => {
  const found = await counted(...begun, stamped(1), pause(3000), echoed(1, 1300));
  expect(found.answers.has(ANSWERS_OF.downloads)).toBe(false);
  expect(found.answers.has(ANSWERS_OF.uploads)).toBe(false);
});

describe('hosts on a real line', () => {
  /** It sends as many bytes as the first line asks for, and closes when it has all that follows that line. */
  const SERVE = `require('net').createServer({ allowHalfOpen: true }, (s) => { let asked; s.on('error', () => {});
    s.on('data', (d) => { if (asked === undefined) { asked = parseInt(d); s.write(Buffer.alloc(asked)); } });
    s.on('end', () => s.end()); }).listen(7000, '::')`;
  /** Asks for so many, sends so many. */
  const transfer = (ns: string, host: string, downBytes: number, upBytes: number): Promise<string> =>
    guest.run(
      [
        process.execPath,
        '-e',
        `const s = require('net').connect({ host: '${host}', port: 7000 });
         s.write(Buffer.alloc(12, '${downBytes}'.padEnd(11) + '\\n')); s.end(Buffer.alloc(${upBytes}));
         s.resume(); s.on('close', (failed) => process.exit(failed ? 1 : 0)); s.on('error', () => {});`,
      ],
      { ns },
    );
  let job: number;

  beforeAll(async () => {
    await setUpLine(guest, {
      ...{ upBitPerSec: 640e3, downBitPerSec: 6e6, upBufferMs: 1000, downBufferMs: 500, pathMs: 20 },
      lan: { nat: true, hosts: 3 },
    });
    await inetgwOk(guest, 'ppp0', '624', '5850');
    ({ job } = await guest.request('spawn', { argv: [process.execPath, '-e', SERVE], ns: 'isp' }));
    // As dnsmasq has it.
    const leases =
      '1795000000 02:00:00:00:00:02 192.168.77.2 laptop *\n1795000000 02:00:00:00:00:03 192.168.78.2 * *\n';
    await guest.request('write', { path: '/run/lab/leases', text: leases });
    await guest.run(['sleep', '2'], { ns: 'gw' });
  });
  afterAll(async () => {
    await guest.request('stop', { job, signal: 'SIGKILL' });
  });

  /** What the kernel in `ns` has sent again, in segments. */
  const sentAgain = async (ns: string): Promise<number> => {
    const counted = await guest.run(['nstat', '-asz', 'TcpRetransSegs'], { ns });
    return Number(/^TcpRetransSegs +(\d+)/m.exec(counted)?.[1]);
  };
  /** A transfer, and the most that it can have sent: a full segment for each that went twice. */
  const sentAtMost = async (
    ns: string,
    host: string,
    downBytes: number,
    upBytes: number,
  ): Promise<number> => {
    const before = await sentAgain(ns);
    await transfer(ns, host, downBytes, upBytes);
    return upBytes + 12 + 1448 * ((await sentAgain(ns)) - before);
  };

  test('who has taken what, behind NAT and by IPv6', async () => {
    const expected = [
      ['192.168.77.2', 2_000_000, 20_012, await sentAtMost('lan', SERVER.ipv4, 2_000_000, 20_000)],
      ['192.168.78.2', 500_000, 100_012, await sentAtMost('lan2', SERVER.ipv4, 500_000, 100_000)],
      ['2001:db8:3::2', 300_000, 10_012, await sentAtMost('lan', SERVER.ipv6, 300_000, 10_000)],
    ] as const;
    const { pacing } = await statistics(guest);
    const of = (address: string): HostStatistics | undefined =>
      pacing?.hosts?.find(({ addresses }) => addresses.includes(address));
    for (const [address, down, up, most] of expected) {
      const host = of(address);
      expect(host?.addresses).toEqual([address]);
      // What is sent again counts again.
      expect(host?.receivedBytes).toBeGreaterThanOrEqual(down);
      expect(host?.receivedBytes).toBeLessThan(1.05 * down);
      expect(host?.sentBytes).toBeGreaterThanOrEqual(up);
      // A window that takes longer than the least timeout to leave is sent again.
      expect(host?.sentBytes).toBeLessThanOrEqual(most);
      expect(host?.flows).toBe(1);
    }
    expect(await inetgwOk(guest, 'ppp0')).toMatch(
      /^host +received +sent .*\n192\.168\.77\.2 .*\n192\.168\.78\.2 .*\n2001:db8:3::2 /m,
    );
    const screen = await inetgwOk(guest, 'watch', '--once', '--names', '/run/lab/leases');
    expect(screen).toMatch(/^laptop 192\.168\.77\.2 /m);
    expect(screen).toMatch(/^192\.168\.78\.2 /m);
    const metrics = await inetgwOk(guest, 'metrics', '--per-host', '20', '--names', '/run/lab/leases');
    const { number, receivedBytes } = of('192.168.77.2') ?? {};
    expect(metrics).toContain(`{device="ppp0",host="${number}",address="192.168.77.2",name="laptop"} 1\n`);
    expect(metrics).toContain(
      `inetgw_host_received_bytes_total{device="ppp0",host="${number}"} ${receivedBytes}\n`,
    );
  });

  /** A DNS server of the gateway's own, which knows a name for a host of the leases, too. */
  async function startDns(): Promise<{ job: number }> {
    const zone = { '2.77.168.192.in-addr.arpa': 'other.lan', '2.78.168.192.in-addr.arpa': 'desktop.lan' };
    await guest.request('write', { path: '/run/lab/resolv.conf', text: 'nameserver 127.0.0.1\n' });
    const server = await guest.request('spawn', {
      argv: [process.execPath, '-e', DNS_SERVER, JSON.stringify(zone), '/run/lab/asked'],
      ns: 'gw',
    });
    await guest.run(['sleep', '2'], { ns: 'gw' });
    return server;
  }

  /** A command that asks it, and knows the leases. */
  const named = (...words: string[]): [string, ...string[]] => [
    'sh',
    ...['-c', 'mount --bind /run/lab/resolv.conf /etc/resolv.conf && exec "$@"', 'sh'],
    ...withBpf(commandArgv('inetgw', ...words, '--names', '/run/lab/leases')),
  ];

  test('names by reverse look-up, of those that are not in the file', async () => {
    const server = await startDns();
    const watch = (...words: string[]): Promise<string> =>
      guest.run(named('watch', '--once', ...words), { ns: 'gw' });
    expect(await watch()).toMatch(/^192\.168\.78\.2 /m);
    expect((await guest.exec(['cat', '/run/lab/asked'])).stdout).toBe('');
    const screen = await watch('--resolve');
    await guest.request('stop', { job: server.job, signal: 'SIGKILL' });
    expect(screen).toMatch(/^laptop 192\.168\.77\.2 /m);
    expect(screen).toMatch(/^desktop\.lan 192\.168\.78\.2 /m);
    expect((await guest.run(['cat', '/run/lab/asked'])).split('\n')).not.toContain(
      '2.77.168.192.in-addr.arpa',
    );
  });

  test('the service has them too, for its page and its API', async () => {
    const server = await startDns();
    await guest.run(['rm', '-f', '/run/lab/asked']);
    const socket = '/run/lab/http.sock';
    const service = await guest.request('spawn', {
      argv: named('serve', '--listen', `unix:${socket}`, '--resolve'),
      ns: 'gw',
    });
    const curl = ['curl', '-s', '--unix-socket', socket, 'http://localhost/api/v1/hosts/ppp0'] as const;
    const names = async (): Promise<Map<string | undefined, string | null>> => {
      const { stdout } = await guest.exec([...curl], { ns: 'gw' });
      const { hosts = [] } = JSON.parse(stdout === '' ? '{}' : stdout) as {
        hosts?: { addresses: string[]; name: string | null }[];
      };
      return new Map(hosts.map(({ addresses, name }) => [addresses[0], name]));
    };
    let told = await names();
    // The first look asks, a later one has the answer.
    for (let look = 0; look < 60 && (told.get('192.168.78.2') ?? null) === null; look++) {
      await guest.request('sleep', { ms: 500 });
      told = await names();
    }
    const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
    await guest.request('stop', { job: server.job, signal: 'SIGKILL' });
    expect(stderr).toBe(`inetgw: listens on unix:${socket}\n`);
    expect([told.get('192.168.77.2'), told.get('192.168.78.2')]).toEqual(['laptop', 'desktop.lan']);
    const asked = (await guest.run(['cat', '/run/lab/asked'])).split('\n');
    expect(asked).toContain('2.78.168.192.in-addr.arpa');
    expect(asked).not.toContain('2.77.168.192.in-addr.arpa');
  });

  test('answer times under load are those of pings', async () => {
    const before = (await statistics(guest)).pacing?.answers?.downloads;
    const { ping } = await measure(guest, {
      flows: [downloads(2, { label: 'A', client: 'lan' }), downloads(1, { label: 'B', client: 'lan2' })],
      ...{ pingNs: 'lan3', pings: 60 },
    });
    const after = (await statistics(guest)).pacing?.answers?.downloads;
    const answers = after && answersSince(before, after);
    expect(answers?.count).toBeGreaterThan(100);
    expect(Math.abs((answers?.p50Ms ?? NaN) - summarise(ping.timesMs).median)).toBeLessThan(4);
  });
});
