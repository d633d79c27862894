import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { hostname } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AccessList } from '../../../../src/relay/clients/access.ts';
import { attemptMs } from '../../../../src/relay/connection/connection.ts';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { SILENT } from '../../../../src/relay/log.ts';
import { metricsOf } from '../../../../src/relay/statistics/metrics.ts';
import { SocketReader } from '../../../../src/relay/socket/reader.ts';
import { canonicalName, isOurs } from '../../../../src/service/metricsServer.ts';
import { collectSummary } from '../../../../src/relay/statistics/stats.ts';
import { freePort } from '../../../freePort.ts';
import { connectTo, ending, listen, type Network, portOf, readAll, set, startRelay } from './network.ts';
import { pass, stopTime } from './time.ts';
import { HANG_MS } from '../../../hang.ts';

const opened: { close: () => unknown }[] = [];
let networks: Network[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const network of networks) await network.end();
  for (const each of opened.splice(0)) each.close();
  networks = [];
});

async function server(handler: (socket: Socket) => void, host?: string): Promise<Server> {
  const made = await listen(handler, host);
  opened.push(made);
  return made;
}

async function relayTo(...args: Parameters<typeof startRelay>): Promise<Network> {
  const network = await startRelay(...args);
  networks.push(network);
  return network;
}

const echo = (socket: Socket): void => {
  socket.on('error', () => undefined);
  socket.pipe(socket);
};

/** Sends without end. */
const flood = (socket: Socket): void => {
  const chunk = Buffer.alloc(65_536);
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
    if (!socket.destroyed) socket.once('drain', more);
  };
  socket.on('error', () => undefined);
  more();
};

describe('connections', () => {
  it('answers after the client has half-closed: the request ends, the response still comes', async () => {
    const { port } = await relayTo(
      portOf(
        await server((socket) => {
          void readAll(socket).then((request) => socket.end(`got ${request.length}`));
        }),
      ),
    );
    const client = await connectTo(port);
    client.end(Buffer.alloc(100_000));
    expect((await readAll(client)).toString()).toBe('got 100000');
  });

  it('passes a half-close of the server on while the client still sends', async () => {
    let received = 0;
    const { port } = await relayTo(
      portOf(
        await server((socket) => {
          socket.end('hello');
          socket.on('data', (chunk: Buffer) => (received += chunk.length));
        }),
      ),
    );
    const client = await connectTo(port);
    expect((await readAll(client)).toString()).toBe('hello');
    client.end('still here');
    await expect.poll(() => received).toBe(10);
  });

  it.each(['client', 'server'] as const)('passes a reset by the %s on as a reset', async (who) => {
    const accepted = deferred<Socket>();
    const { port } = await relayTo(portOf(await server(accepted.resolve)));
    const client = await connectTo(port);
    const remote = await accepted.promise;
    const [resetting, watching] = who === 'client' ? [client, remote] : [remote, client];
    resetting.on('error', () => undefined);
    const seen = ending(watching);
    watching.resume();
    resetting.resetAndDestroy();
    expect(await seen).toBe('reset');
  });

  it('resets a client whose server cannot be reached, and sends it nothing', async () => {
    const { port, relay } = await relayTo(await freePort());
    // The reset may come before the client has noticed that it was connected.
    const seen = await connectTo(port).then(
      (client) => readAll(client).catch(() => 'reset'),
      () => 'reset',
    );
    expect(seen).toBe('reset');
    await expect.poll(() => relay.connections.size).toBe(0);
    expect(relay.failedConnects).toBe(1);
  });

  it('resets a client whose connection is killed in the middle, so that none takes a part for the whole', async () => {
    const { port, relay } = await relayTo(portOf(await server((socket) => socket.write('half of it'))));
    const client = await connectTo(port);
    const seen = readAll(client).catch(() => 'reset');
    await expect.poll(() => relay.meters.down.totalBytes).toBe(10);
    expect(relay.kill('CONN000001')).toBe(true);
    expect(await seen).toBe('reset');
  });

  it('tells it in words as the original did, where unreachable is text, even one that sends first', async () => {
    const closed = await freePort();
    const { port, relay } = await relayTo(closed);
    set(relay, 'unreachable', 'text');
    const client = await connectTo(port);
    client.write('GET / HTTP/1.0\r\n\r\n');
    expect((await readAll(client)).toString()).toBe(`Failed to connect to: 127.0.0.1:${closed}\n`);
    client.end();
    await expect.poll(() => relay.connections.size).toBe(0);
    expect(relay.failedConnects).toBe(1);
  });

  it('looks the name up for each connection and says which name is unknown', async () => {
    const { port, relay } = await relayTo(80, undefined, { remoteHost: 'no-such-host.invalid' });
    set(relay, 'unreachable', 'text');
    const client = await connectTo(port);
    expect((await readAll(client)).toString()).toBe('Failed to connect to: no-such-host.invalid:80\n');
    client.end();
  });

  it('gives each address of a server seconds to answer, and leaves time for the next one', async () => {
    const connecting = vi.spyOn(SocketReader, 'connect');
    const { port, relay } = await relayTo(portOf(await server(echo)));
    for (const seconds of [30, 4]) {
      set(relay, 'connect_timeout', seconds);
      const client = await connectTo(port);
      client.end('a');
      await readAll(client);
    }
    const waits = connecting.mock.calls.map(([options]) => options.autoSelectFamilyAttemptTimeout);
    connecting.mockRestore();
    expect(waits).toEqual([5000, 2000]);
    // The smallest connect_timeout, and less than Node takes.
    expect(attemptMs(1000)).toBe(500);
    expect(attemptMs(0)).toBe(10);
  });

  it('speaks IPv6 on both sides', async () => {
    const remote = await server(echo, '::1');
    const { port } = await relayTo(portOf(remote), undefined, { remoteHost: '::1', bindAddress: '::1' });
    const client = await connectTo(port, '::1');
    client.end('six');
    expect((await readAll(client)).toString()).toBe('six');
  });

  it.each(['0.0.0.0,::', '::,0.0.0.0', '127.0.0.1,::', '::'])(
    'listens on all addresses of both families, as in local_addrs %s',
    async (addresses) => {
      const remote = portOf(await server(echo));
      const { relay } = await relayTo(remote);
      set(relay, 'local_addrs', addresses);
      const port = await freePort('0.0.0.0');
      expect((await execute(relay, `set forwarder 2 ${port}:127.0.0.1:${remote}`)).text).toBe(
        'forwarder 2 set.',
      );
      for (const host of ['127.0.0.1', '::1']) {
        const client = await connectTo(port, host);
        client.end(host);
        expect((await readAll(client)).toString()).toBe(host);
      }
    },
  );

  it('says that a port is held by the relay itself, not by a process to look for', async () => {
    const { port, relay } = await relayTo(80);
    const refused = await execute(relay, `set forwarder 2 127.0.0.1:${port}:127.0.0.1:80`);
    expect(refused).toEqual({ ok: false, text: `port ${port} is in use (by this relay itself)` });
  });

  it('connects from the address in force_from', async () => {
    const { port, relay } = await relayTo(
      portOf(await server((socket) => socket.end(`from ${socket.remoteAddress ?? ''}`))),
    );
    set(relay, 'force_from', '127.0.0.7');
    const client = await connectTo(port);
    expect((await readAll(client)).toString()).toBe('from 127.0.0.7');
    client.end();
  });

  it('lets in only the networks on the list, mapped addresses included', () => {
    const list = new AccessList(['192.0.2.0/24', '2001:db8::/32']);
    expect(list.allows('192.0.2.9')).toBe(true);
    expect(list.allows('::ffff:192.0.2.9')).toBe(true);
    expect(list.allows('2001:db8::9')).toBe(true);
    expect(list.allows('198.51.100.1')).toBe(false);
    expect(list.allows('::ffff:198.51.100.1')).toBe(false);
    expect(list.allows(undefined)).toBe(false);
  });

  it('resets clients that are not on the list and lets the others through', async () => {
    const remote = await server(echo);
    const { port, relay } = await relayTo(portOf(remote), undefined, {
      access: new AccessList(['127.0.0.2/32']),
    });
    // The reset may come before the client has noticed that it was connected.
    const seen = await connectTo(port).then(
      (refused) => ending(refused.resume()),
      () => 'reset',
    );
    expect(seen).toBe('reset');
    expect(relay.refused).toBe(1);
  });

  it('resets connections beyond max_conns, the others go on', async () => {
    const { port, relay } = await relayTo(portOf(await server(echo)));
    set(relay, 'max_conns', 1);
    const first = await connectTo(port);
    first.write('a');
    await once(first, 'readable');
    const seen = await connectTo(port).then(
      (second) => ending(second.resume()),
      () => 'reset',
    );
    expect(seen).toBe('reset');
    first.read();
    first.end('b');
    expect((await readAll(first)).toString()).toBe('b');
  });

  it('closes idle connections after idle_out, but not one that waits for the limit', async () => {
    const { port, relay } = await relayTo(portOf(await server(echo)));
    const idle = await connectTo(port);
    await expect.poll(() => relay.connections.size).toBe(1);
    const seen = ending(idle.resume());
    set(relay, 'bandwidth', 100);
    // Held back for good: the stall lets nothing pass, the time-out must not count.
    await execute(relay, 'set fault 1 stall hold');
    const busy = await connectTo(port);
    busy.write(Buffer.alloc(1000));
    busy.resume();
    await expect.poll(() => [...relay.connections.values()][1]?.heldBack).toBe(true);
    set(relay, 'idle_out', 1);
    expect(await seen).toBe('reset');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect([...relay.connections.values()].map((each) => each.name)).toEqual(['CONN000002']);
  });
});

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

describe('what is counted', () => {
  it('has one word for what is open and one for all there were, and the bytes of each forwarder', async () => {
    const { port, relay } = await relayTo(portOf(await server(echo)));
    const first = await connectTo(port);
    first.end('12345');
    await readAll(first);
    await expect.poll(() => relay.connections.size).toBe(0);
    const second = await connectTo(port);
    await expect.poll(() => relay.connections.size).toBe(1);
    const counts = { openConnections: 1, totalConnections: 2 };
    expect(JSON.parse((await execute(relay, 'show forwarders --json')).text)).toMatchObject([counts]);
    expect(collectSummary(relay, '').forwarders).toMatchObject([{ ...counts, inBytes: 5, outBytes: 5 }]);
    const { text } = await execute(relay, 'show stats');
    expect(text).toMatch(/^Total connections: 2\nOpen connections: 1\n/);
    expect(metricsOf(relay)).toContain(
      `iprelay_forwarder_bytes_total{forwarder="1",port="${port}",direction="up"} 5`,
    );
    second.end();
  });

  it('is told only to who asks by an address or a name of this machine', async () => {
    const fullName = (): Promise<string> => Promise.resolve(`${hostname().toLowerCase()}.lan.example`);
    for (const host of [
      '127.0.0.1:9100',
      '[::1]:9100',
      'localhost:9100',
      'LOCALHOST',
      hostname(),
      `${hostname()}.lan.example:9100`,
      'metrics.lan:1',
    ])
      expect(await isOurs(host, 'metrics.lan', fullName)).toBe(true);
    for (const host of [
      'attacker.example:9100',
      `${hostname()}.attacker.example:9100`,
      `${hostname()}.lan.example.attacker.example`,
      'localhost.attacker.example',
      '127.0.0.1.attacker.example',
      '',
      undefined,
    ])
      expect(await isOurs(host, '127.0.0.1', fullName)).toBe(false);
  });
});

it('finds the full name in what getent says', () => {
  expect(canonicalName('127.0.1.1       STREAM Gw.lan.example\n127.0.1.1       DGRAM  \n')).toBe(
    'gw.lan.example',
  );
  expect(canonicalName('127.0.1.1       STREAM \n127.0.1.1       DGRAM  \n')).toBe(undefined);
  expect(canonicalName('')).toBe(undefined);
});

describe('the end', () => {
  it('is reached only when every connection that was cut off is closed and in the log', async () => {
    const logged: string[] = [];
    const log = { ...SILENT, info: (_fields: object, message: string) => logged.push(message) };
    const { port, relay } = await relayTo(portOf(await server(echo)), undefined, { log });
    for (let i = 0; i < 3; i++) (await connectTo(port)).on('error', () => undefined).resume();
    await expect.poll(() => logged.filter((line) => line === 'connected')).toHaveLength(3);
    await relay.close(0);
    expect(logged.filter((line) => line === 'closed')).toHaveLength(3);
  });
});

describe('limits', () => {
  it('is one limit for the whole process, each direction for itself', async () => {
    stopTime();
    const { port, relay } = await relayTo(portOf(await server(echo)));
    set(relay, 'bandwidth', 100_000);
    const clients = await Promise.all([connectTo(port), connectTo(port)]);
    let received = 0;
    for (const client of clients) {
      // What is still unread when the test ends its relay is answered with a reset.
      client.on('error', () => undefined);
      client.on('data', (chunk: Buffer) => (received += chunk.length));
      client.write(Buffer.alloc(150_000));
    }
    await pass(2000, relay, () => received);
    // Up and down are both full: a line of 100 kB/s in each direction, not of 50.
    expect(received / 2).toBeGreaterThan(95_000);
    expect(received / 2).toBeLessThan(104_000);
  });

  it('keeps the memory bounded when a server floods and when a client does not read', async () => {
    const { port, relay } = await relayTo(portOf(await server(flood)));
    set(relay, 'bandwidth', 50_000);
    const reading = await connectTo(port);
    reading.resume();
    const silent = await connectTo(port);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const { lanes } of relay.connections.values()) {
      expect((lanes?.up.bufferedBytes ?? 0) + (lanes?.down.bufferedBytes ?? 0)).toBeLessThan(200_000);
    }
    // One that does not read costs the other nothing: all of the limit is still used once its kernel is full.
    let received = 0;
    reading.on('data', (chunk: Buffer) => (received += chunk.length));
    set(relay, 'bandwidth', 0);
    const given = (): number => [...relay.connections.values()][1]?.lanes?.down.meter.totalBytes ?? 0;
    let before: number;
    do {
      before = given();
      const enough = received + 50_000_000;
      await expect.poll(() => received).toBeGreaterThan(enough);
      // Half a second is two looks into the kernel's tables.
      await new Promise((resolve) => setTimeout(resolve, 500));
    } while (given() > before);
    stopTime();
    // Above what is looked up in the kernel's tables: those are read in real time.
    set(relay, 'bandwidth', 4_000_000);
    // What was under way when the limit came.
    await pass(200, relay, () => received);
    received = 0;
    await pass(1000, relay, () => received);
    expect(received).toBeGreaterThan(3_800_000);
    silent.destroy();
  });

  it('keeps every byte when a limit is set while a transfer at full speed waits for a slow reader', async () => {
    const sent = Buffer.alloc(24_000_000, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
    const { port, relay } = await relayTo(portOf(await server((socket) => socket.end(sent))));
    const client = await connectTo(port);
    await expect
      .poll(() => [...relay.connections.values()][0]?.lanes?.down.bufferedBytes ?? 0)
      .toBeGreaterThan(0);
    set(relay, 'bandwidth', 100_000_000);
    const received = await readAll(client);
    client.end();
    expect(received.equals(sent)).toBe(true);
  });

  it('holds the limit of a forwarder and of single connections below that of the process', async () => {
    stopTime();
    const { port, relay } = await relayTo(portOf(await server(flood)));
    set(relay, 'bandwidth', 1_000_000);
    expect((await execute(relay, 'set forwarder 1 bandwidth 60000 conn_down 20000')).text).toBe(
      'forwarder 1 set.',
    );
    const counts = [0, 0];
    for (const [i] of counts.entries()) {
      const client = await connectTo(port);
      client.on('data', (chunk: Buffer) => (counts[i] = (counts[i] ?? 0) + chunk.length));
    }
    await pass(2000, relay, () => counts.reduce((sum, count) => sum + count, 0));
    for (const count of counts) {
      expect(count).toBeGreaterThan(38_000);
      expect(count).toBeLessThan(42_000);
    }
  });
});

describe('faults', () => {
  it('adds latency in one direction without changing the order', async () => {
    const { port, relay } = await relayTo(portOf(await server(echo)));
    await execute(relay, 'set fault 1 down latency 150ms jitter 50ms');
    const client = await connectTo(port);
    const fromMs = performance.now();
    for (let i = 0; i < 20; i++) client.write(`${i},`);
    client.end();
    const text = (await readAll(client)).toString();
    expect(text).toBe(Array.from({ length: 20 }, (_, i) => `${i},`).join(''));
    expect(performance.now() - fromMs).toBeGreaterThan(99);
  });

  it('delays what a limit passes without taking from it: more than a MiB is under way', async () => {
    const { port, relay } = await relayTo(portOf(await server(flood)));
    set(relay, 'bandwidth', 4_000_000);
    await execute(relay, 'set fault 1 down latency 1s');
    const client = await connectTo(port);
    client.resume();
    const lane = (): number => relay.connections.values().next().value?.lanes?.down.bufferedBytes ?? 0;
    await expect.poll(lane, { timeout: HANG_MS }).toBeGreaterThan(2_000_000);
    // 5/4 of a second's worth, and what waits for the limit.
    expect(lane()).toBeLessThan(5_400_000);
  });

  it('holds no more for all latencies together than 64 MiB, and says so', async () => {
    const said: string[] = [];
    const log = { ...SILENT, warn: (_fields: object, message: string) => said.push(message) };
    const { port, relay } = await relayTo(portOf(await server(flood)), undefined, { log });
    await execute(relay, 'set fault 1 down latency 1h');
    for (let i = 0; i < 4; i++) (await connectTo(port)).resume();
    await expect
      .poll(() => said, { timeout: HANG_MS })
      .toContain('latency holds all it may: it limits the rate');
    let held = 0;
    for (const { lanes } of relay.connections.values()) held += lanes?.down.bufferedBytes ?? 0;
    expect(held).toBeLessThan(68_000_000);
  });

  it('resets both sides after exactly so many bytes', async () => {
    let received = 0;
    const { port, relay } = await relayTo(
      portOf(
        await server((socket) => {
          socket.on('error', () => undefined);
          socket.on('data', (chunk: Buffer) => (received += chunk.length));
        }),
      ),
    );
    await execute(relay, 'set fault 1 up reset 5000');
    const client = await connectTo(port);
    const seen = ending(client.resume());
    client.write(Buffer.alloc(20_000));
    expect(await seen).toBe('reset');
    expect(relay.meters.up.totalBytes).toBe(5000);
    expect(received).toBeLessThanOrEqual(5000);
  });

  it('resets at once where so many bytes have passed before the fault was set', async () => {
    const { port, relay } = await relayTo(portOf(await server(echo)));
    const client = await connectTo(port);
    let received = 0;
    client.on('data', (chunk: Buffer) => (received += chunk.length));
    client.write(Buffer.alloc(5000));
    await expect.poll(() => received).toBe(5000);
    const seen = ending(client);
    await execute(relay, 'set fault 1 up reset 1000');
    expect(await seen).toBe('reset');
    await expect.poll(() => relay.connections.size).toBe(0);
  });

  it.each(['up', 'down', 'both'])(
    'resets every new connection before its first byte: reset 0 %s',
    async (side) => {
      const { port, relay } = await relayTo(portOf(await server(echo)));
      await execute(relay, `set fault 1 ${side} reset 0`);
      // The reset may come before the client has noticed that it was connected.
      const seen = await connectTo(port).then(
        (client) => ending(client.resume()),
        () => 'reset',
      );
      expect(seen).toBe('reset');
      await expect.poll(() => relay.connections.size).toBe(0);
      expect(relay.meters.up.totalBytes + relay.meters.down.totalBytes).toBe(0);
    },
  );

  it('stalls until the stall is taken away, and then nothing is missing', async () => {
    const { port, relay } = await relayTo(portOf(await server(echo)));
    await execute(relay, 'set fault 1 stall hold');
    const client = await connectTo(port);
    let received = 0;
    client.on('data', (chunk: Buffer) => (received += chunk.length));
    client.write(Buffer.alloc(300_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(received).toBe(0);
    await execute(relay, 'set fault 1 off');
    await expect.poll(() => received).toBe(300_000);
  });

  it('lets the connections of a forwarder go on when another takes its place during a stall', async () => {
    const remote = portOf(await server(echo));
    const { port, relay } = await relayTo(remote);
    await execute(relay, 'set fault 1 stall hold');
    const client = await connectTo(port);
    let received = 0;
    client.on('data', (chunk: Buffer) => (received += chunk.length));
    client.write(Buffer.alloc(10));
    await expect.poll(() => relay.connections.values().next().value?.lanes?.up.bufferedBytes).toBe(10);
    await execute(relay, `set forwarder 1 127.0.0.1:${port}:localhost:${remote}`);
    await expect.poll(() => received).toBe(10);
  });

  it('keeps the faults of a forwarder whose replacement cannot listen, and its port', async () => {
    const remote = portOf(await server(echo));
    const { port, relay } = await relayTo(remote);
    await execute(relay, 'set fault 1 stall hold');
    // TEST-NET-1: an address that no machine has.
    const replaced = await execute(relay, `set forwarder 1 192.0.2.1:${port}:127.0.0.1:${remote}`);
    expect(replaced).toMatchObject({ ok: false });
    expect((await execute(relay, 'show faults')).text).toContain('stall hold');
    const client = await connectTo(port);
    let received = 0;
    client.on('data', (chunk: Buffer) => (received += chunk.length));
    client.write(Buffer.alloc(10));
    await expect.poll(() => relay.connections.values().next().value?.lanes?.up.bufferedBytes).toBe(10);
    expect(received).toBe(0);
    await execute(relay, 'set fault 1 off');
    await expect.poll(() => received).toBe(10);
  });

  it('passes the end on later when closing is slow', async () => {
    const { port, relay } = await relayTo(portOf(await server((socket) => socket.end('bye'))));
    await execute(relay, 'set fault 1 down slow_close 300ms');
    const client = await connectTo(port);
    const fromMs = performance.now();
    expect((await readAll(client)).toString()).toBe('bye');
    expect(performance.now() - fromMs).toBeGreaterThan(280);
    client.end();
  });
});
