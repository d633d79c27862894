/**
 * Other ways to limit a relay from Debian, beside iprelay: how exact, how smooth, how fair, and what is limited.
 * `npx tsx scripts/bench/iprelay-limits.ts [BYTES_PER_SECOND ...]` (default 102400 and 10240000). Needs
 * nginx-light, libnginx-mod-stream, socat and trickle. haproxy has its limiter since 2.7 and Debian 12 comes
 * with 2.6: HAPROXY=COMMAND names a newer one
 * (Debian 13's 3.0, unpacked to DIR: 'DIR/lib64/ld-linux-x86-64.so.2 --library-path
 * DIR/usr/lib/x86_64-linux-gnu DIR/usr/sbin/haproxy').
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, flood, freePort, jain, printTable, sleep, startRelay, waitForPort } from './iprelay-lib.ts';

const SECONDS = 10;
const SKIP_SEC = 2;
const limits = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [102_400, 10_240_000];
const folder = mkdtempSync(join(tmpdir(), 'iprelay-limits-'));

/** A process group of its own, so that what it forks ends with it. */
const start = (file: string, args: readonly string[]): ChildProcess =>
  spawn(file, args, { stdio: 'ignore', detached: true });

function stop(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

type Peer = (port: number, to: number, limit: number) => Promise<ChildProcess[]> | ChildProcess[];

const socat = (port: number, to: number): string[] => [
  'socat',
  `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`,
  `TCP:127.0.0.1:${to}`,
];

/** `trickle` counts in units of 1024 bytes per second. */
const kibi = (limit: number): string => String(Math.round(limit / 1024));

/** haproxy, with the lines of its configuration that limit what the server sends. */
function haproxy(lines: (limit: number) => string): Peer {
  return (port, to, limit) => {
    const config = join(folder, 'haproxy.cfg');
    writeFileSync(
      config,
      `defaults
 mode tcp
 timeout connect 5s
 timeout client 1h
 timeout server 1h
backend limits
 stick-table type string len 8 size 10 expire 1h store bytes_out_rate(1s)
listen relay
 bind 127.0.0.1:${port}
 server s 127.0.0.1:${to}
 tcp-request inspect-delay 1s
 ${lines(limit)}
`,
    );
    const [file = 'haproxy', ...args] = (process.env['HAPROXY'] ?? 'haproxy').split(' ');
    return [start(file, [...args, '-db', '-f', config])];
  };
}

const PEERS: Readonly<Record<string, Peer>> = {
  'iprelay -b': async (port, to, limit) => [await startRelay(port, to, ['-b', String(limit)])],
  'nginx, proxy_download_rate': (port, to, limit) => {
    const file = join(folder, `nginx-${limit}.conf`);
    writeFileSync(
      file,
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so; daemon off; worker_processes 1;
pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; events { worker_connections 1024; }
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${to}; proxy_download_rate ${limit}; } }`,
    );
    return [start('nginx', ['-c', file])];
  },
  'trickle, socat': (port, to, limit) => [
    start('trickle', ['-s', '-d', kibi(limit), '-u', kibi(limit), ...socat(port, to)]),
  ],
  'trickled, socat': async (port, to, limit) => {
    const path = join(folder, `trickled-${port}`);
    const daemon = start('trickled', ['-f', '-n', path, '-d', kibi(limit), '-u', kibi(limit)]);
    await sleep(500);
    return [daemon, start('trickle', ['-n', path, '-d', kibi(limit), '-u', kibi(limit), ...socat(port, to)])];
  },
  'haproxy, bwlim-out': haproxy(
    (limit) => `filter bwlim-out one default-limit ${limit} default-period 1s
 tcp-response inspect-delay 1s
 tcp-response content set-bandwidth-limit one`,
  ),
  'haproxy, bwlim-out with one key for all': haproxy(
    (limit) => `filter bwlim-out all limit ${limit} key str(all) table limits
 tcp-response inspect-delay 1s
 tcp-response content set-bandwidth-limit all`,
  ),
};

/** Bytes that each of `count` downloads received per 100 ms. */
async function download(port: number, count: number): Promise<number[][]> {
  const bins = Array.from({ length: count }, () => new Array<number>(SECONDS * 10).fill(0));
  const sockets: Socket[] = [];
  const startMs = performance.now() + SKIP_SEC * 1000;
  for (const row of bins) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.on('data', (chunk: Buffer) => {
      const bin = Math.floor((performance.now() - startMs) / 100);
      if (bin >= 0 && bin < row.length) row[bin] = (row[bin] ?? 0) + chunk.length;
    });
  }
  await sleep((SECONDS + SKIP_SEC) * 1000 + 100);
  for (const socket of sockets) socket.destroy();
  return bins;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

const server = createServer((socket) => {
  flood(socket);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port: target } = server.address() as AddressInfo;
const rows = [];
for (const limit of limits) {
  for (const count of [1, 4]) {
    for (const [name, peer] of Object.entries(PEERS)) {
      const port = await freePort();
      const running = await peer(port, target, limit);
      const up = await waitForPort(port).then(
        () => true,
        () => false,
      );
      if (up) {
        const bins = await download(port, count);
        const all = bins[0]?.map((_, i) => sum(bins.map((row) => row[i] ?? 0))) ?? [];
        const seconds = all.slice(0, -9).map((_, i) => sum(all.slice(i, i + 10)) / limit);
        rows.push([
          name,
          limit,
          count,
          percent(sum(all) / limit / SECONDS),
          `${percent(Math.min(...seconds))} to ${percent(Math.max(...seconds))}`,
          percent(Math.max(...all) / (limit / 10)),
          count === 1 ? '' : jain(bins.map(sum)).toFixed(4),
        ]);
      } else rows.push([name, limit, count, 'does not start', '', '', '']);
      for (const child of running) stop(child);
      for (const child of running) await end(child);
    }
  }
}
printTable(
  [
    'relay',
    'limit, bytes/s',
    'connections',
    'delivered in 10 s',
    'in single seconds',
    'largest 100 ms',
    'Jain',
  ],
  rows,
);
process.exit();
