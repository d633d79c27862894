/** The PROXY protocol between iprelay and Debian's haproxy and nginx, on both sides: the last one in the row knows the client. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtFile } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';
import { debianProgram, type Program } from './helpers/debianProgram.ts';
import { freePort } from '../freePort.ts';
import { HANG_MS } from '../hang.ts';

const BUILT = builtFile('iprelay');

let folder: string;
let haproxy: Program;
let nginx: Program;
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  await build();
  folder = await mkdtemp(join(tmpdir(), 'iprelay-proxy-'));
  haproxy = await debianProgram('/usr/sbin/haproxy', ['haproxy']);
  nginx = await debianProgram('/usr/sbin/nginx', ['nginx', 'libnginx-mod-stream']);
});

afterAll(async () => {
  for (const child of children) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function answers(port: number, child: ChildProcess, said: () => string): Promise<void> {
  await expect
    .poll(
      async () => {
        if (child.exitCode !== null) throw new Error(said());
        const socket = connect(port, '127.0.0.1').on('error', () => undefined);
        const came = await Promise.race([
          once(socket, 'connect').then(() => true),
          once(socket, 'close').then(() => false),
        ]);
        socket.destroy();
        return came;
      },
      { timeout: HANG_MS },
    )
    .toBe(true);
}

async function run(file: string, args: readonly string[], port: number, env = process.env): Promise<void> {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await answers(port, child, () => said);
}

let files = 0;

async function startHaproxy(port: number, sections: string): Promise<void> {
  const file = join(folder, `haproxy${++files}.cfg`);
  await writeFile(
    file,
    `global\ndefaults\n timeout connect 60s\n timeout client 60s\n timeout server 60s\n${sections}`,
  );
  await run(haproxy.file, ['-db', '-f', file], port, haproxy.env);
}

async function startNginx(port: number, sections: string): Promise<void> {
  const own = join(folder, `nginx${++files}`);
  await mkdir(own);
  const modules = join(nginx.root, 'usr/lib/nginx/modules/ngx_stream_module.so');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${own};`,
  );
  const text = `load_module ${modules};\ndaemon off;\nmaster_process off;\npid ${own}/pid;\nerror_log stderr;\nevents {}\n${sections.replace('http {', `http {\naccess_log off;\n${temporary.join('\n')}`)}`;
  await writeFile(join(own, 'conf'), text);
  await run(nginx.file, ['-p', own, '-e', 'stderr', '-c', join(own, 'conf')], port, nginx.env);
}

async function startRelay(port: number, to: number, options: string): Promise<void> {
  const file = join(folder, `relay${++files}.toml`);
  const proxy = `proxy = "127.0.0.1:${port}:127.0.0.1:${to}"`;
  await writeFile(file, `log = "none"\nname = "r${files}"\n[forwarder.1]\n${proxy}\n${options}\n`);
  const env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, HOME: folder };
  await run(process.execPath, [BUILT, '-f', '-c', file], port, env);
}

/** What the web server behind it all says about who asks. */
async function ask(port: number, from: string, host = '127.0.0.1'): Promise<string> {
  const args = ['-sS', '--interface', from, `http://${host.includes(':') ? `[${host}]` : host}:${port}/`];
  const { stdout } = await promisify(execFile)('curl', args, { timeout: HANG_MS });
  return stdout;
}

const nginxServer = (port: number): string =>
  `http { server { listen 127.0.0.1:${port} proxy_protocol; location / { return 200 "$proxy_protocol_addr to $proxy_protocol_server_addr"; } } }`;
const haproxyServer = (port: number): string =>
  `frontend f\n mode http\n bind 127.0.0.1:${port} accept-proxy\n http-request return status 200 content-type text/plain lf-string "%[src] to %[dst]"\n`;
const haproxyFront = (port: number, to: number, how: string): string =>
  `listen l\n mode tcp\n bind 127.0.0.1:${port}\n bind ::1:${port}\n server s 127.0.0.1:${to} ${how}\n`;
const nginxFront = (port: number, to: number): string =>
  `stream { server { listen 127.0.0.1:${port}; listen [::1]:${port}; proxy_pass 127.0.0.1:${to}; proxy_protocol on; } }`;

describe('the server knows the client', () => {
  it.each(['v1', 'v2'] as const)('by iprelay alone, %s, haproxy and nginx', async (version) => {
    for (const [start, text] of [
      [startHaproxy, haproxyServer],
      [startNginx, nginxServer],
    ] as const) {
      const [relay, server] = [await freePort(), await freePort()];
      await start(server, text(server));
      await startRelay(relay, server, `send_proxy = "${version}"`);
      expect(await ask(relay, '127.0.0.9')).toBe('127.0.0.9 to 127.0.0.1');
    }
  });

  it.each([
    ['haproxy, v1', 'send-proxy', 'v2', 'nginx'],
    ['haproxy, v2', 'send-proxy-v2', 'v1', 'nginx'],
    ['nginx, v1', undefined, 'v2', 'haproxy'],
  ] as const)('through %s, before iprelay and another one behind it', async (_, how, version, behind) => {
    const [front, relay, server] = [await freePort(), await freePort(), await freePort()];
    if (behind === 'nginx') await startNginx(server, nginxServer(server));
    else await startHaproxy(server, haproxyServer(server));
    // Under a limit too: the header is no part of what is limited, and nothing of what follows it is lost.
    await startRelay(relay, server, `accept_proxy = true\nsend_proxy = "${version}"\nbandwidth = 100000`);
    if (how === undefined) await startNginx(front, nginxFront(front, relay));
    else await startHaproxy(front, haproxyFront(front, relay, how));
    expect(await ask(front, '127.0.0.9')).toBe('127.0.0.9 to 127.0.0.1');
    expect(await ask(front, '::1', '::1')).toBe('::1 to ::1');
  });
});

describe('who does not say who the client is', () => {
  it('is reset, with other words, with too many or with none, and the server is not bothered', async () => {
    let connections = 0;
    const server = createServer(() => connections++).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const relay = await freePort();
    await startRelay(relay, (server.address() as AddressInfo).port, 'accept_proxy = true');
    const ending = async (send: (socket: Socket) => void): Promise<string> => {
      const socket = connect({ port: relay, host: '127.0.0.1', allowHalfOpen: true });
      const ended = new Promise<string>((resolve) => {
        socket.on('error', (error: NodeJS.ErrnoException) => {
          resolve(error.code ?? '');
        });
        socket.on('end', () => {
          resolve('end');
        });
      });
      socket.resume();
      await once(socket, 'connect');
      send(socket);
      return ended;
    };
    const endings = await Promise.all([
      ending((socket) => socket.write('GET / HTTP/1.1\r\n\r\n')),
      ending((socket) => socket.write(`PROXY TCP4 ${'1'.repeat(500)}`)),
      ending((socket) => socket.write(Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex'))),
      ending((socket) => socket.end('PROXY TCP4 192.0.2.1 ')),
      // Says nothing, and stays.
      ending(() => undefined),
    ]);
    expect(endings).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    expect(connections).toBe(0);
  });
});
