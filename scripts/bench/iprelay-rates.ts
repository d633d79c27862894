/**
 * Delivered rate, fairness and the echo beside a transfer, in wall time through the built relay.
 * `npx tsx scripts/bench/iprelay-rates.ts [rates|fairness|echo ...]`; all without an argument (about 4 min).
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { end, flood, freePort, jain, median, printTable, sleep, startRelay } from './iprelay-lib.ts';

async function listen(handler: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, handler).listen({
    port: 0,
    host: '127.0.0.1',
    backlog: 4096,
  });
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Bytes received per 100 ms of `seconds` seconds, after `skipSec` seconds, by each of `count` downloads. */
async function download(limit: number, count: number, seconds: number, skipSec: number): Promise<number[][]> {
  // No more than needed: a thousand senders would otherwise fill gigabytes of kernel buffers first.
  const share = Math.ceil((limit / count) * (seconds + skipSec) * 1.2) + 131_072;
  const server = await listen((socket) => {
    flood(socket, Buffer.alloc(Math.min(65_536, share)), share);
  });
  const port = await freePort();
  const relay = await startRelay(port, portOf(server), ['-b', String(limit)]);
  const bins = Array.from({ length: count }, () => new Array<number>(seconds * 10).fill(0));
  const sockets: Socket[] = [];
  const all = Array.from({ length: count }, async (_, i) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return { socket, i };
  });
  const ready = await Promise.all(all);
  const startMs = performance.now() + skipSec * 1000;
  for (const { socket, i } of ready) {
    socket.on('data', (chunk: Buffer) => {
      const bin = Math.floor((performance.now() - startMs) / 100);
      const row = bins[i];
      if (row !== undefined && bin >= 0 && bin < seconds * 10) row[bin] = (row[bin] ?? 0) + chunk.length;
    });
  }
  await sleep((skipSec + seconds) * 1000 + 200);
  await end(relay);
  for (const socket of sockets) socket.destroy();
  server.close();
  return bins;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

async function rates(): Promise<void> {
  const rows = [];
  for (const limit of [512, 10_000, 100_000, 1e6, 1e7, 1e8]) {
    const [bins = []] = await download(limit, 1, 10, 1);
    // Every window of one second, in steps of 100 ms.
    const seconds = bins.slice(0, -9).map((_, i) => sum(bins.slice(i, i + 10)) / limit);
    rows.push([
      limit,
      `${((sum(bins) / limit / 10 - 1) * 100).toFixed(2)} %`,
      `${(Math.min(...seconds) * 100).toFixed(1)} %`,
      `${(Math.max(...seconds) * 100).toFixed(1)} %`,
    ]);
  }
  printTable(['limit, bytes/s', 'error over 10 s', 'slowest second', 'fastest second'], rows);
}

async function fairness(): Promise<void> {
  const rows = [];
  for (const count of process.env['COUNT'] === undefined
    ? [2, 10, 100, 1000]
    : [Number(process.env['COUNT'])]) {
    for (const limit of [512 * count, 1e7, 1e8]) {
      const shares = (await download(limit, count, 10, 3)).map(sum);
      const error = `${((sum(shares) / limit / 10 - 1) * 100).toFixed(2)} %`;
      rows.push([count, limit, jain(shares).toFixed(4), error]);
    }
  }
  printTable(['connections', 'limit, bytes/s', 'Jain over 10 s', 'error of the sum'], rows);
}

async function echo(): Promise<void> {
  const server = await listen((socket) => {
    socket.on('error', () => undefined);
    // The first byte says what the client wants: everything, or its bytes back.
    socket.once('data', (first: Buffer) => {
      if (first[0] === 0x62) flood(socket);
      else socket.on('data', (chunk) => socket.write(chunk));
    });
  });
  const port = await freePort();
  const relay = await startRelay(port, portOf(server), ['-b', '20000']);
  const bulk = connect(port, '127.0.0.1');
  bulk.on('error', () => undefined).on('data', () => undefined);
  bulk.write('b');
  const keys = connect({ port, host: '127.0.0.1', noDelay: true });
  keys.on('error', () => undefined);
  keys.write('e');
  await sleep(2000);
  const times: number[] = [];
  for (let i = 0; i < 100; i++) {
    const fromMs = performance.now();
    keys.write('x');
    await once(keys, 'data');
    times.push(performance.now() - fromMs);
    await sleep(50 + (i % 10) * 7);
  }
  times.sort((a, b) => a - b);
  printTable(
    ['one-byte echo beside a transfer at 20 kB/s', 'median', 'p95', 'largest'],
    [
      [
        '100 echoes',
        `${median(times).toFixed(1)} ms`,
        `${(times[94] ?? 0).toFixed(1)} ms`,
        `${(times[99] ?? 0).toFixed(1)} ms`,
      ],
    ],
  );
  await end(relay);
  for (const socket of [bulk, keys]) socket.destroy();
  server.close();
}

const wanted = process.argv.slice(2);
const parts = { rates, fairness, echo };
for (const [name, part] of Object.entries(parts))
  if (wanted.length === 0 || wanted.includes(name)) await part();
process.exit();
