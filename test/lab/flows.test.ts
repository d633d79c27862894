/**
 * Flows in `inetgw watch` on a real line: what it shows of downloads behind NAT and by IPv6 and of a stream of UDP is what their
 * receivers and sender count.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FlowFigures, FlowsFigures } from '../../src/report/flows/flows.ts';
import { Tmux } from '../tmux.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, withBpf } from './inetgw.ts';
import { LAN_HOST, SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';
import { keepIperf, type FullLine } from './traffic.ts';

/** Ports of the three: two downloads at once, one by IPv6, a stream. */
const PORT = { ipv4: 5201, ipv6: 5202, udp: 5203 } as const;
/** So many packets a second of so many bytes of user data: 206 kbit/s with the headers of IP and UDP. */
const STREAM = { packetsPerSec: 25, bytes: 1000 } as const;
const STREAM_BIT_PER_SEC = STREAM.packetsPerSec * (STREAM.bytes + 28) * 8;
/** A full packet of ppp0, and its user data: TCP over IPv4 and IPv6, with timestamps. */
const WHOLE = { ipv4: 1492 / 1440, ipv6: 1492 / 1420 } as const;

let guest: Guest;
let loads: FullLine[];
let ping: number;
let stream: number;
const opened: Tmux[] = [];
const run = (argv: readonly [string, ...string[]]): Promise<string> => guest.run(withBpf(argv), { ns: 'gw' });

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest, {
    ...{ upBitPerSec: 640e3, downBitPerSec: 6e6, upBufferMs: 1000, downBufferMs: 500, pathMs: 20 },
    lan: { nat: true, hosts: 2 },
  });
  await inetgwOk(guest, 'ppp0', '624', '5850');
  const leases = '1795000000 02:00:00:00:00:02 192.168.77.2 laptop *\n';
  await guest.request('write', { path: '/run/lab/leases', text: leases });
  const [{ ipv4, ipv6 }, server] = [SERVER, 'isp'];
  loads = [
    await keepIperf(guest, {
      client: 'lan',
      server,
      address: ipv4,
      words: ['-R', '-P', '2'],
      port: PORT.ipv4,
    }),
    await keepIperf(guest, { client: 'lan', server, address: ipv6, words: ['-R'], port: PORT.ipv6 }),
  ];
  const send = `const socket = require('dgram').createSocket('udp4');
    setInterval(() => socket.send(Buffer.alloc(${STREAM.bytes}), ${PORT.udp}, '${ipv4}'), ${1000 / STREAM.packetsPerSec})`;
  const sending = [process.execPath, '-e', send] as const;
  ({ job: stream } = await guest.request('spawn', { argv: sending, ns: 'lan2', timeoutMs: 36_000_000 }));
  const argv = ['ping', '-6', '-i', '0.1', SERVER.ipv6] as const;
  ({ job: ping } = await guest.request('spawn', { argv, ns: 'lan2', timeoutMs: 36_000_000 }));
  await guest.request('sleep', { ms: 10_000 });
});
afterAll(async () => {
  for (const job of [ping, stream]) await guest.request('stop', { job, signal: 'SIGKILL' });
  for (const tmux of opened) await tmux.close();
  for (const load of loads) await load.end();
});

interface Received {
  atSec: number;
  bytes: Record<'ipv4' | 'ipv6', number>;
}

/** What the host in the LAN has received of its downloads, by its own kernel. */
async function received(): Promise<Received> {
  const script = `cut -d' ' -f1 /proc/uptime; for port in ${PORT.ipv4} ${PORT.ipv6}; do
    echo "port $port"; ss -tinH dport = :$port | grep -o 'bytes_received:[0-9]*'; done`;
  const text = await guest.run(['sh', '-c', script], { ns: 'lan' });
  const bytesOf = (part: string | undefined): number =>
    [...(part ?? '').matchAll(/bytes_received:(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  const [uptime, ipv4, ipv6] = text.split(/port \d+\n/);
  return { atSec: Number(uptime), bytes: { ipv4: bytesOf(ipv4), ipv6: bytesOf(ipv6) } };
}

async function watched(...words: string[]): Promise<FlowsFigures> {
  const text = await inetgwOk(guest, 'watch', '--once', '--json', ...words);
  return (JSON.parse(text) as { flows: FlowsFigures }).flows;
}

const flowOf = ({ flows }: FlowsFigures, protocol: string, port: number): FlowFigures | undefined =>
  flows?.find((each) => each.protocol === protocol && each.port === port);

test('who talks to whom, behind NAT and by IPv6, at the rates that receivers and sender count', async () => {
  const before = await received();
  const figures = await watched('--names', '/run/lab/leases');
  const after = await received();
  expect(figures).toMatchObject({ reason: null, leftOut: null, moreFlows: 0 });

  const laptop = { name: 'laptop', address: LAN_HOST.ipv4 };
  const [ipv4, ipv6, udp] = [
    flowOf(figures, 'tcp', PORT.ipv4),
    flowOf(figures, 'tcp', PORT.ipv6),
    flowOf(figures, 'udp', PORT.udp),
  ];
  expect(ipv4).toMatchObject({
    host: laptop,
    remote: { name: null, address: SERVER.ipv4 },
    openedBy: 'host',
  });
  expect(ipv6).toMatchObject({ host: { address: LAN_HOST.ipv6 }, remote: { address: SERVER.ipv6 } });
  expect(udp).toMatchObject({ host: { address: '192.168.78.2' }, remote: { address: SERVER.ipv4 } });
  // iperf3's own connection beside them says little, if anything.
  expect([ipv4?.pacedConnections, ipv6?.pacedConnections, udp?.pacedConnections]).toEqual([
    expect.toSatisfy((paced: number) => paced === 2 || paced === 3),
    expect.toSatisfy((paced: number) => paced === 1 || paced === 2),
    0,
  ]);

  const counted = (version: 'ipv4' | 'ipv6'): number =>
    ((after.bytes[version] - before.bytes[version]) * 8 * WHOLE[version]) / (after.atSec - before.atSec);
  // One second of several: connections share the line, each of them not to the packet.
  const [shown4 = NaN, shown6 = NaN] = [ipv4?.downBitPerSec, ipv6?.downBitPerSec];
  expect(Math.abs((shown4 + shown6) / (counted('ipv4') + counted('ipv6')) - 1)).toBeLessThan(0.1);
  expect(shown4).toBeGreaterThan(0.7 * counted('ipv4'));
  expect(shown4).toBeLessThan(1.3 * counted('ipv4'));
  // A packet more or less of 25, and what the sender's timer is late.
  expect(Math.abs((udp?.upBitPerSec ?? NaN) / STREAM_BIT_PER_SEC - 1)).toBeLessThan(0.12);
  expect(udp?.downBitPerSec).toBe(0);
  // Of IPv6, which no address of the gateway and no window tells: ten a second, of 64 bytes and 40 of IP.
  const icmp = figures.flows?.find(({ protocol }) => protocol === 'icmpv6');
  expect(icmp).toMatchObject({ host: { address: '2001:db8:4::2' }, port: null, pacedConnections: 0 });
  expect(Math.abs((icmp?.upBitPerSec ?? NaN) / (10 * 104 * 8) - 1)).toBeLessThan(0.25);
  // All that has come is in the total: user data, headers, and what was lost behind the gateway, which is little.
  expect(ipv4?.downBytes).toBeGreaterThan(before.bytes.ipv4 * WHOLE.ipv4 * 0.99);
  expect(ipv4?.downBytes).toBeLessThan(after.bytes.ipv4 * WHOLE.ipv4 * 1.05);
});

test('the same as text, and on a terminal by a key', async () => {
  const text = await inetgwOk(guest, 'watch', '--once', '--names', '/run/lab/leases');
  expect(text).toMatch(/^flows: \d+ of \d+ connections of this machine active in \d\.\d s$/m);
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(/laptop 192\.168\.77\.2 (?:with )?192\.0\.2\.1 tcp\/5201 /);
  const command = commandArgv('inetgw', 'watch', 'ppp0').join(' ');
  const tmux = await Tmux.open(run, `${command}; echo "after $?"`, 80, 30);
  opened.push(tmux);
  const shows = async (what: RegExp): Promise<string> => {
    let screen = '';
    // Of the guest's own time, so that nothing depends on how busy this machine is.
    for (let second = 0; second < 30; second++) {
      screen = await tmux.screen();
      if (what.test(screen)) return screen;
      await guest.run(['sleep', '1'], { ns: 'gw' });
    }
    throw new Error(`${String(what)} is not shown:\n${screen}`);
  };
  await shows(/^q quit {2}\? help {2}f flows/m);
  await tmux.press('f');
  await shows(/192\.168\.77\.2[^]*192\.0\.2\.1[^]*tcp\/5201[^]*f hosts {2}flows by traffic/);
});

test('what nobody counts is said, not shown as nothing', async () => {
  const counting = (on: 0 | 1): Promise<string> =>
    guest.run(['sysctl', '-w', `net.netfilter.nf_conntrack_acct=${on}`], { ns: 'gw' });
  await counting(0);
  try {
    await guest.run(['ping', '-c', '1', SERVER.ipv4], { ns: 'lan' });
    expect((await watched()).uncountedConnections).toBeGreaterThan(0);
  } finally {
    await counting(1);
  }
});
