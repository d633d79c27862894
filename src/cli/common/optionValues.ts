/** Values of options that were forgotten, or came out empty of a shell's variable. Pure. */
import type { Command, Option } from 'commander';
import { usageError } from '../../core/errors.ts';

/** What its flags say that it takes: nothing sensible of these is empty. */
const NEVER_EMPTY = /<(?:FILE|DIR|PATH|FOLDER)>/i;

/**
 * Throws where an option takes the next one for its value, as `--root --dry-run` does, and where a file or folder is empty.
 * What stands behind `--` is no option.
 */
export function checkOptionValues(program: Command, argv: readonly string[]): void {
  const optionOf = (word: string): Option | undefined =>
    program.options.find(({ short, long }) => word === short || word === long);
  for (let at = 0; at < argv.length && argv[at] !== '--'; at += 1) {
    const typed = argv[at] ?? '';
    const [name = '', joined] = typed.startsWith('--') ? typed.split(/=(.*)/s) : [typed];
    const option = optionOf(name);
    if (option?.required !== true) continue;
    if (joined === undefined) at += 1;
    const value = joined ?? argv[at];
    // That there is none at all, commander says.
    if (value === undefined) continue;
    if (value === '' && NEVER_EMPTY.test(option.flags))
      throw usageError(`${name} is empty`, 'it needs a name');
    // Behind an equals sign it is meant.
    if (joined !== undefined || (!/^--./.test(value) && optionOf(value) === undefined)) continue;
    throw usageError(
      `${name} needs a value, and '${value}' is an option`,
      option.long === undefined ? undefined : `if it is meant: ${option.long}=${value}`,
    );
  }
}
