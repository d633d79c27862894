/**
 * `npm run test:lab`: the tests of the lab in their short form, all of them; `-- --turn [N]`: what `npm test` leaves out and whose
 * turn it is, today's or the Nth from 0 (`test/labFiles.ts`). The last line says how many passed and failed.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { COMMAND_TURNS, commandPathOf, pathOf, turnOfTheDay, TURNS } from '../test/labFiles.ts';
import { closingLines } from './testReport/report.ts';
import { runTests, type TestRun } from './testRuns.ts';

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

function runsOf(turn: number): TestRun[] {
  const names = TURNS[turn] ?? [];
  const command = COMMAND_TURNS[turn];
  console.log(
    `== turn ${turn}: ${[...names, ...(command === undefined ? [] : [`cli/${command}`])].join(', ')}`,
  );
  const lab = { projects: ['lab'], files: names.map(pathOf) };
  return command === undefined ? [lab] : [lab, { projects: ['cli'], files: [commandPathOf(command)] }];
}

try {
  const turn = wantedTurn(process.argv.slice(2));
  const report = await runTests(turn === undefined ? [{ projects: ['lab'] }] : runsOf(turn));
  for (const line of closingLines(report)) console.log(line);
  process.exitCode = report.failures.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
