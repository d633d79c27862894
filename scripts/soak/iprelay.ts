/**
 * `tsx scripts/soak/iprelay.ts [MINUTES]`: a relay at high churn for an hour, or as long as told. Clients come and
 * go all the time: whole transfers, resets in the middle, half-closes, clients that never read, that never send,
 * that are refused, and servers that are not there; limits and forwarders change meanwhile. Every ten seconds the
 * relay's memory and descriptors are printed. Exit code 1 if either has grown from the second quarter of the time
 * to the last one, or if any echoed byte was wrong.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { freePort } from '../../test/freePort.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

const minutes = Number(process.argv[2] ?? 60);
const WORKERS = 40;
const SAMPLE_MS = 10_000;
/** Growth of medians from the second to the last quarter that is still taken for noise of the collector. */
const MEMORY_TOLERANCE_BYTES = 12e6;
const PAYLOAD = Buffer.from(Array.from({ length: 30_000 }, (_, index) => index % 251));

interface Sample {
  rssBytes: number;
  descriptors: number;
  connections: number;
}

const folder = await mkdtemp(join(tmpdir(), 'iprelay-soak-'));
const env = { PATH: process.env['PATH'], XDG_RUNTIME_DIR: folder, HOME: folder };
const ignore = (): void => undefined;

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', ignore);
  socket.pipe(socket);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const serverPort = (server.address() as AddressInfo).port;

const [port, deadPort] = [await freePort(), await freePort()];
const relay = spawn(
  process.execPath,
  [
    'dist/bin/iprelay.js',
    '--foreground',
    '--name',
    'soak',
    '--log',
    join(folder, 'log'),
    '--set',
    'debug=0',
    '--set',
    'idle_out=5',
    `${port}:127.0.0.1:${serverPort}`,
    `${deadPort}:127.0.0.1:1`,
  ],
  { env, stdio: ['ignore', 'ignore', 'inherit'] },
);
const control = (...words: string[]) =>
  execa(process.execPath, ['dist/bin/iprelay.js', 'ctl', 'soak', ...words], { env, reject: false });
while ((await control('show', 'version')).exitCode !== 0) await sleep(200);

const done = { whole: 0, reset: 0, halfClosed: 0, unread: 0, silent: 0, refused: 0, wrong: 0 };
const endMs = performance.now() + minutes * 60_000;
const over = (): boolean => performance.now() > endMs;

function open(to: number): Socket {
  return connect({ port: to, host: '127.0.0.1', allowHalfOpen: true }).on('error', ignore);
}

const ended = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => {
    socket.once('close', resolve);
  });

const behaviours: readonly (() => Promise<void>)[] = [
  async () => {
    const socket = open(port);
    let received = 0;
    let wrongBytes = 0;
    socket.on('data', (data: Buffer) => {
      if (!data.equals(PAYLOAD.subarray(received, received + data.length))) wrongBytes += data.length;
      received += data.length;
    });
    socket.on('end', () => socket.destroy());
    socket.end(PAYLOAD);
    await ended(socket);
    done.whole++;
    // Less may arrive if the relay was told to kill it; other bytes may not.
    done.wrong += wrongBytes;
  },
  async () => {
    const socket = open(port);
    socket.write(PAYLOAD);
    socket.once('data', () => socket.resetAndDestroy());
    await Promise.race([ended(socket), sleep(2000)]);
    socket.destroy();
    done.reset++;
  },
  async () => {
    const socket = open(port);
    socket.end('x');
    await Promise.race([once(socket.resume(), 'end').catch(ignore), sleep(2000)]);
    socket.destroy();
    done.halfClosed++;
  },
  async () => {
    const socket = open(port).pause();
    socket.write(PAYLOAD);
    await sleep(300);
    socket.destroy();
    done.unread++;
  },
  async () => {
    const socket = open(port).resume();
    await Promise.race([ended(socket), sleep(500 + 8000 * Math.random())]);
    socket.destroy();
    done.silent++;
  },
  async () => {
    const socket = open(deadPort).resume();
    await ended(socket.on('end', () => socket.destroy()));
    done.refused++;
  },
];

async function churn(): Promise<void> {
  while (!over()) {
    // Whole transfers most of the time.
    const which = Math.random() < 0.5 ? 0 : Math.floor(Math.random() * behaviours.length);
    await behaviours[which]?.();
  }
}

async function changes(): Promise<void> {
  const lines = [
    'set bandwidth 3000000',
    'set fault 99 latency 20ms jitter 10ms',
    'set bandwidth 0',
    'set forwarder 99 conn_bandwidth 200000',
    'set fault 99 off',
    'set forwarder 99 conn_bandwidth 0',
    'show stats',
    'kill all',
  ];
  for (let turn = 0; !over(); turn++) {
    await sleep(3000);
    await control(...(lines[turn % lines.length] ?? '').split(' '));
  }
}

async function sample(): Promise<Sample> {
  const status = await readFile(`/proc/${relay.pid ?? 0}/status`, 'utf8');
  const { stdout } = await control('show', 'stats', '--json');
  return {
    rssBytes: 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
    descriptors: (await readdir(`/proc/${relay.pid ?? 0}/fd`)).length,
    connections: (JSON.parse(stdout) as { connections: unknown[] }).connections.length,
  };
}

const samples: Sample[] = [];
async function watch(): Promise<void> {
  while (!over()) {
    await sleep(SAMPLE_MS);
    const now = await sample();
    samples.push(now);
    console.log(
      `${(samples.length * SAMPLE_MS) / 1000} s: ${(now.rssBytes / 1e6).toFixed(1)} MB, ${now.descriptors} descriptors, ${now.connections} connections`,
    );
  }
}

const before = await sample();
await Promise.all([...Array.from({ length: WORKERS }, churn), changes(), watch()]);
// Everything has ended: what is still open then has leaked.
await sleep(6000);
const after = await sample();
relay.kill('SIGTERM');
await once(relay, 'exit');
server.close();
await rm(folder, { recursive: true, force: true });

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const quarter = (nth: number): Sample[] =>
  samples.slice((nth * samples.length) / 4, ((nth + 1) * samples.length) / 4);
const grownBytes =
  median(quarter(3).map(({ rssBytes }) => rssBytes)) - median(quarter(1).map(({ rssBytes }) => rssBytes));
const leaked = after.descriptors - before.descriptors;
console.log(JSON.stringify(done));
console.log(
  `memory grew by ${(grownBytes / 1e6).toFixed(1)} MB from the second to the last quarter, ${leaked} descriptors and ${after.connections} connections are left`,
);
process.exitCode =
  grownBytes > MEMORY_TOLERANCE_BYTES || leaked > 0 || after.connections > 0 || done.wrong > 0 ? 1 : 0;
