/**
 * 9,000 connections open, 1000 of them active, at a limit of 50 MB/s, for two minutes; then clients beyond the
 * limit on connections. `npx tsx scripts/bench/iprelay-many.ts [CONNECTIONS ACTIVE SECONDS]`.
 * Each side is a process of its own: every process may have 20,000 descriptors here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  cpuSec,
  end,
  flood,
  freePort,
  jain,
  median,
  printTable,
  residentBytes,
  sleep,
  startRelay,
} from './iprelay-lib.ts';

const [count = 9000, active = 1000, seconds = 120] = process.argv.slice(2).map(Number);
const LIMIT = 50_000_000;

/** The server side: floods whoever sends a byte. */
async function serve(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      flood(socket, Buffer.alloc(16_384));
    });
  }).listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
}

/** The connections, from several addresses: one has 28,000 ports, and this machine has other users. */
async function openAll(port: number, onBroken: () => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (i % 4)}` });
    socket.on('error', onBroken);
    sockets.push(socket);
    if (i % 50 === 49) await once(socket, 'connect');
  }
  return sockets;
}

interface Measured {
  /** Bytes per second: over the whole time, and in each second. */
  rate: number;
  perSecond: number[];
  /** Bytes of each active connection. */
  received: number[];
  peakBytes: number;
  cpu: number;
  metricsMs: number[];
}

/** Lets the sockets download for the time that was asked for. */
async function measure(sockets: readonly Socket[], pid: number, metricsPort: number): Promise<Measured> {
  const received = new Array<number>(active).fill(0);
  const perSecond: number[] = [];
  let total = 0;
  for (const [i, socket] of sockets.entries()) {
    socket.on('data', (chunk: Buffer) => {
      received[i] = (received[i] ?? 0) + chunk.length;
      total += chunk.length;
    });
    socket.write('x');
  }
  await sleep(5000);
  received.fill(0);
  total = 0;
  const cpuBefore = cpuSec(pid);
  const fromMs = performance.now();
  let peakBytes = 0;
  const metricsMs: number[] = [];
  for (let second = 0; second < seconds; second++) {
    const before = total;
    const atMs = performance.now();
    await sleep(1000);
    perSecond.push(((total - before) / (performance.now() - atMs)) * 1000);
    peakBytes = Math.max(peakBytes, residentBytes(pid));
    const askedMs = performance.now();
    await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    metricsMs.push(performance.now() - askedMs);
  }
  const rate = (total / (performance.now() - fromMs)) * 1000;
  const cpu = (cpuSec(pid) - cpuBefore) / seconds;
  return { rate, perSecond, received, peakBytes, cpu, metricsMs };
}

/** One more than allowed: closed cleanly, and the others do not notice. */
async function oneMore(port: number): Promise<string> {
  const extra = connect(port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  return Promise.race([once(extra, 'end').then(() => 'closed cleanly'), sleep(3000).then(() => 'waiting')]);
}

/** The relay before it has a connection, and with all of them open and idle. */
interface Idle {
  emptyBytes: number;
  idleBytes: number;
  idleCpu: number;
}

function print(
  { emptyBytes, idleBytes, idleCpu }: Idle,
  measured: Measured,
  broken: number,
  refusal: string,
): void {
  const { rate, perSecond, received, peakBytes, cpu, metricsMs } = measured;
  const ofLimit = (bytesPerSec: number, digits: number): string =>
    `${((bytesPerSec / LIMIT) * 100).toFixed(digits)} %`;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const perConnection = `${((idleBytes - emptyBytes) / count / 1000).toFixed(1)} kB each`;
  const perActive = `${((peakBytes - idleBytes) / active / 1000).toFixed(0)} kB more per active one`;
  printTable(
    ['what', 'value'],
    [
      ['connections open / active', `${count} / ${active}`],
      ['time', `${seconds} s`],
      ['errors', broken],
      ['rate against 50 MB/s', ofLimit(rate, 2)],
      [
        'slowest / fastest second',
        `${ofLimit(Math.min(...perSecond), 1)} / ${ofLimit(Math.max(...perSecond), 1)}`,
      ],
      ['Jain among the active', jain(received).toFixed(4)],
      ['memory of the relay, empty', megabytes(emptyBytes)],
      ['memory with all open and idle', `${megabytes(idleBytes)}, ${perConnection}`],
      ['memory at most, active', `${megabytes(peakBytes)}, ${perActive}`],
      ['processor of the relay, all idle', `${(idleCpu * 100).toFixed(1)} %`],
      ['processor of the relay, active', `${(cpu * 100).toFixed(0)} %`],
      [
        'metrics asked each second, median and longest answer',
        `${median(metricsMs).toFixed(0)} ms, ${Math.max(...metricsMs).toFixed(0)} ms`,
      ],
      ['one client more', refusal],
    ],
  );
}

async function main(): Promise<void> {
  const server = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, BENCH_ROLE: 'server' },
  });
  const [serverPort] = (await once(server, 'message')) as [number];
  const port = await freePort();
  const metricsPort = await freePort();
  const args = ['-b', String(LIMIT), '--set', `max_conns=${count}`, '--metrics', String(metricsPort)];
  const relay = await startRelay(port, serverPort, args);
  const pid = relay.pid ?? 0;
  const emptyBytes = residentBytes(pid);
  let broken = 0;
  const sockets = await openAll(port, () => broken++);
  await sleep(3000);
  const idleBytes = residentBytes(pid);
  const cpuIdle = cpuSec(pid);
  await sleep(5000);
  const idleCpu = (cpuSec(pid) - cpuIdle) / 5;
  const measured = await measure(sockets.slice(0, active), pid, metricsPort);
  const refusal = await oneMore(port);
  print({ emptyBytes, idleBytes, idleCpu }, measured, broken, refusal);
  await end(relay);
  await end(server);
}

if (process.env['BENCH_ROLE'] === 'server') await serve();
else {
  await main();
  process.exit();
}
