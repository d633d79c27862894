/** What the help of the three commands has in common. */
import type { Command } from 'commander';

/** Terminals of 80 columns are what people have on a gateway's console; wider lines are not read any better. */
const WIDTH = 80;

/** Helps in at most 80 columns, beginning with a sentence that says what the program does. */
export function withHelp(program: Command, sentence: string, after: string): Command {
  return program
    .configureOutput({
      // Errors are worded and written by runMain, in one place for all commands.
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(WIDTH, process.stdout.columns || WIDTH),
    })
    .addHelpText('before', `${sentence}\n`)
    .addHelpText('after', after);
}
