/**
 * Searches one target in a thread of its own: an input that reaches something new is kept and changed further.
 * The input being tried stands in memory shared with the main thread, which so knows it when this thread hangs
 * or runs out of memory.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { mutate, randomFrom } from './mutate.ts';

export interface Task {
  bundle: string;
  target: string;
  corpus: string[];
  dictionary: string[];
  seconds: number;
  seed: number;
  /** Executions so far, length of the input being tried; then its UTF-16 code units. */
  shared: SharedArrayBuffer;
}

export type Report =
  | { kind: 'done'; executions: number; found: string[]; reached: number }
  | { kind: 'crash'; input: string; error: string };

const task = workerData as Task;
const counts = new Uint32Array(task.shared, 0, 2);
const letters = new Uint16Array(task.shared, 8);

type Counters = Record<string, number | number[]>;
interface FileCoverage {
  s: Counters;
  b: Counters;
}

const { TARGETS } = (await import(task.bundle)) as {
  TARGETS: Record<string, (text: string) => void | Promise<void>>;
};
const target = TARGETS[task.target];
if (target === undefined) throw new Error(`no target ${task.target}`);
const coverage = (globalThis as { __coverage__?: Record<string, FileCoverage> }).__coverage__ ?? {};

/** Every counter as the list and the place in it. */
const counters = Object.values(coverage).flatMap(({ s, b }) => [
  ...Object.keys(s).map((key) => [s, key] as const),
  ...Object.values(b).flatMap((arms) =>
    Array.isArray(arms) ? arms.map((_, index) => [arms as unknown as Counters, String(index)] as const) : [],
  ),
]);
const seen = new Uint8Array(counters.length);

/** How often in classes, as AFL does: once, twice, more. */
function classOf(count: number): number {
  return count === 0
    ? 0
    : count === 1
      ? 1
      : count === 2
        ? 2
        : count < 8
          ? 4
          : count < 32
            ? 8
            : count < 128
              ? 16
              : 32;
}

/** Reads and clears the counters; true if something was reached that never was before. */
function reachedNew(): boolean {
  let isNew = false;
  for (const [index, [list, key]] of counters.entries()) {
    const count = list[key];
    if (typeof count !== 'number' || count === 0) continue;
    list[key] = 0;
    const bit = classOf(count);
    if (((seen[index] ?? 0) & bit) === 0) {
      seen[index] = (seen[index] ?? 0) | bit;
      isNew = true;
    }
  }
  return isNew;
}

const tell = (report: Report): void => {
  parentPort?.postMessage(report);
};

/** False after a crash, which is told. */
async function tryOne(input: string): Promise<boolean> {
  counts[1] = Math.min(input.length, letters.length);
  for (let at = 0; at < input.length && at < letters.length; at++) letters[at] = input.charCodeAt(at);
  try {
    await target?.(input);
  } catch (error) {
    tell({
      kind: 'crash',
      input,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return false;
  }
  counts[0] = (counts[0] ?? 0) + 1;
  return true;
}

async function search(): Promise<void> {
  const random = randomFrom(task.seed);
  const pool: string[] = [];
  const found: string[] = [];
  reachedNew();
  for (const input of ['', ...task.corpus]) {
    if (!(await tryOne(input))) return;
    reachedNew();
    pool.push(input);
  }
  const endMs = performance.now() + task.seconds * 1000;
  while (performance.now() < endMs) {
    // The newest are changed more often: they are where something was found.
    const from = random(2) === 0 ? pool.length - 1 - random(Math.min(pool.length, 8)) : random(pool.length);
    const input = mutate(pool[from] ?? '', random, { dictionary: task.dictionary, others: pool });
    if (!(await tryOne(input))) return;
    if (reachedNew()) {
      pool.push(input);
      found.push(input);
    }
  }
  tell({
    kind: 'done',
    executions: counts[0] ?? 0,
    found,
    reached: seen.filter((bits) => bits !== 0).length,
  });
}

await search();
