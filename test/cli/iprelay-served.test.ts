/**
 * Real clients and real servers through the relay, as people have them: whole files under a limit, resets in the middle, ends
 * that are only half. Every file has one subject for all of them: what arrives is what was sent, or the client says that it is not.
 */
import { execFile, type ExecFileException, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessList } from '../../src/relay/clients/access.ts';
import { execute } from '../../src/relay/prompt/execute.ts';
import { SILENT } from '../../src/relay/log.ts';
import { Relay } from '../../src/relay/forwarding/relay.ts';
import { freePort } from '../freePort.ts';
import { HANG_MS } from '../hang.ts';

const FILE_BYTES = 300_000;
/** Bytes per second; a file takes a third of a second. */
const LIMIT = 1_000_000;

const content = randomBytes(FILE_BYTES);
const running: ChildProcess[] = [];
const servers: Server[] = [];
let folder: string;
let relay: Relay;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-served-'));
  await mkdir(join(folder, 'out'));
  await writeFile(join(folder, 'file'), content);
  relay = new Relay({ log: SILENT, access: new AccessList([]), descriptorLimit: 1000 });
  await say(`set bandwidth ${LIMIT}`);
});

afterAll(async () => {
  await relay.close(0);
  for (const child of running) child.kill('SIGKILL');
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function say(line: string): Promise<string> {
  const reply = await execute(relay, line);
  if (!reply.ok) throw new Error(reply.text);
  return reply.text;
}

let forwarders = 0;

/** Another forwarder, to that port; gives its number and its own port. */
async function forwardTo(port: number): Promise<{ number: number; at: string }> {
  const number = ++forwarders;
  const text = await say(`set forwarder ${number} 127.0.0.1:0:127.0.0.1:${port}`);
  return { number, at: /\d+(?=\.$)/.exec(text)?.[0] ?? '' };
}

interface Ended {
  error: ExecFileException | null;
  stdout: string;
  stderr: string;
}

function client(file: string, args: readonly string[], input?: Buffer): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: folder };
  const options = {
    cwd: join(folder, 'out'),
    timeout: HANG_MS,
    env,
    encoding: 'latin1',
    maxBuffer: 1e8,
  } as const;
  return new Promise((resolve) => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ error, stdout, stderr });
    });
    // One that fails does not read to the end.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Runs a client that has to succeed. */
async function succeed(file: string, args: readonly string[], input?: Buffer): Promise<string> {
  const { error, stdout, stderr } = await client(file, args, input);
  expect(error, stderr).toBeNull();
  return stdout;
}

/** The file as the client has left it, which is then taken away. */
async function got(name: string): Promise<Buffer> {
  const path = join(folder, 'out', name);
  const bytes = await readFile(path);
  await rm(path);
  return bytes;
}

const same = (bytes: Buffer | string): boolean => Buffer.from(bytes as string, 'latin1').equals(content);

/** Starts a server program and waits until it answers on its port. */
async function serve(file: string, args: readonly string[], port: number): Promise<number> {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  running.push(child);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${file}: ${said}`);
    const socket = connect(port, '127.0.0.1');
    const came = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return came;
  };
  await expect.poll(answers, { timeout: HANG_MS }).toBe(true);
  return port;
}

const portOf = async (server: Server): Promise<number> => {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

/** Answers with the file, or from where the client says on; keeps what is put. */
function answer(put: Map<string, Buffer>) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      if (request.method === 'PUT') put.set(request.url ?? '', Buffer.concat(chunks));
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${from}-${FILE_BYTES - 1}/${FILE_BYTES}` };
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': FILE_BYTES - from,
        'accept-ranges': 'bytes',
        ...(from > 0 ? range : {}),
      });
      response.end(content.subarray(from));
    });
  };
}

describe('curl and wget', () => {
  const put = new Map<string, Buffer>();
  let plain: { number: number; at: string };

  beforeAll(async () => {
    plain = await forwardTo(await portOf(createHttp(answer(put))));
  });

  it('fetch and put whole files over HTTP/1.1', async () => {
    expect(same(await succeed('curl', ['-sS', `http://127.0.0.1:${plain.at}/file`]))).toBe(true);
    await succeed('curl', ['-sS', '-o', 'none', '-T', '../file', `http://127.0.0.1:${plain.at}/put`]);
    await rm(join(folder, 'out', 'none'));
    expect(same(put.get('/put') ?? '')).toBe(true);
    await succeed('wget', ['-q', '--tries=1', `http://127.0.0.1:${plain.at}/file`]);
    expect(same(await got('file'))).toBe(true);
  });

  it('speak TLS and HTTP/2 through it, several streams over one connection', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    await succeed('openssl', [
      ...args,
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      cert,
    ]);
    const options = { key: await readFile(key), cert: await readFile(cert), allowHTTP1: true };
    const server = createSecureServer(options, (request, response) => {
      response.writeHead(200, { 'x-version': request.httpVersion });
      response.end(content);
    });
    const { at } = await forwardTo(await portOf(server));
    const url = `https://localhost:${at}/file`;
    const over = async (version: string): Promise<string> =>
      succeed('curl', ['-sS', version, '--cacert', cert, '-w', '%{stderr}%{http_version}', url]);
    expect(same(await over('--http1.1'))).toBe(true);
    expect(same(await over('--http2'))).toBe(true);
    const three = ['-sS', '--http2', '-Z', '--cacert', cert, '-w', '%{http_version} '];
    const files = ['a', 'b', 'c'].flatMap((name) => ['-o', name, url]);
    expect(await succeed('curl', [...three, ...files])).toBe('2 2 2 ');
    for (const name of ['a', 'b', 'c']) expect(same(await got(name))).toBe(true);
  });

  it('say that a file is not whole when the connection is reset, and wget -c fetches the rest', async () => {
    await say(`set fault ${plain.number} down reset 100kb`);
    const cut = await client('curl', ['-sS', '-o', 'part', `http://127.0.0.1:${plain.at}/file`]);
    // 56: failure in receiving network data.
    expect(cut.error?.code).toBe(56);
    expect((await got('part')).length).toBeLessThanOrEqual(100_000);
    const wget = ['-q', '-c', `http://127.0.0.1:${plain.at}/file`];
    const failed = await client('wget', ['--tries=1', ...wget]);
    expect(failed.error?.code).toBe(4);
    await say(`set fault ${plain.number} off`);
    await succeed('wget', ['--tries=1', ...wget]);
    expect(same(await got('file'))).toBe(true);
  });

  it('give up a server that is too slow when they are told to', async () => {
    await say(`set fault ${plain.number} down stall hold`);
    const slow = await client('curl', ['-sS', '-m', '1', '-o', 'part', `http://127.0.0.1:${plain.at}/file`]);
    // 28: operation timed out.
    expect(slow.error?.code).toBe(28);
    await say(`set fault ${plain.number} off`);
  });
});

describe('other clients', () => {
  it('redis-cli: values, pipes and a whole mass insertion', async () => {
    const port = await freePort();
    // Debian's redis-check-rdb is the server under another name.
    const args = ['--port', port, '--bind', '127.0.0.1', '--save', "''", '--appendonly', 'no'].join(' ');
    await serve('bash', ['-c', `exec -a redis-server redis-check-rdb ${args}`], port);
    const { at } = await forwardTo(port);
    const redis = (words: readonly string[], input?: Buffer): Promise<string> =>
      succeed('redis-cli', ['-h', '127.0.0.1', '-p', at, ...words], input);
    expect(await redis(['-x', 'set', 'file'], content)).toBe('OK\n');
    expect(same((await redis(['--raw', 'get', 'file'])).slice(0, -1))).toBe(true);
    const lines = Array.from({ length: 2000 }, (_, index) => `SET key${index} value${index}\r\n`).join('');
    expect(await redis(['--pipe'], Buffer.from(lines))).toContain('errors: 0, replies: 2000');
    expect(await redis(['get', 'key1999'])).toBe('value1999\n');
  });

  it('git: clone and push', async () => {
    const git = (...args: string[]): Promise<string> =>
      succeed('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.net', ...args]);
    await git('init', '-q', '--bare', '../repo.git');
    await git('-C', '../repo.git', 'config', 'daemon.receivepack', 'true');
    const port = await freePort();
    const options = ['--export-all', '--reuseaddr', `--base-path=${folder}`, `--port=${port}`];
    await serve('/usr/lib/git-core/git-daemon', [...options, '--listen=127.0.0.1', folder], port);
    const url = `git://127.0.0.1:${(await forwardTo(port)).at}/repo.git`;
    await git('clone', '-q', url, 'one');
    await writeFile(join(folder, 'out', 'one', 'file'), content);
    await git('-C', 'one', 'add', 'file');
    await git('-C', 'one', 'commit', '-qm', 'one');
    await git('-C', 'one', 'push', '-q', url, 'HEAD:refs/heads/main');
    await git('clone', '-q', '-b', 'main', url, 'two');
    expect(same(await readFile(join(folder, 'out', 'two', 'file')))).toBe(true);
  });

  it('ssh, scp and rsync: an answer after half a close, files both ways', async () => {
    const port = await freePort();
    const home = join(folder, 'home');
    await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    await succeed('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', '../key']);
    await succeed('dropbearkey', ['-t', 'ed25519', '-f', '../hostkey']);
    await writeFile(join(home, '.ssh', 'authorized_keys'), await readFile(join(folder, 'key.pub')));
    // A server without a service; it looks into the user's home, which is another one for it alone.
    const inside = 'mount --bind "$0" "$1" && shift && exec "$@"';
    const options = ['-F', '-E', '-r', '../hostkey', '-P', '../pid', '-p', `127.0.0.1:${port}`];
    const dropbear = ['dropbear', ...options.map((each) => each.replace('..', folder))];
    await serve('unshare', ['-m', 'sh', '-c', inside, home, userInfo().homedir, ...dropbear], port);
    const { at } = await forwardTo(port);
    const common = ['-F', 'none', '-i', '../key', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no'];
    const known = ['-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
    const args = [...common, ...known];
    // The end of the input is half a close of the channel; the answer comes after it.
    expect(same(await succeed('ssh', [...args, '-p', at, '127.0.0.1', 'cat; sleep 0.2'], content))).toBe(
      true,
    );
    await succeed('scp', ['-O', ...args, '-P', at, '../file', `127.0.0.1:${folder}/out/sent`]);
    expect(same(await got('sent'))).toBe(true);
    await succeed('scp', ['-O', ...args, '-P', at, `127.0.0.1:${folder}/file`, 'fetched']);
    expect(same(await got('fetched'))).toBe(true);
    await succeed('rsync', [
      '-e',
      ['ssh', ...args, '-p', at].join(' '),
      `127.0.0.1:${folder}/file`,
      'synced',
    ]);
    expect(same(await got('synced'))).toBe(true);
  });

  it('chromium: a page with what it loads', async () => {
    const script = 'document.body.append(String(new XMLHttpRequest().UNSENT), " all of it")';
    const server = createHttp((request, response) => {
      const page = `<body>${'x'.repeat(200_000)}<script src="script.js"></script>`;
      response.end(request.url === '/' ? page : script);
    });
    const { at } = await forwardTo(await portOf(server));
    const shown = await succeed('chromium', [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      `--user-data-dir=${join(folder, 'chromium')}`,
      '--dump-dom',
      `http://127.0.0.1:${at}/`,
    ]);
    expect(shown).toContain(`${'x'.repeat(200_000)}<script src="script.js"></script>0 all of it`);
  });

  it('socat: the answer to one that has ended its own side comes whole', async () => {
    const port = await freePort();
    await serve(
      'socat',
      [`TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, 'SYSTEM:cat >in; cat in'],
      port,
    );
    const { at } = await forwardTo(port);
    expect(same(await succeed('socat', ['-t60', '-', `TCP:127.0.0.1:${at}`], content))).toBe(true);
  });
});
