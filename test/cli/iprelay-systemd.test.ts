/** Readiness and socket activation, with systemd's own test tool; no service manager is needed for it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-systemd-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe('under systemd', () => {
  it.skipIf(!has('systemd-socket-activate'))('takes over the socket that systemd has opened', async () => {
    const remote = createServer((socket) => socket.end('through')).listen(0, '127.0.0.1');
    await once(remote, 'listening');
    const port = await freePort();
    const spec = `${port}:127.0.0.1:${(remote.address() as AddressInfo).port}`;
    const relay = ['--import', TSX, SOURCE, '--foreground', '--name', 'activated', spec];
    const activator = spawn(
      'systemd-socket-activate',
      ['-l', `127.0.0.1:${port}`, `--setenv=XDG_RUNTIME_DIR=${folder}`, process.execPath, ...relay],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    try {
      // The activator listens, the relay starts with this connection, and the connection is not lost.
      const read = async (): Promise<string> => {
        const socket = connect(port, '127.0.0.1');
        let text = '';
        for await (const chunk of socket) text += String(chunk);
        return text;
      };
      await expect.poll(() => read().catch(() => ''), { timeout: 15_000 }).toBe('through');
    } finally {
      // It has become the relay (exec), so this ends the relay.
      activator.kill('SIGKILL');
      remote.close();
    }
  });

  it.skipIf(!has('systemd-notify') || !has('socat'))('tells when it is ready and when it ends', async () => {
    const socket = join(folder, 'notify.sock');
    const said = join(folder, 'said');
    const listener = spawn('socat', ['-u', `UNIX-RECV:${socket}`, `OPEN:${said},creat,append`], {
      stdio: 'ignore',
    });
    const relay = spawn(
      process.execPath,
      ['--import', TSX, SOURCE, '--foreground', '--name', 'notify', `${await freePort()}:127.0.0.1:9`],
      { stdio: 'ignore', env: { ...process.env, XDG_RUNTIME_DIR: folder, NOTIFY_SOCKET: socket } },
    );
    try {
      await expect
        .poll(() => readFile(said, 'utf8').catch(() => ''), { timeout: 15_000 })
        .toContain('READY=1');
      relay.kill('SIGTERM');
      expect(await once(relay, 'exit')).toEqual([0, null]);
      expect(await readFile(said, 'utf8')).toContain('STOPPING=1');
    } finally {
      relay.kill('SIGKILL');
      listener.kill('SIGKILL');
    }
  });
});
