/** Readiness and socket activation, with systemd's own test tool; no service manager is needed for it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { freePort } from '../freePort.ts';
import { HANG_MS } from '../hang.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));

const JOURNALD = '/lib/systemd/systemd-journald';
const root = process.getuid?.() === 0;
/** Where logger(1) writes to, if that is the journal's. */
const syslogSocket = ((): string => {
  try {
    return readlinkSync('/dev/log');
  } catch {
    return '';
  }
})();

/** A line of the journal. */
interface Entry {
  MESSAGE: string;
  PRIORITY: string;
  SYSLOG_IDENTIFIER: string;
}

/** Runs a script with an empty /run and /var/log of its own; everything in it ends with it. */
async function withOwnRun(script: string): Promise<string> {
  const prelude = `mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/log
iprelay() { "${process.execPath}" --import "${TSX}" "${SOURCE}" "$@"; }
`;
  const args = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', prelude + script];
  const { stdout } = await promisify(execFile)('unshare', args, { timeout: HANG_MS });
  return stdout;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-systemd-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('under systemd', () => {
  it('takes over the socket that systemd has opened', async () => {
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
      await expect.poll(() => read().catch(() => '')).toBe('through');
    } finally {
      // It has become the relay (exec), so this ends the relay.
      activator.kill('SIGKILL');
      remote.close();
    }
  });

  it('tells when it is ready and when it ends', async () => {
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
      await expect.poll(() => readFile(said, 'utf8').catch(() => '')).toContain('READY=1');
      relay.kill('SIGTERM');
      expect(await once(relay, 'exit')).toEqual([0, null]);
      expect(await readFile(said, 'utf8')).toContain('STOPPING=1');
    } finally {
      relay.kill('SIGKILL');
      listener.kill('SIGKILL');
    }
  });

  it.skipIf(!root)('lets root command a service that has a user and a folder of its own', async () => {
    const port = await freePort();
    // As the template says: RuntimeDirectory=iprelay-%i, XDG_RUNTIME_DIR in it; root's shell knows nothing of it.
    const out = await withOwnRun(`mkdir -m 0700 /run/iprelay-web; unset XDG_RUNTIME_DIR
XDG_RUNTIME_DIR=/run/iprelay-web iprelay --foreground --name web --log none 127.0.0.1:${port}:127.0.0.1:9 &
until [ -S /run/iprelay-web/inetgw/iprelay/web.sock ]; do sleep 0.1; done
iprelay ctl web set idle_out 77
iprelay list`);
    expect(out).toMatch(new RegExp(`^idle_out\t77\nweb\t${port} -> 127.0.0.1:9\t`));
  });

  it.skipIf(!root)('logs to the journal and to syslog with priorities', async () => {
    const port = await freePort();
    const second = await freePort();
    const out = await withOwnRun(`mkdir -p /run/systemd/journal /run/home
export XDG_RUNTIME_DIR=/run/home HOME=/run/home
${JOURNALD} & until [ -S /run/systemd/journal/dev-log ]; do sleep 0.1; done
iprelay -d --name one --pid-file /run/one --log journal 127.0.0.1:${port}:127.0.0.1:9
iprelay ctl one set bandwidth 1234
"${process.execPath}" -e 'require("node:net").connect(${port}, "127.0.0.1").resume()'
iprelay -d --name two --pid-file /run/two --log syslog 127.0.0.1:${second}:127.0.0.1:9
iprelay ctl two set bandwidth 5678
pids=$(cat /run/one /run/two); kill $pids
for pid in $pids; do while kill -0 $pid; do sleep 0.1; done; done 2>/dev/null
journalctl --sync || exit 1
journalctl -D /run/log/journal -o json --no-pager --output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER`);
    const entries = out
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Entry] : []));
    const find = (text: string): Entry | undefined => entries.find((each) => each.MESSAGE.includes(text));
    expect(find('variable=bandwidth value=1234')).toMatchObject({
      SYSLOG_IDENTIFIER: 'iprelay-one',
      PRIORITY: '6',
    });
    expect(find('failed to connect')).toMatchObject({ PRIORITY: '4' });
    if (syslogSocket === '/run/systemd/journal/dev-log')
      expect(find('variable=bandwidth value=5678')).toMatchObject({ SYSLOG_IDENTIFIER: 'iprelay' });
  });
});
