/** What real clients make of a server that is dead: they fail, say so, and leave nothing behind. */
import { execFile, type ExecFileException } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessList } from '../../src/relay/clients/access.ts';
import { DEFAULT_OPTIONS } from '../../src/relay/forwarding/forwarder.ts';
import { SILENT } from '../../src/relay/log.ts';
import { Relay } from '../../src/relay/forwarding/relay.ts';
import { freePort } from '../freePort.ts';
import { HANG_MS } from '../hang.ts';

let folder: string;
let relay: Relay;
let port: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-clients-'));
  relay = new Relay({ log: SILENT, access: new AccessList([]), descriptorLimit: 1000 });
  const localPort = await freePort();
  port = String(localPort);
  const spec = { bindAddress: '127.0.0.1', localPort, remoteHost: '127.0.0.1', remotePort: await freePort() };
  await relay.setForwarder(1, spec, DEFAULT_OPTIONS);
});

afterAll(async () => {
  await relay.close(0);
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  error: ExecFileException | null;
  said: string;
}

function client(file: string, args: readonly string[]): Promise<Ended> {
  const options = { cwd: folder, timeout: HANG_MS, env: { PATH: process.env['PATH'], HOME: folder } };
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ error, said: stdout + stderr });
    });
  });
}

const commands = (at: string): readonly (readonly [string, readonly string[]])[] => [
  ['wget', ['--tries=1', `http://127.0.0.1:${at}/file`]],
  ['wget', ['--tries=1', '-c', `http://127.0.0.1:${at}/file`]],
  ['curl', ['-sS', '--http0.9', '-O', `http://127.0.0.1:${at}/file`]],
  ['redis-cli', ['-p', at, 'get', 'file']],
  ['psql', ['-h', '127.0.0.1', '-p', at, '-U', 'nobody', '-w', '-c', 'select 1', 'nobody']],
  ['git', ['clone', '-q', `git://127.0.0.1:${at}/repo.git`]],
  ['rsync', [`rsync://127.0.0.1:${at}/module/file`, 'file']],
  ['ssh', ['-F', 'none', '-p', at, '-o', 'BatchMode=yes', '127.0.0.1']],
];

describe('a client of a server that is dead', () => {
  it.each(commands('').map(([file], index) => [index, file] as const))(
    'command %d, %s, fails, hears nothing of names, and leaves no file',
    async (index) => {
      const [file = '', args = []] = commands(port)[index] ?? [];
      const { error, said } = await client(file, args);
      // The program is there, ran, and failed of itself.
      expect(typeof error?.code === 'number' && error.code > 0, `${file}: ${error?.code ?? 'done'}`).toBe(
        true,
      );
      expect(said).not.toContain('Failed to connect to:');
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('is one that would succeed if the relay answered in words: what this file tests for can happen', async () => {
    const words = createServer((socket) => {
      socket.resume().end('Failed to connect to: 127.0.0.1:1\n');
    });
    await new Promise<void>((resolve) => words.listen(0, '127.0.0.1', resolve));
    const address = words.address();
    const at = typeof address === 'object' && address !== null ? address.port : 0;
    const { error } = await client('wget', ['--tries=1', `http://127.0.0.1:${at}/file`]);
    words.close();
    expect(error).toBeNull();
    expect(await readdir(folder)).toEqual(['file']);
    await rm(join(folder, 'file'));
  });
});
