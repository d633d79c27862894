/** How the scripts of this folder begin and end: their words, and one line and an exit code for what goes wrong. */
import { CommanderError, type Command } from 'commander';
import { EXIT, noPrivilege, UserError } from '../../src/core/errors.ts';

/** Parses the words; what is wrong with them is said, and ends the process with 2. */
export function parsed(program: Command, argv: readonly string[]): Command {
  try {
    return program.exitOverride().parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  }
}

/** Runs the script, as root, and sets its exit code. */
export async function runScript(
  name: string,
  main: (argv: readonly string[]) => Promise<number>,
): Promise<void> {
  try {
    const argv = process.argv.slice(2);
    const isHelp = argv.includes('--help') || argv.includes('-h');
    if (process.getuid?.() !== 0 && !isHelp)
      throw noPrivilege('only root can make root folders and run in them');
    process.exitCode = await main(argv);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = error.hint === undefined ? '' : `${name}: ${error.hint}\n`;
    process.stderr.write(`${name}: ${error.message}\n${hint}`);
    process.exitCode = error.exitCode;
  }
}
