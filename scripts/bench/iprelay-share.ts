/**
 * A limit that relays share by Redis: how near to the limit all of them together stay, and how soon again after something ends.
 * `npx tsx scripts/bench/iprelay-share.ts [RELAYS ...]` (default 2, 5 and 50). Needs redis-tools and redis-server, or apt-get to
 * unpack them.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { debianProgram } from '../../test/cli/helpers/debianProgram.ts';
import { type EngineProcess, startEngine } from '../../test/cli/helpers/engine.ts';
import { end, flood, freePort, printTable, sleep, startRelay } from './iprelay-lib.ts';

const LIMIT = 1_000_000;
const SAMPLE_MS = 50;
const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2, 5, 50];

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Rates in % of the limit, of all windows of this length that begin and end between two times. */
function windows(samples: readonly Sample[], lengthMs: number, fromMs: number, toMs: number): number[] {
  const within = samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  return within.flatMap((first) => {
    const last = within.find(({ atMs }) => atMs >= first.atMs + lengthMs);
    if (last === undefined) return [];
    return [((last.bytes - first.bytes) * 100_000) / (last.atMs - first.atMs) / LIMIT];
  });
}

const range = (values: readonly number[]): string =>
  values.length === 0 ? '–' : `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;

/** How long after an event it takes until half a second has 97 % of the limit, in ms. */
function backAfterMs(samples: readonly Sample[], eventMs: number): number | undefined {
  const LENGTH_MS = 500;
  const after = samples.filter(({ atMs }) => atMs >= eventMs);
  const first = after.find((from) => {
    const [rate = 0] = windows(samples, LENGTH_MS, from.atMs, from.atMs + 2 * LENGTH_MS);
    return rate >= 97;
  });
  return first === undefined ? undefined : first.atMs - eventMs;
}

async function run(relays: number): Promise<string[][]> {
  const program = await debianProgram('/usr/bin/redis-server', ['redis-server', 'redis-tools']);
  let engine: EngineProcess = await startEngine(program);
  const server = createServer((socket) => {
    flood(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: to } = server.address() as AddressInfo;
  let bytes = 0;
  const children: ChildProcess[] = [];
  for (let n = 0; n < relays; n++) {
    const port = await freePort('127.0.0.1');
    const sharing = ['--share', `redis://127.0.0.1:${engine.port}`, '-b', String(LIMIT)];
    children.push(await startRelay(port, to, sharing));
    connect(port, '127.0.0.1')
      .on('data', (chunk: Buffer) => (bytes += chunk.length))
      .on('error', () => undefined);
  }
  const samples: Sample[] = [];
  const timer = setInterval(() => samples.push({ atMs: performance.now(), bytes }), SAMPLE_MS);
  const rows: string[][] = [];
  const phase = async (name: string, seconds: number, event: () => Promise<void>): Promise<void> => {
    const eventMs = performance.now();
    await event();
    await sleep(seconds * 1000);
    const nowMs = performance.now();
    const back = backAfterMs(samples, eventMs);
    rows.push([
      String(relays),
      name,
      range(windows(samples, 5000, eventMs + 1000, nowMs)),
      range(windows(samples, 1000, eventMs, nowMs)),
      back === undefined ? 'never' : `${Math.round(back)} ms`,
    ]);
  };
  await sleep(3000);
  await phase('all of them', 10, () => Promise.resolve());
  await phase('engine killed', 10, () => end(engine.child));
  await phase('engine started again, empty', 10, async () => {
    engine = await startEngine(program, engine.port);
  });
  const [one] = children;
  await phase('one relay killed', 10, () => (one === undefined ? Promise.resolve() : end(one)));
  clearInterval(timer);
  for (const child of children) await end(child);
  await end(engine.child);
  server.close();
  return rows;
}

const rows: string[][] = [];
for (const relays of counts) rows.push(...(await run(relays)));
printTable(['relays', 'event', 'any 5 s from 1 s on, %', 'any second, %', '97 % again after'], rows);
process.exit(0);
