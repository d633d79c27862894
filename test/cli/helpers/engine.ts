/** Redis, and Valkey where this Debian has it, as their packages bring them, on loopback with nothing on disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { execa } from 'execa';
import { freePort } from '../../freePort.ts';
import { until } from '../../hang.ts';
import { debianProgram, type Program } from './debianProgram.ts';

export interface EngineProcess {
  readonly port: number;
  readonly child: ChildProcess;
}

/** The servers that this Debian has: Redis everywhere, Valkey from Debian 13 on. */
export async function enginePrograms(): Promise<[name: string, program: Program][]> {
  const redis = await debianProgram('/usr/bin/redis-server', ['redis-server', 'redis-tools']);
  const known = await execa('apt-cache', ['show', 'valkey-server'], { reject: false });
  if (!known.stdout.includes('Package: valkey-server')) return [['redis', redis]];
  return [
    ['redis', redis],
    ['valkey', await debianProgram('/usr/bin/valkey-server', ['valkey-server', 'valkey-tools'])],
  ];
}

/** Starts one, at a port that is given where it is to be found again; returns when it answers. */
export async function startEngine(
  program: Program,
  port?: number,
  more: readonly string[] = [],
): Promise<EngineProcess> {
  const at = port ?? (await freePort('127.0.0.1'));
  const args = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--dir', '/tmp', ...more];
  const child = spawn(program.file, args, { env: program.env, stdio: 'ignore' });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program.file} ended with ${child.exitCode}`);
    const socket = createConnection(at, '127.0.0.1');
    const answers = new Promise<boolean>((resolve) => {
      socket
        .on('connect', () => socket.write('PING\r\n'))
        .on('data', () => {
          resolve(true);
        })
        .on('error', () => {
          resolve(false);
        });
    });
    const there = await answers;
    socket.destroy();
    return there;
  });
  return { port: at, child };
}

export async function killed(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
