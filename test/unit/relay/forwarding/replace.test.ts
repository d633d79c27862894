/** Forwarders that are being set: what clients meet meanwhile, and what is left where it fails. */
import type { Server, Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AccessList } from '../../../../src/relay/clients/access.ts';
import { DEFAULT_OPTIONS, type ForwarderOptions } from '../../../../src/relay/forwarding/forwarder.ts';
import { SILENT } from '../../../../src/relay/log.ts';
import { type Address, Names } from '../../../../src/relay/lookup/names.ts';
import { Relay } from '../../../../src/relay/forwarding/relay.ts';
import { NO_LIMITS } from '../../../../src/relay/settings/direction.ts';
import { NO_FAULTS } from '../../../../src/relay/settings/faults.ts';
import { freePort } from '../../../freePort.ts';
import { connectTo, ending, listen, portOf } from './network.ts';

const relays: Relay[] = [];
const servers: Server[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const relay of relays.splice(0)) await relay.close(0);
  for (const server of servers.splice(0)) server.close();
});

const HERE: Address = { address: '127.0.0.1', family: 4 };
const ELSEWHERE: Address = { address: '192.0.2.1', family: 4 };

interface Setting {
  readonly relay: Relay;
  /** Of the forwarder with the options, which listens already. */
  readonly port: number;
  /** What the server has got. */
  readonly got: () => string;
  /** The name is looked up to this address, and the setting ends. */
  readonly answer: (address: Address) => Promise<void>;
}

/** Two forwarders are being set; whether the second one leads to itself is not known yet. The time for that does not pass. */
async function startSetting(options: Partial<ForwarderOptions>): Promise<Setting> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let got = '';
  const server = await listen((socket) => socket.on('data', (chunk: Buffer) => (got += chunk.toString())));
  servers.push(server);
  let found: (addresses: Address[]) => void = () => undefined;
  const asked = new Promise<Address[]>((resolve) => (found = resolve));
  const names = new Names(() => asked, '/nonexistent');
  const relay = new Relay({ log: SILENT, access: new AccessList([]), descriptorLimit: 20_000, names });
  relays.push(relay);
  if (options.group !== undefined) relay.setGroup(options.group, NO_LIMITS);
  const [port, other] = [await freePort(), await freePort()];
  const bindAddress = '127.0.0.1';
  const first = { bindAddress, localPort: port, remoteHost: '127.0.0.1', remotePort: portOf(server) };
  await relay.setForwarder(1, { ...first, localPort: other }, DEFAULT_OPTIONS);
  const setting = relay.replaceForwarders([
    { number: 1, spec: first, options: { ...DEFAULT_OPTIONS, ...options } },
    {
      number: 2,
      spec: { bindAddress, localPort: other, remoteHost: 'late.test', remotePort: other },
      options: DEFAULT_OPTIONS,
    },
  ]);
  setting.catch(() => undefined);
  const answer = (address: Address): Promise<void> => {
    found([address]);
    return setting;
  };
  return { relay, port, got: () => got, answer };
}

/** The first client that is taken. */
async function client(port: number): Promise<Socket> {
  for (;;) {
    const came = await connectTo(port).catch(() => undefined);
    if (came !== undefined) return came;
  }
}

describe('a client that comes while names are looked up', () => {
  it('is not believed without a header where one is wanted', async () => {
    const { port, got, answer } = await startSetting({ acceptProxy: true });
    const forged = await client(port);
    const how = ending(forged.resume());
    forged.write('GET / HTTP/1.0\r\n\r\n');
    expect(await how).toBe('reset');
    await answer(ELSEWHERE);
    expect(got()).toBe('');
  });

  it('is told of to the server, and limited, as one that comes later', async () => {
    const { relay, port, got, answer } = await startSetting({
      acceptProxy: true,
      sendProxy: 'v1',
      limits: { up: 5000, down: undefined },
    });
    const named = await client(port);
    named.write('PROXY TCP4 192.0.2.9 198.51.100.1 1000 80\r\nhello');
    await expect.poll(got).toBe('PROXY TCP4 192.0.2.9 198.51.100.1 1000 80\r\nhello');
    const [connection] = relay.connections.values();
    const flow = connection?.lanes?.up.flow;
    expect(flow === undefined ? undefined : relay.pump.schedulers.up.rateOf(flow)).toBe(5000);
    await answer(ELSEWHERE);
    expect(flow === undefined ? undefined : relay.pump.schedulers.up.rateOf(flow)).toBe(5000);
  });

  it('goes on without the faults of a forwarder that is not set after all', async () => {
    const hold = { ...NO_FAULTS, stall: { everyMs: 0, forMs: Infinity } };
    const { relay, port, got, answer } = await startSetting({ faults: { up: hold, down: NO_FAULTS } });
    const held = await client(port);
    held.write('hello');
    await expect.poll(() => relay.connections.values().next().value?.lanes?.up.bufferedBytes).toBe(5);
    expect(got()).toBe('');
    await expect(answer(HERE)).rejects.toThrow('a loop');
    await expect.poll(got).toBe('hello');
  });
});

describe('a group that is deleted while a forwarder is being put into it', () => {
  it('leaves everything as it was, and says why', async () => {
    const { relay, port, answer } = await startSetting({ group: 'web' });
    const former = relay.forwarders.get(1);
    expect(relay.deleteGroup('web')).toBe(true);
    await expect(answer(ELSEWHERE)).rejects.toThrow('no group web');
    expect([...relay.forwarders]).toEqual([[1, former]]);
    expect(former?.listening).toBe(true);
    await expect(connectTo(port)).rejects.toThrow('ECONNREFUSED');
  });
});
