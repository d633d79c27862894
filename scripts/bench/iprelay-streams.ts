/**
 * The long form of test/unit/relay/prompt/streams.test.ts: random byte streams with random half-closes, resets,
 * limit changes and stalls through one relay. `npx tsx scripts/bench/iprelay-streams.ts [STREAMS] [SEED]`
 * (a connection is two streams; a million take about half an hour).
 */
import type { Server } from 'node:net';
import { execute } from '../../src/relay/prompt/execute.ts';
import { listen, portOf, startRelay } from '../../test/unit/relay/forwarding/network.ts';
import {
  Acceptor,
  runPlan,
  type SidePlan,
  type Step,
  type StreamPlan,
} from '../../test/unit/relay/streams.ts';

const streams = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
/** Plans that run beside each other, each over its own server so that connections are told apart. */
const PARALLEL = 16;

/** mulberry32: small, repeatable. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(seed);
const upTo = (limit: number): number => Math.floor(random() * limit);

function side(ending: 'end' | 'reset'): SidePlan {
  const steps = Array.from({ length: upTo(4) }, (): Step => {
    const kind = upTo(10);
    if (kind === 0) return { waitMs: upTo(3) };
    return { write: 1 + upTo(kind === 1 ? 200_000 : 2000) };
  });
  return { steps, ending };
}

function plan(): StreamPlan {
  const kind = upTo(8);
  return {
    seed: upTo(0x7fff_ffff),
    client: side(kind === 0 ? 'reset' : 'end'),
    server: side(kind === 1 ? 'reset' : 'end'),
  };
}

const CHANGES = [
  'set bandwidth 0',
  'set bandwidth 5mb',
  'set bandwidth 100mb',
  'set bandwidth_up 3mb',
  'set bandwidth_up 0',
  'set forwarder 1 conn_down 2mb',
  'set forwarder 1 conn_down 0',
  'set forwarder 1 bandwidth 8mb',
  'set forwarder 1 bandwidth 0',
  'set fault 1 latency 2ms jitter 2ms',
  'set fault 1 stall 3ms/10ms',
  'set fault 1 off',
  'set fault 1 off',
];

let done = 0;
let wrong = 0;
const ends: (() => Promise<void>)[] = [];
const changes: NodeJS.Timeout[] = [];

async function worker(): Promise<void> {
  const server: Server = await listen(() => undefined);
  const acceptor = new Acceptor(server);
  const network = await startRelay(portOf(server));
  // The script may be held still for other measurements; that is not the server's silence.
  await execute(network.relay, 'set connect_timeout 3600');
  ends.push(async () => {
    await network.end();
    server.close();
  });
  changes.push(setInterval(() => void execute(network.relay, CHANGES[upTo(CHANGES.length)] ?? ''), 37));
  while (done < streams) {
    done += 2;
    const each = plan();
    const problems = await runPlan(each, network.port, acceptor);
    if (problems.length === 0) continue;
    wrong++;
    console.log(JSON.stringify({ problems, plan: each }));
  }
}

const fromMs = performance.now();
const report = setInterval(() => {
  console.error(`${done} streams, ${wrong} wrong, ${((performance.now() - fromMs) / 1000).toFixed(0)} s`);
}, 10_000);
await Promise.all(Array.from({ length: PARALLEL }, worker));
clearInterval(report);
for (const timer of changes) clearInterval(timer);
for (const finish of ends) await finish();
console.log(
  `${done} streams, seed ${seed}, ${wrong} wrong, ${((performance.now() - fromMs) / 1000).toFixed(0)} s`,
);
process.exit(wrong === 0 ? 0 : 1);
