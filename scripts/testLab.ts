/**
 * `npm run test:lab`: the tests of the lab in their short form, all of them; `-- --turn [N]`: those whose turn it is, today's
 * or the Nth from 0 (`test/labFiles.ts`). The last line says how many passed and failed.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { pathOf, turnOfTheDay, TURNS } from '../test/labFiles.ts';
import { closingLines } from './testReport/report.ts';
import { runTests } from './testRuns.ts';

/** One of them; undefined: all. */
function wantedTurn(argv: readonly string[]): number | undefined {
  const program = new Command('npm run test:lab --')
    .description('Runs the tests of the lab in their short form.')
    .option('--turn [N]', `one part of them, 0 to ${TURNS.length - 1}; without N today's`, turnOf)
    .exitOverride();
  const { turn } = program.parse(argv, { from: 'user' }).opts<{ turn?: number | true }>();
  return turn === true ? turnOfTheDay(new Date()) : turn;
}

function turnOf(word: string): number {
  if (TURNS[Number(word)] === undefined || !/^\d+$/.test(word))
    throw new InvalidArgumentError(`There are 0 to ${TURNS.length - 1}.`);
  return Number(word);
}

try {
  const turn = wantedTurn(process.argv.slice(2));
  if (turn !== undefined) console.log(`== turn ${turn}: ${TURNS[turn]?.join(', ')}`);
  const files = turn === undefined ? [] : (TURNS[turn] ?? []).map(pathOf);
  const report = await runTests([{ projects: ['lab'], files }]);
  for (const line of closingLines(report)) console.log(line);
  process.exitCode = report.failures.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
