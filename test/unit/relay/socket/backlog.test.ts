import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Backlog, BacklogWatch, hexEnd, keysOf } from '../../../../src/relay/socket/backlog.ts';
import { connectTo, listen, type Network, portOf, set, startRelay } from '../forwarding/network.ts';
import { HANG_MS } from '../../../hang.ts';

const opened: { close: () => unknown }[] = [];
const networks: Network[] = [];
afterEach(async () => {
  for (const network of networks.splice(0)) await network.end();
  for (const each of opened.splice(0)) each.close();
});

const flood = (socket: Socket): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(Buffer.alloc(4096)));
  };
  socket.on('drain', more);
  more();
};

describe('what a peer has not taken', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    // An IPv4 client of a socket for both families.
    ['::', '127.0.0.1'],
  ])('is what its kernel holds, listening on %s, connected to %s', async (where, to) => {
    const server = createServer({ pauseOnConnect: true }).listen(0, where);
    await once(server, 'listening');
    opened.push(server);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await connectTo(portOf(server), to);
    const [remote] = await accepted;
    client.write(Buffer.alloc(3000));
    const watch = new BacklogWatch();
    const seen: Backlog[] = [];
    watch.add({ keys: keysOf(client), backlogIs: (backlog) => seen.push(backlog) > 0 });
    await expect.poll(() => seen.at(-1), { timeout: HANG_MS }).toEqual({ unsentBytes: 0, unreadBytes: 3000 });
    remote.resume();
    await expect.poll(() => seen.at(-1), { timeout: HANG_MS }).toEqual({ unsentBytes: 0, unreadBytes: 0 });
    watch.stop();
    client.destroy();
  });

  it('is named as the kernel names it', () => {
    expect(hexEnd('127.0.0.1', 80)).toBe('0100007F:0050');
    expect(hexEnd('::ffff:127.0.0.1', 8080)).toBe('0100007F:1F90');
    expect(hexEnd('2001:db8::1', 443)).toBe('B80D0120000000000000000001000000:01BB');
    expect(hexEnd('fe80::1%eth0', 1)).toBe('000080FE000000000000000001000000:0001');
    expect(hexEnd('::', 1)).toBe(`${'0'.repeat(32)}:0001`);
  });
});

describe('a limited lane', () => {
  it('reads no further ahead than it may send, from the first byte on', async () => {
    const server = await listen(flood);
    opened.push(server);
    const network = await startRelay(portOf(server));
    networks.push(network);
    set(network.relay, 'bandwidth', 2000);
    (await connectTo(network.port)).resume();
    await expect.poll(() => network.relay.meters.down.totalBytes, { timeout: HANG_MS }).toBeGreaterThan(2000);
    const [connection] = network.relay.connections.values();
    expect(connection?.lanes?.down.bufferedBytes).toBeLessThanOrEqual(3 * 1448);
  });

  it('sends no further ahead than a program on this machine reads, and goes on when it has read', async () => {
    const server = await listen(flood);
    opened.push(server);
    const network = await startRelay(portOf(server));
    networks.push(network);
    set(network.relay, 'bandwidth', 20_000);
    const lazy = await connectTo(network.port);
    lazy.pause();
    const busy = await connectTo(network.port);
    let taken = 0;
    busy.on('data', (chunk: Buffer) => (taken += chunk.length));
    // The kernel would have taken half of all for it, some MB; it stands still after some kB while the other goes on.
    const ahead = (): number => network.relay.meters.down.totalBytes - taken;
    let before = { taken: 0, ahead: 0 };
    await expect
      .poll(
        () => {
          const stands = taken > before.taken + 20_000 && Math.abs(ahead() - before.ahead) < 3000;
          if (taken > before.taken + 20_000) before = { taken, ahead: ahead() };
          return stands;
        },
        { timeout: HANG_MS, interval: 200 },
      )
      .toBe(true);
    expect(ahead()).toBeLessThan(64_000);
    let late = 0;
    lazy.on('data', (chunk: Buffer) => (late += chunk.length)).resume();
    await expect.poll(() => late, { timeout: HANG_MS }).toBeGreaterThan(40_000);
  });

  it('gives one that reads nothing for long a little more: it may wait for more before it reads', async () => {
    const server = await listen(flood);
    opened.push(server);
    const network = await startRelay(portOf(server));
    networks.push(network);
    set(network.relay, 'bandwidth', 50_000);
    const lazy = await connectTo(network.port);
    lazy.pause();
    const sent = (): number => network.relay.meters.down.totalBytes;
    let stuckAt = 0;
    const stands = (): boolean => stuckAt > 0 && sent() === stuckAt;
    await expect
      .poll(
        () => {
          const before = stands();
          stuckAt = sent();
          return before;
        },
        { timeout: HANG_MS, interval: 1000 },
      )
      .toBe(true);
    await expect.poll(sent, { timeout: HANG_MS }).toBeGreaterThan(stuckAt);
  });
});
