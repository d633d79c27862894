import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { AccessList } from '../../../../src/relay/clients/access.ts';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { SILENT } from '../../../../src/relay/log.ts';
import { isBound } from '../../../../src/relay/forwarding/loop.ts';
import { type Address, Names } from '../../../../src/relay/lookup/names.ts';
import { Relay } from '../../../../src/relay/forwarding/relay.ts';
import { freePort } from '../../../freePort.ts';
import { ending, listen, portOf, readAll } from './network.ts';

const relays: Relay[] = [];
const servers: { close: () => unknown }[] = [];

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close(0);
  for (const server of servers.splice(0)) server.close();
});

/** A relay whose log is kept, and whose names are these. */
function makeRelay(hosts: Record<string, readonly Address[]> = {}): { relay: Relay; warnings: object[] } {
  const warnings: object[] = [];
  const log = { ...SILENT, warn: (fields: object) => void warnings.push(fields) };
  const names = new Names((name) => Promise.resolve(hosts[name] ?? []));
  const relay = new Relay({ log, access: new AccessList([]), descriptorLimit: 20_000, names });
  relays.push(relay);
  return { relay, warnings };
}

const LOOPBACK: Address = { address: '127.0.0.1', family: 4 };
const ELSEWHERE: Address = { address: '192.0.2.1', family: 4 };

describe('forwarders that lead back to themselves', () => {
  it.each(['127.0.0.1', 'localhost', 'here.test', '0.0.0.0', '[::1]', '[0::0:1]', '[::ffff:7f00:1]'])(
    'are not set where the server is %s',
    async (host) => {
      const { relay } = makeRelay({ 'here.test': [ELSEWHERE, LOOPBACK] });
      const port = await freePort();
      const spec = `${port}:${host}:${port}`;
      const reply = await execute(relay, `set forwarder 7 ${spec}`);
      expect(reply).toEqual({ ok: false, text: `a loop: forwarder 7 (${spec}) -> forwarder 7` });
      expect(relay.forwarders.size).toBe(0);
    },
  );

  it('are not set where the way goes through another forwarder, and what was there stays', async () => {
    const { relay } = makeRelay();
    const [a, b] = [await freePort(), await freePort()];
    expect(await execute(relay, `set forwarder 1 ${a}:localhost:${b}`)).toMatchObject({ ok: true });
    expect(await execute(relay, `set forwarder 2 ${b}:127.0.0.1:9`)).toMatchObject({ ok: true });
    expect(await execute(relay, `set forwarder 2 ${b}:localhost:${a}`)).toEqual({
      ok: false,
      text:
        `a loop: forwarder 2 (${b}:localhost:${a}) -> forwarder 1 (${a}:localhost:${b}) ` + '-> forwarder 2',
    });
    expect(relay.forwarders.get(2)).toMatchObject({ listening: true, spec: { remotePort: 9 } });
  });

  it('are set where the chain ends', async () => {
    const { relay } = makeRelay();
    const server = await listen((socket) => socket.end('the end'));
    servers.push(server);
    const [a, b] = [await freePort(), await freePort()];
    for (const line of [
      `set forwarder 1 ${a}:localhost:${b}`,
      `set forwarder 2 ${b}:127.0.0.1:${portOf(server)}`,
      // The same port of another address of this machine.
      `set forwarder 3 127.0.0.2:${a}:127.0.0.1:${a}`,
    ])
      expect(await execute(relay, line)).toMatchObject({ ok: true });
    const socket = connect({ port: a, host: '127.0.0.2' });
    expect((await readAll(socket)).toString()).toBe('the end');
    socket.destroy();
  });

  it('cost one connection and one line where the name leads here only later', async () => {
    const hosts = { 'moving.test': [ELSEWHERE] };
    const { relay, warnings } = makeRelay(hosts);
    const port = await freePort();
    expect(await execute(relay, `set forwarder 1 ${port}:moving.test:${port}`)).toMatchObject({ ok: true });
    hosts['moving.test'] = [LOOPBACK];
    // The former answer is used again for a second.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const socket = connect({ port, host: '127.0.0.1' });
    const how = ending(socket);
    await once(socket, 'connect');
    expect(await how).toBe('reset');
    expect(relay.totalConnections).toBe(1);
    const reason = `a loop: forwarder 1 (${port}:moving.test:${port}) -> forwarder 1`;
    expect(warnings).toEqual([expect.objectContaining({ reason })]);
  });
});

describe('an address and the sockets it meets', () => {
  const own = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }): [string, string[], boolean] => [address, ['0.0.0.0'], true]);
  it.each<[string, string[], boolean]>([
    ...own,
    ['127.9.9.9', ['0.0.0.0', '::'], true],
    ['127.9.9.9', ['::'], true],
    ['127.9.9.9', ['127.0.0.1', '::'], false],
    ['::', ['::1'], true],
    ['::1', ['0.0.0.0'], false],
    ['192.0.2.1', ['0.0.0.0', '::'], false],
    ['2001:db8::1', ['0.0.0.0', '::'], false],
    ['127.0.0.2', ['127.0.0.1', '::1'], false],
  ])('%s, %j: %s', (address, bound, meets) => {
    expect(isBound(address, bound)).toBe(meets);
  });
});
