/** What the relay's benchmarks share: the built relay as a process of its own, tables, small statistics. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/freePort.ts';

export { freePort };

export const RELAY = fileURLToPath(new URL('../../dist/bin/iprelay.js', import.meta.url));

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function waitForPort(port: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.on('connect', () => {
        resolve(true);
      });
      socket.on('error', () => {
        resolve(false);
      });
    });
    socket.destroy();
    if (open === true) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Ends a process that was started here, and waits for it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The built relay in the foreground; resolves when it listens on `port`. */
export async function startRelay(
  port: number,
  remotePort: number,
  args: readonly string[],
): Promise<ChildProcess> {
  const runtime = mkdtempSync(join(tmpdir(), 'iprelay-bench-'));
  const child = spawn(
    process.execPath,
    [RELAY, '--foreground', '--log', 'none', ...args, `127.0.0.1:${port}:127.0.0.1:${remotePort}`],
    { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, XDG_RUNTIME_DIR: runtime } },
  );
  await waitForPort(port);
  return child;
}

export const residentBytes = (pid: number): number =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

/** Processor time used so far, seconds (user and system; 100 ticks a second on Linux). */
export function cpuSec(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  return (sum * sum) / (shares.length * shares.reduce((a, b) => a + b * b, 0));
}

/** Writes as fast as the other side takes it, at least so many bytes in all. */
export function flood(socket: Socket, chunk = Buffer.alloc(65_536), totalBytes = Infinity): void {
  let sent = 0;
  socket.on('error', () => undefined);
  const more = (): void => {
    while (!socket.destroyed && sent < totalBytes) {
      sent += chunk.length;
      if (!socket.write(chunk)) return;
    }
  };
  socket.on('drain', more);
  more();
}

export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => ' --- |').join('')}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}
