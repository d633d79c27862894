/**
 * Unlimited forwarding beside the peers from Debian, 1 and 8 streams of iperf3, interleaved in one run:
 * `npx tsx scripts/bench/iprelay-peers.ts [ROUNDS [SECONDS]]`. Needs nginx-light, libnginx-mod-stream, haproxy,
 * socat, redir, iperf3. Each runs by hand with a configuration of its own on high ports of loopback.
 * The sixth column is what the machine's noise cannot change: processor seconds of the relay per gigabyte.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuSec, end, freePort, median, printTable, sleep, startRelay, waitForPort } from './iprelay-lib.ts';

const rounds = Number(process.argv[2] ?? 3);
const seconds = Number(process.argv[3] ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'iprelay-peers-'));
const run = promisify(execFile);

/** A relay of Node's documentation: two sockets and pipe(). */
const PIPE = `const net = require('node:net'); const [port, to] = process.argv.slice(1).map(Number);
net.createServer((c) => { const s = net.connect(to, '127.0.0.1'); c.pipe(s); s.pipe(c);
c.on('error', () => s.destroy()); s.on('error', () => c.destroy()); }).listen(port, '127.0.0.1');`;

function start(file: string, args: readonly string[]): ChildProcess {
  return spawn(file, args, { stdio: 'ignore' });
}

type Peer = (port: number, to: number) => Promise<ChildProcess> | ChildProcess;

const PEERS: Readonly<Record<string, Peer>> = {
  iprelay: (port, to) => startRelay(port, to, []),
  'nginx stream': (port, to) => {
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so; daemon off; worker_processes 1;
pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; events { worker_connections 1024; }
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${to}; } }`,
    );
    return start('nginx', ['-c', file]);
  },
  haproxy: (port, to) => {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `defaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h
listen relay\n bind 127.0.0.1:${port}\n server s 127.0.0.1:${to}\n`,
    );
    return start('haproxy', ['-db', '-f', file]);
  },
  socat: (port, to) =>
    start('socat', [`TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, `TCP:127.0.0.1:${to}`]),
  redir: (port, to) => start('redir', ['-n', `127.0.0.1:${port}`, `127.0.0.1:${to}`]),
  'Node, pipe()': (port, to) => start(process.execPath, ['-e', PIPE, String(port), String(to)]),
};

/** The process and its children: nginx and haproxy work in a child, socat and redir in one per connection. */
function family(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          Number(
            readFileSync(`/proc/${name}/stat`, 'utf8')
              .replace(/^.*\) /, '')
              .split(' ')[1],
          ) === pid
        );
      } catch {
        return false;
      }
    });
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** Processor time of all of them; children that have ended are counted by their parent. */
function totalCpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ended = (Number(fields[13]) + Number(fields[14])) / 100;
  const living = family(pid).reduce((sum, each) => {
    try {
      return sum + cpuSec(each);
    } catch {
      return sum;
    }
  }, 0);
  return living + ended;
}

async function iperf(port: number, streams: number): Promise<{ bitPerSec: number; bytes: number }> {
  const args = ['-c', '127.0.0.1', '-p', String(port), '-t', String(seconds), '-P', String(streams), '-J'];
  const { stdout } = await run('iperf3', args, { maxBuffer: 1e8 });
  const { end: result } = JSON.parse(stdout) as {
    end: { sum_received: { bits_per_second: number; bytes: number } };
  };
  return { bitPerSec: result.sum_received.bits_per_second, bytes: result.sum_received.bytes };
}

const target = await freePort();
const iperfServer = start('iperf3', ['-s', '-p', String(target)]);
await waitForPort(target);
await sleep(300);
const running: { name: string; port: number; child: ChildProcess | undefined }[] = [
  { name: 'direct', port: target, child: undefined },
];
for (const [name, peer] of Object.entries(PEERS)) {
  const port = await freePort();
  const child = await peer(port, target);
  running.push({ name, port, child });
}
await sleep(500);
const results = new Map<string, { gbit: Map<number, number[]>; cpu: number; bytes: number }>();
for (let round = 0; round < rounds; round++) {
  for (const streams of [1, 8]) {
    for (const { name, port, child } of running) {
      const result = results.get(name) ?? { gbit: new Map<number, number[]>(), cpu: 0, bytes: 0 };
      results.set(name, result);
      const before = child?.pid === undefined ? 0 : totalCpu(child.pid);
      const measured = await iperf(port, streams).catch(() => undefined);
      await sleep(300);
      if (measured === undefined) continue;
      result.cpu += (child?.pid === undefined ? 0 : totalCpu(child.pid)) - before;
      result.bytes += measured.bytes;
      result.gbit.set(streams, [...(result.gbit.get(streams) ?? []), measured.bitPerSec / 1e9]);
    }
  }
}
const of = (name: string, streams: number): number => median(results.get(name)?.gbit.get(streams) ?? []);
printTable(
  ['relay', '1 stream, Gbit/s', 'against nginx', '8 streams, Gbit/s', 'against nginx', 'processor s per GB'],
  running.map(({ name }) => {
    const { cpu = 0, bytes = 1 } = results.get(name) ?? {};
    return [
      name,
      of(name, 1).toFixed(1),
      (of(name, 1) / of('nginx stream', 1)).toFixed(2),
      of(name, 8).toFixed(1),
      (of(name, 8) / of('nginx stream', 8)).toFixed(2),
      name === 'direct' ? '' : ((cpu / bytes) * 1e9).toFixed(2),
    ];
  }),
);
for (const { child } of running) {
  // nginx ends its worker, socat and redir end what they forked, when they are asked politely.
  child?.kill('SIGTERM');
}
await sleep(500);
for (const { child } of running) if (child !== undefined) await end(child);
await end(iperfServer);
process.exit();
