/** What a sender's kernel takes before the relay forwards it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import type { Log } from '../../../../src/relay/log.ts';
import { SILENT } from '../../../../src/relay/log.ts';
import { ListenerTuner, optionsFor, type Tuned } from '../../../../src/relay/socket/readAhead.ts';
import { missing } from '../../../../src/core/errors.ts';
import { HANG_MS } from '../../../hang.ts';
import { listen, type Network, portOf, readAll, set, startRelay } from '../forwarding/network.ts';

let networks: Network[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const network of networks) await network.end();
  for (const server of servers.splice(0)) server.close();
  networks = [];
});

async function relayTo(handler: (socket: Socket) => void, bandwidth = 0): Promise<Network> {
  const server = await listen(handler);
  servers.push(server);
  const network = await startRelay(portOf(server));
  networks.push(network);
  set(network.relay, 'bandwidth', bandwidth);
  await network.relay.listeners.settled();
  return network;
}

const perl = (script: string): ReturnType<typeof spawn> =>
  spawn('perl', ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });

const CONNECT = (port: number): string =>
  `use Socket qw(:DEFAULT IPPROTO_TCP); $| = 1; socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
   setsockopt($s, IPPROTO_TCP, 13, 'reno') or die $!;
   connect($s, sockaddr_in(${port}, inet_aton('127.0.0.1'))) or die $!;`;

describe('a sender', () => {
  it(
    'is told that it is sent what is forwarded, and 2 s more at most',
    async () => {
      const bandwidth = 50_000;
      let forwardedBytes = 0;
      const { port } = await relayTo((socket) => {
        socket.on('data', (chunk: Buffer) => (forwardedBytes += chunk.length));
      }, bandwidth);
      // With Reno, as most kernels have it or CUBIC; BBR keeps more in the sender.
      const sender = perl(
        `${CONNECT(port)} use Fcntl; fcntl($s, F_SETFL, O_NONBLOCK); my $sent = 0;
       for (;;) { my $w = ''; vec($w, fileno($s), 1) = 1; select(undef, $w, undef, 1);
         my $n = syswrite($s, 'x' x 16384); $sent += $n if defined $n; print "$sent\\n"; }`,
      );
      let aheadBytes = 0;
      if (sender.stdout === null) throw new Error('no output');
      for await (const line of createInterface({ input: sender.stdout })) {
        aheadBytes = Math.max(aheadBytes, Number(line) - forwardedBytes);
        if (forwardedBytes > 4 * bandwidth) break;
      }
      sender.kill();
      expect(aheadBytes).toBeLessThan(2 * bandwidth);
      // It is not that nothing was sent.
      expect(aheadBytes).toBeGreaterThan(4096);
    },
    HANG_MS,
  );
});

describe('urgent data', () => {
  it('from a client keeps its place among the other bytes', async () => {
    const received = new Promise<Buffer>((resolve, reject) => {
      void relayTo((socket) => void readAll(socket).then(resolve, reject)).then(({ port }) => {
        perl(`${CONNECT(port)} send($s, 'a', 0); send($s, '!', MSG_OOB); send($s, 'b', 0); close $s;`);
      }, reject);
    });
    expect((await received).toString()).toBe('a!b');
  });

  it('from a server is lost, as the manual says; all other bytes pass', async () => {
    const server = perl(
      `use Socket; $| = 1; socket(my $l, PF_INET, SOCK_STREAM, 0) or die $!;
       bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die $!; listen($l, 1);
       print +(sockaddr_in(getsockname $l))[0], "\\n"; accept(my $s, $l);
       send($s, 'a', 0); send($s, '!', MSG_OOB); send($s, 'b', 0);`,
    );
    if (server.stdout === null) throw new Error('no output');
    const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    const network = await startRelay(Number(line));
    networks.push(network);
    const client = perl(`${CONNECT(network.port)} while (sysread($s, my $got, 99)) { print $got }`);
    let got = '';
    client.stdout?.on('data', (chunk: Buffer) => (got += chunk.toString()));
    await once(client, 'close');
    expect(got).toBe('ab');
  });
});

describe('the options of a listening socket', () => {
  it.each([
    [512, 4096],
    [20_000, 4096],
    [50_000, 8192],
    [100_000, 16_384],
    [300_000, 32_768],
    [500_000, undefined],
  ])('at %d bytes per second: a window of %s', (limit, receiveBytes) => {
    expect(optionsFor(limit)).toEqual({ receiveBytes, segmentBytes: 1460 });
  });

  it.each([2_000_001, Infinity])("at %d bytes per second are the kernel's own", (limit) => {
    expect(optionsFor(limit)).toEqual({ receiveBytes: undefined, segmentBytes: undefined });
  });

  async function tuner(fails = false): Promise<{
    tuner: ListenerTuner;
    set: (limit: number) => Promise<void>;
    calls: unknown[];
    said: string[];
  }> {
    const server = createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    let wanted: Tuned[] = [];
    const calls: unknown[] = [];
    const said: string[] = [];
    const log: Log = { ...SILENT, info: (_, message) => said.push(message) };
    const tuned = new ListenerTuner(
      () => wanted,
      log,
      async (descriptors, { receiveBytes }) => {
        calls.push([descriptors.length, receiveBytes]);
        if (fails) throw missing('perl was not found');
        return Promise.resolve();
      },
    );
    const change = async (limit: number): Promise<void> => {
      wanted = [[server, limit]];
      tuned.changed();
      await tuned.settled();
    };
    return { tuner: tuned, set: change, calls, said };
  }

  it('are set when they change, and only then', async () => {
    const { set: change, calls } = await tuner();
    await change(20_000);
    await change(19_000);
    await change(Infinity);
    expect(calls).toEqual([
      [1, 4096],
      [1, undefined],
    ]);
  });

  it('cost no forwarder where they cannot be set, which is said once', async () => {
    const { set: change, said } = await tuner(true);
    await change(20_000);
    await change(Infinity);
    expect(said).toEqual(['uploads are told to be sent long before they are, urgent data is lost']);
  });
});
