/**
 * The README's commands as the first ones in a fresh clone in a minimal Debian: `npm run roots -- [--suite SUITE…]
 * [--node MAJOR…] [--run COMMAND…]`, or `--one` for the combination whose turn it is. The clone is of the last commit.
 * Writes what it found to docs/platforms/results.json and docs/platforms.md, but not with `--one`. As root.
 */
import { Command, Option } from 'commander';
import { usageError } from '../src/core/errors.ts';
import { runInCleanRoot } from './platforms/cleanRoot.ts';
import {
  COMBINATIONS,
  nameOf,
  NODES,
  ofTheDay,
  RUNS,
  SUITES,
  type Combination,
} from './platforms/combinations.ts';
import { writeDocument } from './platforms/document.ts';
import { judged } from './platforms/judge.ts';
import { parsed, runScript } from './platforms/main.ts';
import { changeResults, type CellResult } from './platforms/results.ts';

interface Options {
  suite: string[];
  node: string[];
  run: string[];
  one?: true;
}

function wantedOf(argv: readonly string[]): { combinations: readonly Combination[]; write: boolean } {
  const choice = (name: string, words: string, values: readonly (string | number)[], first: string): Option =>
    new Option(`--${name} <${name}...>`, words).choices(values.map(String)).default([first]);
  const program = new Command('npm run roots --')
    .description('Runs the README’s commands in a fresh clone in a minimal Debian.')
    .addOption(choice('suite', 'which Debian', SUITES, 'trixie'))
    .addOption(choice('node', 'which Node', NODES, '20'))
    .addOption(choice('run', 'which command', RUNS, 'demo'))
    .option('--one', 'the combination whose turn it is today; writes nothing');
  const { suite, node, run, one } = parsed(program, argv).opts<Options>();
  if (one === true) return { combinations: [ofTheDay(new Date())], write: false };
  const combinations = COMBINATIONS.filter(
    (each) => suite.includes(each.suite) && node.includes(String(each.node)) && run.includes(each.run),
  );
  if (combinations.length === 0) {
    throw usageError('there is no such combination', 'docs/platforms.md has a table of them');
  }
  return { combinations, write: true };
}

async function main(argv: readonly string[]): Promise<number> {
  const { combinations, write } = wantedOf(argv);
  let allWork = true;
  for (const combination of combinations) {
    const name = nameOf(combination);
    const startedAt = Date.now();
    process.stderr.write(`roots: ${name}\n`);
    const result = await tryOut(combination);
    const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
    process.stdout.write(`${name}: ${result.works ? 'works' : 'fails'}: ${result.note} (${minutes} min)\n`);
    if (!result.works) allWork = false;
    if (!write) continue;
    await changeResults((results) => {
      results.roots[name] = result;
    });
    await writeDocument();
  }
  return allWork ? 0 : 1;
}

async function tryOut(combination: Combination): Promise<CellResult> {
  const day = new Date().toISOString().slice(0, 10);
  const { exitCode, output } = await runInCleanRoot(combination);
  try {
    return { works: true, note: judged(combination.run, exitCode, output), day };
  } catch (error) {
    return { works: false, note: error instanceof Error ? error.message : String(error), day };
  }
}

await runScript('roots', main);
