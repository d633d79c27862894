import type { Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UserErrors } from '../../../../src/core/errors.ts';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { parseConfig } from '../../../../src/relay/daemon/config.ts';
import { type Address, Names } from '../../../../src/relay/lookup/names.ts';
import { reload } from '../../../../src/relay/daemon/reload.ts';
import { freePort } from '../../../freePort.ts';
import { connectTo, listen, type Network, portOf, readAll, startRelay } from '../forwarding/network.ts';

const servers: Server[] = [];
let networks: Network[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const network of networks) await network.end();
  for (const server of servers.splice(0)) server.close();
  networks = [];
});

/** The port of a server that says its name. */
async function says(name: string): Promise<number> {
  const server = await listen((socket) => socket.on('error', () => undefined).end(name));
  servers.push(server);
  return portOf(server);
}

/** A relay whose forwarder 1 is of the file. */
async function relayTo(remotePort: number): Promise<Network> {
  const network = await startRelay(remotePort);
  network.relay.fromFile.add(1);
  networks.push(network);
  return network;
}

const apply = ({ relay }: Network, text: string): Promise<void> =>
  reload(relay, parseConfig(text, '/relay.toml'), {
    fromCommandLine: [],
    allowFromCommandLine: [],
    timesFromCommandLine: undefined,
  });

const forwarder = (number: number, port: number, remotePort: number): string =>
  `[forwarder.${number}]\nproxy = "127.0.0.1:${port}:127.0.0.1:${remotePort}"\n`;

async function ask(port: number, host = '127.0.0.1'): Promise<string> {
  const client = await connectTo(port, host);
  const text = (await readAll(client)).toString();
  client.end();
  return text;
}

describe('the configuration that is read again', () => {
  it('leaves everything as it was if one forwarder cannot listen', async () => {
    const [old, other] = [await says('old'), await says('other')];
    const network = await relayTo(old);
    const { relay, port } = network;
    const free = await freePort();
    await execute(relay, 'set bandwidth 100000');
    await execute(relay, 'set fault 1 down latency 1ms');
    const shown = async (): Promise<string> =>
      (await Promise.all(['show all', 'show faults'].map((line) => execute(relay, line))))
        .map(({ text }) => text)
        .join('\n');
    const before = await shown();
    const text =
      'bandwidth = 5\nallow = "192.0.2.0/24"\n' +
      forwarder(1, port, other) +
      forwarder(2, free, other) +
      // The port of the server is in use.
      forwarder(3, other, old);
    await expect(apply(network, text)).rejects.toThrow(`port ${other} is in use`);
    expect(await shown()).toBe(before);
    expect([...relay.fromFile]).toEqual([1]);
    expect(await ask(port)).toBe('old');
    await expect(ask(free)).rejects.toThrow('ECONNREFUSED');
  });

  it('gives a forwarder another number, with the same port', async () => {
    const remote = await says('same');
    const network = await relayTo(remote);
    await apply(network, forwarder(3, network.port, remote));
    expect([...network.relay.forwarders.keys()]).toEqual([3]);
    expect([...network.relay.fromFile]).toEqual([3]);
    expect(await ask(network.port)).toBe('same');
  });

  it('swaps the ports of two forwarders', async () => {
    const [first, second] = [await says('first'), await says('second')];
    const network = await relayTo(first);
    const [port, otherPort] = [network.port, await freePort()];
    await apply(network, forwarder(1, port, first) + forwarder(2, otherPort, second));
    expect([await ask(port), await ask(otherPort)]).toEqual(['first', 'second']);
    await apply(network, forwarder(1, otherPort, first) + forwarder(2, port, second));
    expect([await ask(port), await ask(otherPort)]).toEqual(['second', 'first']);
  });

  it('lets new forwarders listen where the same file says', async () => {
    const remote = await says('here');
    const network = await relayTo(remote);
    const port = await freePort('0.0.0.0');
    const text = `local_addrs = "127.0.0.1"\n[forwarder.1]\nproxy = "${port}:127.0.0.1:${remote}"\n`;
    await apply(network, text);
    expect(await ask(port)).toBe('here');
    await expect(ask(port, '127.0.0.2')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('groups of forwarders in the file', () => {
  it('come, change and go with it, and none comes if a forwarder cannot listen', async () => {
    const network = await relayTo(await says('old'));
    const { relay, port } = network;
    const free = await freePort();
    const one = (more: string): string => `${forwarder(1, port, 9)}${more}\n`;
    await apply(network, `${one('group = "web"')}[group.web]\nbandwidth = "100k"\n[group.mail]\nup = 5\n`);
    const shown = async (): Promise<string> => (await execute(relay, 'show forwarders')).text;
    expect(await shown()).toContain('  group mail up 5\n  group web bandwidth 100000\n');
    expect(await shown()).toContain(':127.0.0.1:9 group web');
    const holder = await listen(() => undefined, '127.0.0.1', free);
    servers.push(holder);
    const refused = `${one('group = "new"')}[group.new]\nup = 9\n${forwarder(2, free, 9)}`;
    await expect(apply(network, refused)).rejects.toThrow(`port ${free} is in use`);
    expect(relay.groups.names).toEqual(['mail', 'web']);
    expect(await shown()).toContain(' group web');
    await apply(network, `${one('group = "web"')}[group.web]\nbandwidth = 7\n`);
    expect(await shown()).toContain('  group web bandwidth 7\n');
    expect(relay.groups.names).toEqual(['web']);
    await apply(network, one(''));
    expect(await shown()).not.toContain('group');
  });

  it('are there again, with those that stay, whatever is deleted while names are looked up', async () => {
    // The time that names have does not pass.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let found: (addresses: Address[]) => void = () => undefined;
    const asked = new Promise<Address[]>((resolve) => (found = resolve));
    const names = new Names(() => asked, '/nonexistent');
    const network = await startRelay(await says('old'), undefined, { names });
    networks.push(network);
    const { relay, port } = network;
    const [late, other] = [await freePort(), await freePort()];
    const staying = `${forwarder(1, port, 9)}group = "web"\n${forwarder(3, other, 9)}[group.web]\nup = 5\n`;
    await apply(network, staying);
    const applied = apply(network, `${staying}[forwarder.2]\nproxy = "${late}:late.test:${late}"\n`);
    const listens = (): Promise<boolean> =>
      connectTo(late).then(
        () => true,
        () => false,
      );
    await expect.poll(listens).toBe(true);
    for (const line of ['set group web', 'set forwarder 3'])
      expect((await execute(relay, line)).text).toContain('deleted.');
    found([{ address: '192.0.2.1', family: 4 }]);
    await applied;
    expect([...relay.forwarders.keys()].sort()).toEqual([1, 2]);
    expect(relay.forwarders.get(1)?.options.group).toBe('web');
    expect(relay.groups.get('web')?.limits.up).toBe(5);
    expect([...relay.fromFile].sort()).toEqual([1, 2, 3]);
  });

  it('that are not there, and words that are none, are named with their place', () => {
    const wrong = (text: string): string => {
      try {
        parseConfig(text, 'f');
      } catch (error) {
        return String(
          error instanceof UserErrors ? error.errors.map(({ message }) => message).join('\n') : error,
        );
      }
      return '';
    };
    expect(wrong('[forwarder.1]\nproxy = "1:h:2"\ngroup = "web"\n')).toBe(
      'f:3:1: no group web: there is no [group.web]',
    );
    expect(wrong('[group.web]\nbandwith = 3\n')).toBe(
      'f:2:1: [group.web]: unknown key bandwith, did you mean bandwidth?',
    );
    expect(wrong('[group.7]\nup = 3\n')).toContain('a group has a name, as [group.web]');
  });
});
