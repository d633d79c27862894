/** Hostile clients, servers and other users against a relay that runs: it goes on, within its memory. */
import { execaSync } from 'execa';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { freePort } from '../freePort.ts';
import { HANG_MS, until } from '../hang.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { build } from './helpers/buildOnce.ts';
import { isRoot, ROOT } from './helpers/built.ts';

/** A user that owns nothing here. */
const STRANGER = 65_534;

let folder: string;
const relays: Relay[] = [];
const servers: Server[] = [];
const clients: Socket[] = [];

interface Relay {
  process: ChildProcess;
  port: number;
  name: string;
  stderr: () => string;
}

beforeAll(async () => {
  await build();
  folder = await mkdtemp(join(tmpdir(), 'iprelay-attackers-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) server.close();
  for (const relay of relays.splice(0)) {
    relay.process.kill('SIGKILL');
    if (relay.process.exitCode === null) await once(relay.process, 'exit');
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function serve(handler: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    handler(socket);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const echo = (): Promise<number> => serve((socket) => socket.pipe(socket));

async function relay(serverPort: number, ...flags: string[]): Promise<Relay> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [`${ROOT}/dist/bin/iprelay.js`, '--foreground', ...flags, `${port}:127.0.0.1:${serverPort}`],
    {
      env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: folder, HOME: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const started: Relay = { process: child, port, name: String(port), stderr: () => said };
  relays.push(started);
  await until(() => said.includes('started'));
  return started;
}

function open(port: number, host = '127.0.0.1'): Socket {
  const socket = connect({ port, host });
  socket.on('error', () => undefined);
  clients.push(socket);
  return socket;
}

/** Ended in whatever way. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else
      socket.resume().on('close', () => {
        resolve();
      });
  });
}

/** What a client of good will gets back. */
async function echoed(port: number, words = 'hello'): Promise<string> {
  const socket = open(port);
  socket.end(words);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** How often the log says it. */
const linesWith = (target: Relay, words: string): number => target.stderr().split(words).length - 1;
/** More lines than a relay logs of one kind in that time: one a second, and some at once. */
const linesIn = (ms: number): number => 10 + ms / 1000;

const rssBytes = async ({ process: { pid } }: Relay): Promise<number> =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1]);
const descriptors = async ({ process: { pid } }: Relay): Promise<number> =>
  (await readdir(`/proc/${pid ?? 0}/fd`)).length;

function controlSocket({ name }: Relay): string {
  return join(folder, 'inetgw', 'iprelay', `${name}.sock`);
}

describe('clients of ill will', () => {
  it('that send a byte now and then (slow loris) keep nobody out, and are closed when idle', async () => {
    const target = await relay(await echo(), '--set', 'idle_out=2');
    const slow = Array.from({ length: 200 }, () => open(target.port));
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    for (const socket of slow) socket.write('G');
    expect(await echoed(target.port)).toBe('hello');
    await Promise.all(slow.map(closed));
    expect(target.process.exitCode).toBeNull();
  });

  it('that never read what a flooding server sends take a bounded memory', async () => {
    const chunk = Buffer.alloc(1 << 20);
    const target = await relay(
      await serve((socket) => {
        const more = (): void => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', more);
        more();
      }),
    );
    const before = await rssBytes(target);
    for (let count = 0; count < 30; count++) open(target.port).pause();
    await sleep(1500);
    expect((await rssBytes(target)) - before).toBeLessThan(100e6);
  });

  it('that come and go with resets (RST storm) leave no descriptor behind', async () => {
    const target = await relay(await echo());
    await echoed(target.port);
    const before = await descriptors(target);
    for (let round = 0; round < 10; round++) {
      const storm = Array.from({ length: 60 }, () => open(target.port));
      await Promise.all(storm.map((socket) => once(socket, 'connect')));
      for (const [index, socket] of storm.entries()) {
        if (index % 2 === 0) socket.write('x');
        socket.resetAndDestroy();
      }
    }
    await until(async () => (await descriptors(target)) <= before);
    expect(await echoed(target.port)).toBe('hello');
  });

  it('that are too many are refused, and the others are served on', async () => {
    const target = await relay(await echo(), '--set', 'max_conns=20');
    const first = open(target.port);
    await once(first, 'connect');
    const beganMs = performance.now();
    const crowd = Array.from({ length: 300 }, () => open(target.port));
    await until(() => crowd.filter((socket) => socket.resume().closed).length >= 280);
    first.write('still here');
    expect(String((await once(first, 'data'))[0])).toBe('still here');
    // A flood of clients is not a flood of log lines.
    expect(linesWith(target, 'too many connections')).toBeLessThan(linesIn(performance.now() - beganMs));
  });

  it('that are not on the list do not get past it in the form of a mapped address', async () => {
    const target = await relay(
      await echo(),
      '--set',
      'local_addrs=::',
      '--allow',
      '192.0.2.0/24',
      '--allow',
      '::1',
    );
    for (const host of ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
      const socket = open(target.port, host);
      const heard: Buffer[] = [];
      socket.on('data', (data) => heard.push(data)).on('connect', () => socket.end('secret'));
      await closed(socket);
      expect(heard).toEqual([]);
    }
    const allowed = open(target.port, '::1');
    allowed.write('x');
    expect(String((await once(allowed, 'data'))[0])).toBe('x');
    const beganMs = performance.now();
    await Promise.all(Array.from({ length: 200 }, () => closed(open(target.port))));
    expect(linesWith(target, 'not on the access list')).toBeLessThan(linesIn(performance.now() - beganMs));
  });

  it('that send what would steer a terminal do not get it into the log', async () => {
    const target = await relay(await echo(), '--set', 'dump_traff=1');
    const odd = Buffer.from(
      '\x1b[2J\x1b]0;title\x07\r\n2026-01-01T00:00:00.000Z error forged\u009b1m\x9b',
      'latin1',
    );
    const socket = open(target.port);
    socket.write(odd);
    await once(socket, 'data');
    await until(() => target.stderr().includes('direction=down'));
    for (const line of target.stderr().trimEnd().split('\n')) {
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z (?:info|warn) \P{Cc}*$/u);
    }
    expect(target.stderr()).not.toMatch(/^2026-01-01T00:00:00.000Z error forged/m);
  });
});

describe('the control socket', () => {
  it('takes any bytes without harm', async () => {
    const target = await relay(await echo());
    const answersTo = async (bytes: string | Buffer): Promise<string> => {
      const socket = connect(controlSocket(target));
      let text = '';
      socket.on('error', () => undefined).on('data', (data) => (text += String(data)));
      socket.end(bytes);
      await closed(socket);
      return text;
    };
    const notRequests = [
      '{}',
      '[]',
      'null',
      '{"do":"execute"}',
      '{"do":"execute","line":{}}',
      '\0\xff',
      '{"__proto__":{"do":"stats"}}',
    ];
    for (const text of notRequests) expect(await answersTo(`${text}\n`)).toBe('{"error":"not a request"}\n');
    expect(await answersTo(Buffer.alloc(300_000, 'x'))).toBe('');
    expect(await answersTo('{"do":"stats"')).toBe('');
    expect(await answersTo('{"do":"stats"}\n'.repeat(50))).toMatch(/^(?:\{"result":.*\}\n){50}$/);
    expect(await echoed(target.port)).toBe('hello');
  });

  it('gives a client that asks and never reads a bounded memory', async () => {
    const target = await relay(await echo());
    for (let count = 0; count < 200; count++) open(target.port);
    await sleep(500);
    const before = await rssBytes(target);
    const greedy = connect(controlSocket(target)).pause();
    greedy.on('error', () => undefined);
    clients.push(greedy);
    for (let count = 0; count < 20; count++) greedy.write('{"do":"stats"}\n'.repeat(4000));
    await sleep(3000);
    expect((await rssBytes(target)) - before).toBeLessThan(100e6);
    expect(await echoed(target.port)).toBe('hello');
  });

  it.runIf(isRoot)('is closed to other users', async () => {
    const target = await relay(await echo());
    await chmod(folder, 0o755);
    const script = `require('net').connect(${JSON.stringify(controlSocket(target))}).on('error', (e) => console.log(e.code)).on('connect', () => console.log('open'))`;
    const asStranger = (...argv: string[]): string =>
      execaSync('setpriv', [`--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups', ...argv], {
        reject: false,
        env: { XDG_RUNTIME_DIR: folder },
      }).stdout;
    expect(asStranger(process.execPath, '-e', script)).toBe('EACCES');
    // With all folders open to it, the socket itself still is not.
    await chmod(join(folder, 'inetgw'), 0o755);
    await chmod(join(folder, 'inetgw', 'iprelay'), 0o755);
    expect(asStranger(process.execPath, '-e', script)).toBe('EACCES');
  });

  it.runIf(isRoot)('is not opened, nor looked for, in a folder that another user could change', async () => {
    const theirs = await mkdtemp(join(tmpdir(), 'iprelay-theirs-'));
    await mkdir(join(theirs, 'inetgw', 'iprelay'), { recursive: true, mode: 0o700 });
    await chown(join(theirs, 'inetgw'), STRANGER, STRANGER);
    const run = (...words: string[]) =>
      execaSync(process.execPath, [`${ROOT}/dist/bin/iprelay.js`, ...words], {
        reject: false,
        timeout: HANG_MS,
        env: { XDG_RUNTIME_DIR: theirs, HOME: theirs },
      });
    const started = run('--foreground', `${await freePort()}:127.0.0.1:9`);
    expect([started.exitCode, started.stderr]).toEqual([
      1,
      expect.stringContaining('must be a folder of this user that nobody else can write to'),
    ]);
    // A false relay of theirs is not asked either.
    const trap = createServer().listen(join(theirs, 'inetgw', 'iprelay', 'trap.sock'));
    await once(trap, 'listening');
    expect(run('list').stdout).toBe('');
    trap.close();
    await rm(theirs, { recursive: true });
  });
});
