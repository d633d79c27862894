/** Relays that share a limit, each a process of its own, and downloads through them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { builtFile } from './built.ts';
import type { Sharer } from '../../../src/relay/share/connection.ts';
import type { ShareStatus } from '../../../src/relay/share/sharedLimit.ts';
import { freePort } from '../../freePort.ts';
import { until } from '../../hang.ts';

const BUILT = builtFile('iprelay');

export interface Shown extends ShareStatus {
  readonly sharers: readonly Sharer[];
}

export interface Relay {
  readonly port: number;
  readonly child: ChildProcess;
  readonly say: (line: string) => Promise<string>;
  readonly share: () => Promise<Shown>;
  /** What it has said on standard error, its log. */
  readonly log: () => string;
}

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The server that it leads to, on loopback. */
  readonly serverPort: number;
  /** Where it is put as soon as it runs. */
  readonly children: ChildProcess[];
}

/** Returns when it has started. */
export async function startRelay(
  name: string,
  args: readonly string[],
  { env, serverPort, children }: Surroundings,
): Promise<Relay> {
  const port = await freePort('127.0.0.1');
  const child = spawn(
    process.execPath,
    [BUILT, '-f', '--name', name, ...args, `127.0.0.1:${port}:127.0.0.1:${serverPort}`],
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  children.push(child);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const say = async (line: string): Promise<string> => {
    const ctl = spawn(process.execPath, [BUILT, 'ctl', name, ...line.split(' ')], { env });
    let said = '';
    ctl.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(ctl, 'close');
    return said;
  };
  await until(() => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log}`);
    return log.includes(' started ');
  });
  return {
    port,
    child,
    say,
    share: async () => JSON.parse(await say('show share --json')) as Shown,
    log: () => log,
  };
}

export interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** One that cannot start: how it ends. */
export async function endOf(
  args: readonly string[],
  { env, children }: Pick<Surroundings, 'env' | 'children'>,
): Promise<Ended> {
  const child = spawn(process.execPath, [BUILT, '-f', '--log', 'stderr', ...args], { env });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, said };
}

export interface Loaded {
  bytes: number;
}

/** Begins to read from a server that sends without end. */
export function download({ port }: Relay, sockets: Socket[]): Loaded {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const loaded = { bytes: 0 };
  socket.on('data', (chunk: Buffer) => (loaded.bytes += chunk.length)).on('error', () => undefined);
  return loaded;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
export const shares = ({ sharers }: Shown): number[] => sharers.map(({ share }) => share.down);
/** All of it is given out: within what those who want nothing keep. */
export const isWhole = (shown: Shown, limit: number): boolean => sum(shares(shown)) >= 0.97 * limit;
