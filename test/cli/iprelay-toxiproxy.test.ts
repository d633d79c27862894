/** The API driven by a client library of toxiproxy as npm has it, on the built command; and what toxiproxy's README shows, by curl. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type Proxy, Toxiproxy } from 'toxiproxy-node-client';
import { until } from '../hang.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const LOADER = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));

/** An attribute of toxics, in ms. */
const TIMEOUT = 'timeout';

let folder: string;
let relay: ChildProcess;
let api: string;
let server: Server;
let upstream: string;
let toxiproxy: Toxiproxy;
/** What the server has received, and how each of its connections ended. */
let received = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-api-'));
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      socket.write(chunk);
    });
    socket.on('end', () => socket.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = join(folder, 'proxies.json');
  await writeFile(file, JSON.stringify([{ name: 'of_file', listen: '127.0.0.1:0', upstream }]));
  const args = ['-f', '--log', 'none', '--name', 'api', '--api', '0', '--populate', file];
  relay = spawn(process.execPath, ['--import', LOADER, SOURCE, ...args], {
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  relay.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => /^the API listens on port \d+\n/.test(said));
  api = `http://127.0.0.1:${/\d+/.exec(said)?.[0] ?? ''}`;
  toxiproxy = new Toxiproxy(api);
});

afterEach(async () => {
  for (const proxy of Object.values(await toxiproxy.getAll()))
    if (proxy.name !== 'of_file') await proxy.remove();
  received = '';
});

afterAll(async () => {
  relay.kill('SIGKILL');
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const proxyTo = (name = 'redis'): Promise<Proxy> =>
  toxiproxy.createProxy({ name, listen: 'localhost:0', upstream });

const portOf = (listen: string): number => Number(/\d+$/.exec(listen)?.[0]);

async function open(proxy: Proxy): Promise<Socket> {
  const socket = connect(portOf(proxy.listen), '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends and waits for so many bytes back; gives the time that it took in ms. */
async function echo(socket: Socket, bytes: number): Promise<number> {
  const fromMs = performance.now();
  let got = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      got += chunk.length;
      if (got >= bytes) resolve();
    });
  });
  socket.write(Buffer.alloc(bytes, 'x'));
  await all;
  socket.removeAllListeners('data');
  return performance.now() - fromMs;
}

/** How a connection ends for its client, and what it has received until then. */
async function ending(socket: Socket): Promise<{ how: 'end' | 'reset'; bytes: number }> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const how = await new Promise<'end' | 'reset'>((resolve) => {
    socket.on('end', () => {
      resolve('end');
    });
    socket.on('error', () => {
      resolve('reset');
    });
  });
  return { how, bytes };
}

describe("toxiproxy's npm client", () => {
  it('knows the version, and the proxies of the file', async () => {
    expect(await toxiproxy.getVersion()).toContain('2.9.0');
    const proxy = await toxiproxy.get('of_file');
    expect(proxy).toMatchObject({ name: 'of_file', upstream, enabled: true });
    expect(await echo(await open(proxy), 5)).toBeGreaterThan(0);
  });

  it('creates a proxy on any port, disables it and enables it on the same one', async () => {
    const proxy = await proxyTo();
    expect(portOf(proxy.listen)).toBeGreaterThan(0);
    const socket = await open(proxy);
    await echo(socket, 5);
    const { listen } = proxy;
    const ended = ending(socket);
    await proxy.update({ enabled: false, listen, upstream });
    expect(await ended).toMatchObject({ bytes: 0 });
    await expect(open(proxy)).rejects.toThrow('ECONNREFUSED');
    await proxy.update({ enabled: true, listen, upstream });
    expect((await toxiproxy.get('redis')).listen).toBe(listen);
    await echo(await open(proxy), 5);
  });

  it('adds latency to connections that are there already, and takes it away', async () => {
    const proxy = await proxyTo();
    const socket = await open(proxy);
    await echo(socket, 5);
    const toxic = await proxy.addToxic({
      attributes: { latency: 300, jitter: 0 },
      name: 'slow',
      stream: 'downstream',
      toxicity: 1,
      type: 'latency',
    });
    expect(await echo(socket, 5)).toBeGreaterThan(290);
    expect(toxic.toJson()).toMatchObject({ name: 'slow', attributes: { latency: 300, jitter: 0 } });
    await toxic.remove();
    expect(await (await fetch(`${api}/proxies/redis/toxics`)).json()).toEqual([]);
  });

  it('holds a connection to a bandwidth in kB/s', async () => {
    const proxy = await proxyTo();
    await proxy.addToxic({
      attributes: { rate: 100 },
      name: '',
      stream: 'upstream',
      toxicity: 1,
      type: 'bandwidth',
    });
    // 100 kB take a second, but for what a limit passes at once.
    expect(await echo(await open(proxy), 100_000)).toBeGreaterThan(900);
  });

  it('meets only the share of the connections that toxicity says', async () => {
    const proxy = await proxyTo();
    const attributes = { [TIMEOUT]: 0 };
    await proxy.addToxic({
      attributes,
      name: 'half',
      stream: 'downstream',
      toxicity: 0.5,
      type: 'reset_peer',
    });
    const ends = Array.from({ length: 60 }, () => {
      const socket = connect(portOf(proxy.listen), '127.0.0.1');
      socket.write('x');
      return new Promise<'reset' | 'fine'>((resolve) => {
        socket.on('error', () => {
          resolve('reset');
        });
        socket.on('data', () => {
          resolve('fine');
        });
      });
    });
    const counted = await Promise.all(ends);
    // Fewer than 10 or more than 50 of 60 happen once in ten million times.
    for (const how of ['reset', 'fine']) {
      expect(counted.filter((each) => each === how).length).toBeGreaterThanOrEqual(10);
    }
  });

  it.each([
    ['timeout', { [TIMEOUT]: 200 }, { how: 'end', bytes: 0 }],
    ['reset_peer', { [TIMEOUT]: 200 }, { how: 'reset', bytes: 0 }],
    ['limit_data', { bytes: 1234 }, { how: 'end', bytes: 1234 }],
  ] as const)('ends connections: %s', async (type, attributes, expected) => {
    const proxy = await proxyTo();
    // The types of the library know no reset_peer and limit_data; its code does not look at them.
    await proxy.addToxic({ attributes, name: type, stream: 'downstream', toxicity: 1, type } as never);
    const socket = await open(proxy);
    const ended = ending(socket);
    socket.write(Buffer.alloc(5000));
    expect(await ended).toEqual(expected);
  });

  it('closes what a timeout without an end has swallowed something of, when it is taken away', async () => {
    const proxy = await proxyTo();
    const socket = await open(proxy);
    await echo(socket, 5);
    const toxic = await proxy.addToxic({
      attributes: { [TIMEOUT]: 0 },
      name: 'hole',
      stream: 'upstream',
      toxicity: 1,
      type: 'timeout',
    });
    socket.write('lost');
    const ended = ending(socket);
    await toxic.remove();
    expect(await ended).toMatchObject({ bytes: 0 });
    expect(received).not.toContain('lost');
    await echo(await open(proxy), 5);
  });

  it('delays the end of a stream, and slices what is sent', async () => {
    const proxy = await proxyTo();
    const add = (type: string, attributes: object): Promise<unknown> =>
      proxy.addToxic({ attributes, name: type, stream: 'downstream', toxicity: 1, type } as never);
    await add('slow_close', { delay: 300 });
    await add('slicer', { average_size: 100, size_variation: 0, delay: 20_000 });
    const socket = await open(proxy);
    // Ten slices, nine times 20 ms apart.
    expect(await echo(socket, 1000)).toBeGreaterThan(170);
    const fromMs = performance.now();
    const ended = ending(socket);
    socket.end();
    expect(await ended).toEqual({ how: 'end', bytes: 0 });
    expect(performance.now() - fromMs).toBeGreaterThan(290);
  });

  it('populates, and resets everything', async () => {
    const body = [
      { name: 'one', listen: '127.0.0.1:0', upstream },
      { name: 'two', listen: '127.0.0.1:0', upstream },
    ];
    const made = await toxiproxy.populate(body);
    expect(Object.keys(made).length).toBe(2);
    const one = await toxiproxy.get('one');
    await one.addToxic({
      attributes: { [TIMEOUT]: 0 },
      name: '',
      stream: 'upstream',
      toxicity: 1,
      type: 'timeout',
    });
    await one.update({ enabled: false, listen: one.listen, upstream });
    await toxiproxy.reset();
    const again = await toxiproxy.get('one');
    expect(again).toMatchObject({ enabled: true });
    expect(await (await fetch(`${api}/proxies/one/toxics`)).json()).toEqual([]);
    await echo(await open(again), 5);
  });
});

describe('the examples of toxiproxy, by curl', () => {
  const curl = async (
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; json: unknown }> => {
    const data = body === undefined ? [] : ['-d', JSON.stringify(body)];
    const { stdout } = await execa('curl', [
      '-sS',
      '-X',
      method,
      '-w',
      '\n%{http_code}',
      ...data,
      api + path,
    ]);
    const [text, status] = [stdout.slice(0, stdout.lastIndexOf('\n')), stdout.split('\n').at(-1)];
    return { status: Number(status), json: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };

  it('answer as its README says, errors with their status', async () => {
    const redis = { name: 'redis', upstream, listen: '127.0.0.1:0' };
    expect(await curl('POST', '/proxies', redis)).toMatchObject({
      status: 201,
      json: { name: 'redis', enabled: true },
    });
    expect(await curl('POST', '/proxies', redis)).toEqual({
      status: 409,
      json: { error: 'proxy already exists', status: 409 },
    });
    const toxic = { type: 'latency', attributes: { latency: 1000 } };
    expect(await curl('POST', '/proxies/redis/toxics', toxic)).toEqual({
      status: 200,
      json: {
        name: 'latency_downstream',
        type: 'latency',
        stream: 'downstream',
        toxicity: 1,
        attributes: { latency: 1000, jitter: 0 },
      },
    });
    expect(
      await curl('PATCH', '/proxies/redis/toxics/latency_downstream', { attributes: { jitter: 5 } }),
    ).toMatchObject({ status: 200, json: { attributes: { latency: 1000, jitter: 5 } } });
    expect(await curl('POST', '/proxies/redis/toxics', { type: 'none' })).toMatchObject({ status: 400 });
    expect(await curl('POST', '/proxies/redis/toxics', { ...toxic, name: 'n', stream: 'x' })).toMatchObject({
      status: 400,
      json: { error: 'stream was invalid, can be either upstream or downstream' },
    });
    expect(await curl('DELETE', '/proxies/redis/toxics/latency_downstream')).toEqual({
      status: 204,
      json: undefined,
    });
    expect(await curl('GET', '/proxies/redis/toxics')).toEqual({ status: 200, json: [] });
    expect(await curl('GET', '/proxies/none')).toEqual({
      status: 404,
      json: { error: 'proxy not found', status: 404 },
    });
    expect(await curl('POST', '/proxies', { name: 'x' })).toMatchObject({
      status: 400,
      json: { error: 'missing required field: upstream' },
    });
    expect(await curl('POST', '/reset')).toEqual({ status: 204, json: undefined });
    expect(await curl('DELETE', '/proxies/redis')).toEqual({ status: 204, json: undefined });
  });

  it('are refused to pages in a browser', async () => {
    const status = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(`${api}/proxies`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status({})).toBe(200);
    expect(await status({ host: 'evil.example.net' })).toBe(421);
    expect(await status({ origin: 'http://evil.example.net' })).toBe(403);
    expect(await status({ 'user-agent': 'Mozilla/5.0' })).toBe(403);
  });

  it('need a token where others than this machine can ask', async () => {
    const run = (args: string[]): Promise<{ exitCode?: number; stderr: string }> =>
      execa(process.execPath, ['--import', LOADER, SOURCE, ...args], { reject: false });
    const refused = await run(['-f', '--api', '0.0.0.0:0']);
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: 'iprelay: --api on 0.0.0.0 needs --api-token\niprelay: others than this machine could drive it',
    });
  });
});
