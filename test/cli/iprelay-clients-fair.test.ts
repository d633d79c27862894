/** Clients with different addresses at a real relay: who gets how much of the limit, and what is counted for whom. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { endlessServer } from './helpers/endlessServer.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtFile } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';
import { freePort } from '../freePort.ts';
import { until } from '../hang.ts';

const BUILT = builtFile('iprelay');

let folder: string;
let server: Server;
let env: NodeJS.ProcessEnv;
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  await build();
  folder = await mkdtemp(join(tmpdir(), 'iprelay-fair-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, HOME: folder };
  ({ server } = await endlessServer());
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const child of children.splice(0)) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly ports: readonly number[];
  /** What `iprelay ctl` answers to a command, whatever it is. */
  readonly ask: (line: string) => Promise<Said>;
  /** The same of one that is obeyed. */
  readonly say: (line: string) => Promise<string>;
}

/** A relay with a configuration file; `forwarders` are what stands below each `proxy` line. */
async function start(text: string, forwarders: readonly string[] = ['']): Promise<Running> {
  const ports = await Promise.all(forwarders.map(() => freePort('127.0.0.1')));
  const { port: to } = server.address() as AddressInfo;
  const tables = forwarders.map(
    (more, index) =>
      `[forwarder.${index + 1}]\nproxy = "127.0.0.1:${ports[index]}:127.0.0.1:${to}"\n${more}\n`,
  );
  const file = join(folder, 'config.toml');
  await writeFile(file, `name = "fair"\nlog = "none"\n${text}\n${tables.join('')}`);
  const child = spawn(process.execPath, [BUILT, '-f', '-c', file], { env, stdio: 'inherit' });
  children.push(child);
  const ask = async (line: string): Promise<Said> => {
    const ctl = spawn(process.execPath, [BUILT, 'ctl', 'fair', ...line.split(' ')], { env });
    let [stdout, stderr] = ['', ''];
    ctl.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    ctl.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(ctl, 'close');
    return { code: ctl.exitCode, stdout, stderr };
  };
  const say = async (line: string): Promise<string> => {
    const said = await ask(line);
    expect(said, line).toMatchObject({ code: 0, stderr: '' });
    return said.stdout;
  };
  await until(async () => {
    expect(child.exitCode).toBeNull();
    return (await ask('show version')).stdout.includes('iprelay');
  });
  return { ports, ask, say };
}

interface Loaded {
  bytes: number;
}

/** Downloads all it can from one of this machine's addresses. */
async function download(port: number, from: string): Promise<Loaded> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  sockets.push(socket);
  const loaded = { bytes: 0 };
  socket.on('data', (chunk: Buffer) => (loaded.bytes += chunk.length)).on('error', () => undefined);
  await once(socket, 'connect');
  return loaded;
}

/** What each has loaded while together they loaded so many bytes: a slow machine takes longer, and that is all. */
async function during(bytes: number, groups: readonly (readonly Loaded[])[]): Promise<number[]> {
  const sum = (): number[] => groups.map((each) => each.reduce((all, one) => all + one.bytes, 0));
  const total = (): number => sum().reduce((a, b) => a + b, 0);
  await until(() => groups.flat().every((each) => each.bytes > 0));
  const [before, from] = [sum(), total()];
  await until(() => total() - from >= bytes);
  return sum().map((each, index) => each - (before[index] ?? 0));
}

/**
 * Nearer to one than to what it would be by the number of connections. On a busy machine one connection loses more by being read
 * late than several do; how near it is otherwise the scheduler's own tests say.
 */
function expectAlike(ratio: number, byConnections: number): void {
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(Math.max(2, byConnections / 2));
}

/** Bytes per second since before the first of them connected: a busy machine makes it less, never more. */
function rateSince(startedMs: number, loads: readonly Loaded[]): number {
  const bytes = loads.reduce((sum, each) => sum + each.bytes, 0);
  return (bytes * 1000) / (performance.now() - startedMs);
}

/** A limit over some seconds: no second is above 105 %. */
const atMost = (limit: number): number => 1.05 * limit;

describe('fair = "client"', () => {
  it('one connection of one address has as much as nine of another; with "connection" a ninth', async () => {
    const { ports, say } = await start('bandwidth = 400000\nfair = "client"');
    const [port = 0] = ports;
    const one = [await download(port, '127.0.0.2')];
    const nine = await Promise.all(Array.from({ length: 9 }, () => download(port, '127.0.0.3')));
    const [oneBytes = 0, nineBytes = 0] = await during(1_500_000, [one, nine]);
    expectAlike(nineBytes / oneBytes, 9);
    await say('set fair connection');
    const [alone = 0, others = 0] = await during(1_500_000, [one, nine]);
    expect(others / alone).toBeGreaterThan(5);
  });

  it('of a forwarder’s limit too', async () => {
    const { ports } = await start('fair = "client"', ['bandwidth = 400000']);
    const [port = 0] = ports;
    const one = [await download(port, '127.0.0.2')];
    const five = await Promise.all(Array.from({ length: 5 }, () => download(port, '127.0.0.3')));
    const [oneBytes = 0, fiveBytes = 0] = await during(1_500_000, [one, five]);
    expectAlike(fiveBytes / oneBytes, 5);
  });
});

describe('client_bandwidth', () => {
  it('holds each client to it over all forwarders, and what is left is for others', async () => {
    const { ports, say } = await start('bandwidth = 400000\nclient_bandwidth = 50000', ['', '']);
    const [first = 0, second = 0] = ports;
    const startedMs = performance.now();
    const greedy = await Promise.all([
      download(first, '127.0.0.2'),
      download(first, '127.0.0.2'),
      download(second, '127.0.0.2'),
    ]);
    const other = await Promise.all([first, second, second].map((port) => download(port, '127.0.0.3')));
    const [greedyBytes = 0, otherBytes = 0] = await during(600_000, [greedy, other]);
    for (const loads of [greedy, other]) expect(rateSince(startedMs, loads)).toBeLessThan(atMost(50_000));
    expectAlike(greedyBytes / otherBytes, 1);
    const stats = JSON.parse(await say('show stats --json')) as {
      clients: { client: string; openConnections: number; inBytes: number }[];
    };
    const counted = Object.fromEntries(stats.clients.map((each) => [each.client, each]));
    expect(counted['127.0.0.2']?.openConnections).toBe(3);
    expect(counted['127.0.0.3']?.openConnections).toBe(3);
    expect(counted['127.0.0.3']?.inBytes).toBeGreaterThan(otherBytes);
  });
});

describe('a group of forwarders', () => {
  it('has one limit for all of them, beside those outside, and can be changed while it runs', async () => {
    const { ports, ask, say } = await start('[group.web]\nbandwidth = 100000', [
      'group = "web"',
      'group = "web"',
      'bandwidth = 100000',
    ]);
    const [first = 0, second = 0, third = 0] = ports;
    const startedMs = performance.now();
    const grouped = await Promise.all([first, second, second].map((port) => download(port, '127.0.0.1')));
    const outside = [await download(third, '127.0.0.1')];
    // Without the group they would have no limit at all.
    const [inGroup = 0, alone = 0] = await during(600_000, [grouped, outside]);
    expect(inGroup).toBeGreaterThan(alone / 2);
    for (const loads of [grouped, outside]) expect(rateSince(startedMs, loads)).toBeLessThan(atMost(100_000));
    expect(await say('set group web bandwidth 10000')).toContain('group web bandwidth 10000');
    const [slower = 0, same = 0] = await during(400_000, [grouped, outside]);
    expect(same / slower).toBeGreaterThan(3);
    expect(await say('show forwarders')).toContain('  group web bandwidth 10000\n');
    const refused = await ask('set forwarder 2 group nosuch');
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('no group nosuch') as string,
    });
    expect(await say('set group web')).toContain('group web deleted.');
    expect(await say('show forwarders')).not.toContain('group');
  });
});
