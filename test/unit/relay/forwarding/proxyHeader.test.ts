/** For how long and from whom a relay takes a PROXY header; its forms are in proxyProtocol.test.ts. */
import type { Server } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AccessList } from '../../../../src/relay/clients/access.ts';
import { DEFAULT_OPTIONS } from '../../../../src/relay/forwarding/forwarder.ts';
import { connectTo, ending, listen, type Network, portOf, readAll, startRelay } from './network.ts';

const HEADER = 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n';
const SECONDS = 5;

let server: Server;
let network: Network;

beforeEach(async () => {
  // Only the test lets time pass.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  server = await listen((socket) => socket.pipe(socket));
  network = await startRelay(portOf(server), { ...DEFAULT_OPTIONS, acceptProxy: true });
});

afterEach(async () => {
  vi.useRealTimers();
  await network.end();
  server.close();
});

/** As many turns of the event loop as what has been sent needs to be read, and an answer to come back. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await turn();
}

it.each(['nothing', 'a byte each second'])('who sends %s is waited for 5 s, then reset', async (what) => {
  const { relay, port } = network;
  const client = await connectTo(port);
  const how = ending(client.resume());
  await expect.poll(() => relay.connections.size).toBe(1);
  for (let second = 0; second < SECONDS - 1; second++) {
    if (what !== 'nothing') client.write(HEADER.slice(second, second + 1));
    vi.advanceTimersByTime(1000);
    await settle();
  }
  vi.advanceTimersByTime(999);
  await settle();
  expect([relay.connections.size, relay.refused]).toEqual([1, 0]);
  vi.advanceTimersByTime(1);
  expect(await how).toBe('reset');
  expect(relay.refused).toBe(1);
});

it('whose header is whole in the last moment is served, and not reset later', async () => {
  const { relay, port } = network;
  const client = await connectTo(port);
  await expect.poll(() => relay.connections.size).toBe(1);
  vi.advanceTimersByTime(SECONDS * 1000 - 1);
  client.write(`${HEADER}hello`);
  await expect.poll(() => relay.meters.down.totalBytes).toBe('hello'.length);
  vi.advanceTimersByTime(SECONDS * 1000);
  await settle();
  client.end(' again');
  expect((await readAll(client)).toString()).toBe('hello again');
  expect([...relay.clients.named.keys()]).toEqual(['192.0.2.1']);
});

it('who may connect goes by who connects, whomever a header names', async () => {
  network.relay.access = new AccessList(['192.0.2.0/24']);
  // The reset may come before the client has noticed that it was connected.
  const seen = await connectTo(network.port).then(
    (client) => {
      const how = ending(client.resume());
      client.write(HEADER);
      return how;
    },
    () => 'reset',
  );
  expect(seen).toBe('reset');
  expect([network.relay.refused, network.relay.totalConnections]).toEqual([1, 0]);
  network.relay.access = new AccessList(['127.0.0.0/8']);
  const client = await connectTo(network.port);
  client.end(`${HEADER}hello`);
  expect((await readAll(client)).toString()).toBe('hello');
});
