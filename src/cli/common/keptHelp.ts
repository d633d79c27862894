/**
 * The help as the build has kept it (scripts/build.mjs), for a command line that asks for nothing else: it is shown without
 * loading all that knows the command's words.
 */
import { readFileSync } from 'node:fs';
import { USUAL_COLUMNS } from './columns.ts';

/** Undefined: it has to be made, for a narrow terminal or where nothing was built. */
export function keptHelp(command: string, argv: readonly string[]): string | undefined {
  const [word = '', ...rest] = argv;
  if (!['--help', '-h'].includes(word) || rest.length > 0) return undefined;
  if ((process.stdout.columns || USUAL_COLUMNS) < USUAL_COLUMNS) return undefined;
  try {
    return readFileSync(new URL(`./help-${command}.txt`, import.meta.url), 'utf8');
  } catch {
    return undefined;
  }
}
