/**
 * Runs in the guest: relays, some behind another, and connections through them that send and receive all they can. Writes as JSON
 * what each has carried in the window. argv: a `SharesRequest` as JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SharesRequest {
  readonly node: string;
  readonly iprelay: string;
  /** One behind the other: the first leads to the server, each further one to the one before it. Bytes per second. */
  readonly limits: readonly number[];
  /** So many connections through each of them. */
  readonly connections: readonly number[];
  readonly direction: 'up' | 'down';
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** Bytes per second of each connection, by the relay that it enters. */
export type Shares = readonly (readonly number[])[];

const CHUNK = Buffer.alloc(65_536);
const FIRST_PORT = 10_001;

const flood = (socket: Socket, chunk = CHUNK): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  // Of who only looks whether somebody listens.
  socket.on('error', () => socket.destroy());
  more();
};

const ask = JSON.parse(process.argv[2] ?? '') as SharesRequest;
const received = new Map<number, number>();
const count = (tag: number, bytes: number): void => {
  received.set(tag, (received.get(tag) ?? 0) + bytes);
};

const server = createServer((socket) => {
  if (ask.direction === 'down') flood(socket);
  else
    socket.on('data', (chunk: Buffer) => {
      count(chunk[0] ?? 0, chunk.length);
    });
}).listen(0, '127.0.0.1');
await once(server, 'listening');

const children = ask.limits.map((limit, index) => {
  const to = index === 0 ? (server.address() as AddressInfo).port : FIRST_PORT + index - 1;
  const spec = `${FIRST_PORT + index}:127.0.0.1:${to}`;
  return spawn(ask.node, [ask.iprelay, '-f', '--log', 'none', '-b', String(limit), spec], {
    stdio: 'inherit',
  });
});
const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
for (const index of ask.limits.keys()) while (!(await listens(FIRST_PORT + index))) await sleep(100);

let tags = 0;
const opened = ask.connections.map((number, index) =>
  Array.from({ length: number }, () => {
    const tag = ++tags;
    const socket = connect(FIRST_PORT + index, '127.0.0.1');
    if (ask.direction === 'down')
      socket.on('data', (chunk: Buffer) => {
        count(tag, chunk.length);
      });
    else
      socket.on('connect', () => {
        flood(socket, Buffer.alloc(CHUNK.length, tag));
      });
    return { tag, socket };
  }),
);
await sleep(ask.warmUpMs);
const before = new Map(received);
const fromMs = performance.now();
await sleep(ask.windowMs);
const windowSec = (performance.now() - fromMs) / 1000;
const shares: Shares = opened.map((each) =>
  each.map(({ tag }) => ((received.get(tag) ?? 0) - (before.get(tag) ?? 0)) / windowSec),
);
process.stdout.write(JSON.stringify(shares));
for (const child of children) child.kill('SIGKILL');
process.exit(0);
