/**
 * `npm run fuzz [-- --seconds N] [--seed N] [--save] [TARGET…]`: searches for inputs that crash, hang or blow up
 * what reads text from outside, guided by coverage. N seconds for each target, 4 unless told. Starts from
 * test/fuzz/corpus; --save adds the short inputs that reached something new. Exit code 1: an input was found, which
 * is printed and written to .lab/fuzz, to be put into the corpus together with the fix.
 */
import { build } from 'esbuild';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { TARGET_NAMES } from '../../test/fuzz/targets.ts';
import { bundleTargets } from './bundle.ts';
import type { Report, Task } from './worker.ts';

/** A single input takes microseconds; none may take this. */
const HANG_MS = 4000;
const MEMORY_MB = 300;
const MOST_LETTERS = 8000;
const OUT = resolve('.lab/fuzz');
/** What may be added to the corpus: it stays small and readable. */
const SAVED_LENGTH = 400;
const SAVED_COUNT = 40;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    save: { type: 'boolean', default: false },
  },
});

type Outcome = Report | { kind: 'hang' | 'memory'; input: string };

const corpusFile = (target: string): string => join('test/fuzz/corpus', `${target}.json`);

async function readCorpus(target: string): Promise<string[]> {
  const text = await readFile(corpusFile(target), 'utf8').catch(() => '[]');
  return JSON.parse(text) as string[];
}

function search(workerFile: string, task: Omit<Task, 'shared'>): Promise<Outcome> {
  const shared = new SharedArrayBuffer(8 + 2 * MOST_LETTERS);
  const counts = new Uint32Array(shared, 0, 2);
  const input = (): string =>
    String.fromCharCode(...new Uint16Array(shared, 8, Math.min(counts[1] ?? 0, MOST_LETTERS)));
  return new Promise((done) => {
    const worker = new Worker(workerFile, {
      workerData: { ...task, shared } satisfies Task,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    let last = -1;
    let lastMs = performance.now();
    const watch = setInterval(() => {
      const now = counts[0] ?? 0;
      // Loading counts as well, and a busy machine may take seconds for it.
      if (now !== last || now === 0) [last, lastMs] = [now, performance.now()];
      else if (performance.now() - lastMs > HANG_MS) finish({ kind: 'hang', input: input() });
    }, 200);
    const finish = (outcome: Outcome): void => {
      clearInterval(watch);
      void worker.terminate();
      done(outcome);
    };
    worker.on('message', finish);
    worker.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') finish({ kind: 'memory', input: input() });
      else finish({ kind: 'crash', input: input(), error: error.stack ?? error.message });
    });
  });
}

async function addToCorpus(
  target: string,
  corpus: readonly string[],
  found: readonly string[],
): Promise<number> {
  const short = found.filter((text) => text.length <= SAVED_LENGTH && !corpus.includes(text));
  const added = short.slice(0, Math.max(0, SAVED_COUNT - corpus.length));
  if (added.length > 0)
    await writeFile(corpusFile(target), `${JSON.stringify([...corpus, ...added], null, 1)}\n`);
  return added.length;
}

await mkdir(OUT, { recursive: true });
const { file, dictionary } = await bundleTargets(join(OUT, 'targets.mjs'));
const workerFile = join(OUT, 'worker.mjs');
await build({
  entryPoints: ['scripts/fuzz/worker.ts'],
  outfile: workerFile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  logLevel: 'warning',
  external: ['./targets.mjs'],
});
const chosen =
  positionals.length === 0 ? TARGET_NAMES : TARGET_NAMES.filter((name) => positionals.includes(name));
if (chosen.length === 0) throw new Error(`targets: ${TARGET_NAMES.join(', ')}`);
console.log(`seed ${values.seed}, ${values.seconds} s each`);
let total = 0;
for (const target of chosen) {
  const corpus = await readCorpus(target);
  const task = {
    bundle: pathToFileURL(file).href,
    target,
    corpus,
    dictionary,
    seconds: Number(values.seconds),
    seed: Number(values.seed),
  };
  const outcome = await search(workerFile, task);
  if (outcome.kind === 'done') {
    total += outcome.executions;
    const saved = values.save ? `, ${await addToCorpus(target, corpus, outcome.found)} saved` : '';
    console.log(
      `${target}: ${outcome.executions} inputs, ${outcome.reached} places reached, ${outcome.found.length} new${saved}`,
    );
    continue;
  }
  const kept = join(OUT, `${target}-${outcome.kind}.json`);
  await writeFile(kept, JSON.stringify(outcome.input));
  console.log(`${target}: ${outcome.kind} by ${JSON.stringify(outcome.input)} (${kept})`);
  if (outcome.kind === 'crash') console.log(outcome.error);
  process.exitCode = 1;
}
console.log(`${total} inputs in all`);
