/** An option never takes the next one for its value, in any of the three commands. */
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { checkOptionValues } from '../../../src/cli/common/optionValues.ts';

const program = new Command('it')
  .option('-b, --bandwidth <RATE>', '')
  .option('--root <DIR>', '')
  .option('--ports <LIST>', '')
  .option('-n, --dry-run', '');
const check = (...argv: string[]): void => {
  checkOptionValues(program, argv);
};

it.each([
  [['--root', '--dry-run'], "--root needs a value, and '--dry-run' is an option"],
  [['--root', '--unknown'], "--root needs a value, and '--unknown' is an option"],
  [['-b', '-n'], "-b needs a value, and '-n' is an option"],
  [['--root', ''], '--root is empty'],
  [['--root='], '--root is empty'],
])('%j is refused', (argv, message) => {
  expect(() => {
    check(...argv);
  }).toThrow(message);
});

it.each([
  [['--root=--dry-run']],
  [['--root', '-folder']],
  [['-b', '-5']],
  [['--ports', '']],
  [['--root', 'x', '-n', 'word']],
  [['word', '--', '--root', '--dry-run']],
  // That a value is missing at the end, commander says.
  [['--root']],
])('%j is not', (argv) => {
  check(...argv);
});
