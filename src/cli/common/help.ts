/** What the help of the three commands has in common. */
import type { Command } from 'commander';
import { USUAL_COLUMNS } from './columns.ts';

/** Helps in at most 80 columns, beginning with a sentence that says what the program does. */
export function withHelp(program: Command, sentence: string, after: string): Command {
  return program
    .configureOutput({
      // Errors are worded and written by runMain, in one place for all commands.
      writeErr: () => undefined,
      // Wider lines are not read any better.
      getOutHelpWidth: () => Math.min(USUAL_COLUMNS, process.stdout.columns || USUAL_COLUMNS),
    })
    .addHelpText('before', `${sentence}\n`)
    .addHelpText('after', after);
}
