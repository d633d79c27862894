/** Forwarders with several ports, or any. */
import type { Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { metricsOf } from '../../../../src/relay/statistics/metrics.ts';
import { parseSpec, type ProxySpec } from '../../../../src/relay/settings/spec.ts';
import { DEFAULT_OPTIONS } from '../../../../src/relay/forwarding/forwarder.ts';
import { freePort } from '../../../freePort.ts';
import { connectTo, listen, type Network, readAll, set, startRelay } from '../forwarding/network.ts';

let networks: Network[] = [];
let servers: Server[] = [];

afterEach(async () => {
  for (const network of networks) await network.end();
  for (const server of servers) server.close();
  networks = [];
  servers = [];
});

const COUNT = 3;

/** Servers on ports in a row, each answering with its own number in the row. */
async function row(): Promise<number> {
  for (;;) {
    const first = await freePort();
    const made = await Promise.allSettled(
      Array.from({ length: COUNT }, (_, index) =>
        listen((socket) => socket.end(String(index)), '127.0.0.1', first + index),
      ),
    );
    const listening = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    servers.push(...listening);
    if (listening.length === COUNT) return first;
  }
}

/** So many free ports in a row, as far as can be known. */
async function freeRow(): Promise<number> {
  const first = await row();
  await Promise.all(servers.splice(-COUNT).map((server) => new Promise((resolve) => server.close(resolve))));
  return first;
}

function spec(text: string): ProxySpec {
  const result = parseSpec(text);
  if (!result.ok) throw new Error(text);
  return result.spec;
}

async function relayTo(text: string): Promise<Network> {
  const network = await startRelay(9);
  networks.push(network);
  await network.relay.setForwarder(2, spec(text), DEFAULT_OPTIONS);
  return network;
}

const answer = async (port: number, host?: string): Promise<string> =>
  (await readAll(await connectTo(port, host))).toString();

describe('a range of ports', () => {
  it('leads each to its own, and says so', async () => {
    const [first, remote] = [await freeRow(), await row()];
    const { relay } = await relayTo(`${first}-${first + 2}:127.0.0.1:${remote}-${remote + 2}`);
    for (let index = 0; index < COUNT; index++) expect(await answer(first + index)).toBe(String(index));
    const said = (await execute(relay, 'show forwarders')).text;
    expect(said).toContain(`  forwarder 2 ${first}-${first + 2}:127.0.0.1:${remote}-${remote + 2}`);
    expect(metricsOf(relay)).toContain(
      `iprelay_forwarder_connections_total{forwarder="2",port="${first}-${first + 2}"} 3\n`,
    );
  });

  it('leads all to one', async () => {
    const [first, remote] = [await freeRow(), await row()];
    await relayTo(`${first}-${first + 2}:127.0.0.1:${remote}`);
    for (let index = 0; index < COUNT; index++) expect(await answer(first + index)).toBe('0');
  });

  it('is set as a whole or not at all', async () => {
    const first = await freeRow();
    const taken = await listen((socket) => socket.end(), '127.0.0.1', first + 2);
    servers.push(taken);
    await expect(relayTo(`127.0.0.1:${first}-${first + 2}:127.0.0.1:9`)).rejects.toThrow(
      `port ${first + 2} is in use`,
    );
    await expect(answer(first)).rejects.toThrow('ECONNREFUSED');
  });

  it('that leads to one of its own ports is a loop', async () => {
    const first = await freeRow();
    await expect(relayTo(`${first}-${first + 2}:127.0.0.1:${first + 1}`)).rejects.toThrow('a loop');
  });
});

describe('local port 0', () => {
  it('is one free port on all addresses, kept when the forwarder has to be brought back', async () => {
    const remote = await row();
    const network = await startRelay(9);
    networks.push(network);
    const { relay } = network;
    set(relay, 'local_addrs', '127.0.0.1,::1');
    await relay.setForwarder(3, spec(`0:127.0.0.1:${remote}`), DEFAULT_OPTIONS);
    const port = relay.forwarders.get(3)?.spec.localPort ?? 0;
    expect(port).toBeGreaterThan(0);
    expect(await answer(port)).toBe('0');
    expect(await answer(port, '::1')).toBe('0');
    // One that wants its port and another that is taken: all stays.
    const wanted = [
      { number: 3, spec: spec(`${port}:127.0.0.1:9`), options: DEFAULT_OPTIONS },
      { number: 4, spec: spec(`127.0.0.1:${remote}:127.0.0.1:9`), options: DEFAULT_OPTIONS },
    ];
    await expect(relay.replaceForwarders(wanted)).rejects.toThrow('is in use');
    expect(await answer(port)).toBe('0');
  });
});
