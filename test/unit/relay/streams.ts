/**
 * A model of byte streams through the relay: each side's plan of writes, pauses, half-closes and resets, and
 * what the other side must see of it. Used by the test (few) and by scripts/bench/iprelay-streams.ts (a million).
 */
import type { Server, Socket } from 'node:net';
import { connectTo } from './forwarding/network.ts';

export type Step = { write: number } | { waitMs: number };

export interface SidePlan {
  readonly steps: readonly Step[];
  /** How this side ends its stream. `reset` comes after everything else of this side. */
  readonly ending: 'end' | 'reset';
}

export interface StreamPlan {
  readonly client: SidePlan;
  readonly server: SidePlan;
  readonly seed: number;
}

/** Byte number `index` of the stream of a side: any loss, repetition or swap shows. */
function pattern(seed: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) {
    const at = from + i;
    bytes[i] = (Math.imul(at ^ (at >>> 8) ^ seed, 0x9e3779b1) >>> 24) & 0xff;
  }
  return bytes;
}

interface Seen {
  bytes: number;
  corrupt: boolean;
  ending: 'end' | 'reset' | 'open';
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function play(socket: Socket, plan: SidePlan, seed: number): Promise<number> {
  let sent = 0;
  for (const step of plan.steps) {
    if (socket.destroyed) return sent;
    if ('waitMs' in step) await sleep(step.waitMs);
    else {
      const flushed = new Promise((resolve) => socket.write(pattern(seed, sent, step.write), resolve));
      sent += step.write;
      await flushed;
    }
  }
  if (!socket.destroyed) {
    if (plan.ending === 'reset') socket.resetAndDestroy();
    else socket.end();
  }
  return sent;
}

function watch(socket: Socket, seed: number): { seen: Seen; done: Promise<void> } {
  const seen: Seen = { bytes: 0, corrupt: false, ending: 'open' };
  // Read only after each poll, as the relay does, and for its reason: else libuv shows a reset as an end.
  socket.on('readable', () => {
    setImmediate(() => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      if (!chunk.equals(pattern(seed, seen.bytes, chunk.length))) seen.corrupt = true;
      seen.bytes += chunk.length;
    });
  });
  const done = new Promise<void>((resolve) => {
    socket.on('end', () => {
      seen.ending = 'end';
      resolve();
    });
    socket.on('error', () => {
      if (seen.ending === 'open') seen.ending = 'reset';
    });
    socket.on('close', () => {
      resolve();
    });
  });
  return { seen, done };
}

/** Hands the sockets that a server accepts to whoever waits, in order. */
export class Acceptor {
  readonly #waiting: ((socket: Socket) => void)[] = [];
  readonly #early: Socket[] = [];

  constructor(server: Server) {
    server.on('connection', (socket) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#early.push(socket);
      else next(socket);
    });
  }

  next(): Promise<Socket> {
    const socket = this.#early.shift();
    return socket === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(socket);
  }
}

/** Runs one plan through the relay; resolves to what was wrong, nothing if all was right. */
export async function runPlan(plan: StreamPlan, relayPort: number, acceptor: Acceptor): Promise<string[]> {
  const accepted = acceptor.next();
  const client = await connectTo(relayPort);
  const clientSees = watch(client, plan.seed + 1);
  const server = await accepted;
  const serverSees = watch(server, plan.seed);
  const [clientSent, serverSent] = await Promise.all([
    play(client, plan.client, plan.seed),
    play(server, plan.server, plan.seed + 1),
  ]);
  await Promise.all([clientSees.done, serverSees.done]);
  return [
    ...verdict('server', serverSees.seen, clientSent, plan.client.ending, plan.server.ending),
    ...verdict('client', clientSees.seen, serverSent, plan.server.ending, plan.client.ending),
  ];
}

function verdict(
  who: string,
  seen: Seen,
  sent: number,
  theirEnding: 'end' | 'reset',
  ownEnding: 'end' | 'reset',
): string[] {
  const wrong: string[] = [];
  if (seen.corrupt) wrong.push(`${who} saw wrong bytes`);
  if (seen.bytes > sent) wrong.push(`${who} saw ${seen.bytes} bytes of ${sent}`);
  // A reset on either side may overtake bytes; without one every byte and the end must arrive.
  const clean = theirEnding === 'end' && ownEnding === 'end';
  if (clean && seen.bytes !== sent) wrong.push(`${who} saw ${seen.bytes} bytes of ${sent}`);
  if (clean && seen.ending !== 'end') wrong.push(`${who} saw ${seen.ending} instead of the end`);
  if (theirEnding === 'reset' && ownEnding === 'end' && seen.ending !== 'reset') {
    wrong.push(`${who} saw ${seen.ending} instead of the reset`);
  }
  return wrong;
}
