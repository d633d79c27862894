/** Logs that take nothing: a full disk, a pipe nobody reads, a program that has stopped. The relay goes on, and ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../freePort.ts';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const LOADER = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));

let folder: string;
let server: Server;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-log-'));
  server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Sends bytes through the relay until they are back; waits until it listens. */
async function echo(port: number, bytes: number): Promise<number> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const opened = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    if (!opened) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    socket.end(Buffer.alloc(bytes, 'x'));
    let back = 0;
    for await (const chunk of socket) back += (chunk as Buffer).length;
    return back;
  }
}

describe('a log that takes nothing', () => {
  it.each([
    ['a full disk', '/dev/full', []],
    // More than a pipe holds: every byte that passes is in the log as well.
    ['standard error that nobody reads', 'stderr', ['--set', 'dump_traff=1']],
  ] as const)('holds up neither the traffic nor the end: %s', async (_what, log, more) => {
    const port = await freePort();
    const spec = `127.0.0.1:${port}:127.0.0.1:${(server.address() as AddressInfo).port}`;
    const args = ['--import', LOADER, SOURCE, '-f', '--log', log, ...more, spec];
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, HOME: folder };
    // Its standard error is a pipe that this test never reads.
    const relay = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    started.push(relay);
    relay.stderr.pause();
    expect(await echo(port, 600_000)).toBe(600_000);
    expect(await echo(port, 600_000)).toBe(600_000);
    // Who answers here has come so far that a signal is an end in order.
    const control = connect(join(folder, 'inetgw', 'iprelay', `${port}.sock`));
    control.write('{"do":"stats"}\n');
    await once(control, 'data');
    const ended = once(relay, 'exit');
    relay.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
