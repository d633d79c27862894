import { EXIT, errorCode, failure, UserError, UserErrors } from '../../core/errors.ts';
import { messageLine } from '../../core/messageLine.ts';
import { printable } from '../../core/printable.ts';

/**
 * Runs a command and turns what it throws into one line each on standard error and the exit code of the
 * table in errors.ts. What is not a user's error is a bug: it is shown with its stack.
 */
export async function runMain(command: string, body: () => Promise<number>): Promise<void> {
  const output = watchOutput(command);
  try {
    const code = await body();
    process.exitCode = code === EXIT.ok && output.lost ? EXIT.failed : code;
  } catch (error) {
    process.exitCode = reportError(command, error, process.stderr);
  }
}

/**
 * Whatever becomes of a terminal, a reader or a disk, a change of the line is carried to its end: nothing that is written
 * is worth leaving it half way. A reader that closes early (`inetgw ppp0 | head`) is no error; output that cannot be
 * written for another reason is, and it is said once.
 */
function watchOutput(command: string): { readonly lost: boolean } {
  const output = { lost: false };
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || output.lost) return;
    output.lost = true;
    process.exitCode = reportError(
      command,
      failure(`cannot write the output: ${error.message}`),
      process.stderr,
    );
  });
  return output;
}

/** Writes the error to `err` and returns the exit code. */
export function reportError(command: string, error: unknown, err: NodeJS.WritableStream): number {
  if (error instanceof UserErrors) {
    for (const each of error.errors) reportError(command, each, err);
    return error.errors[0]?.exitCode ?? EXIT.failed;
  }
  if (error instanceof UserError) {
    err.write(messageLine(command, error.message));
    if (error.hint !== undefined) err.write(messageLine(command, error.hint));
    return error.exitCode;
  }
  if (errorCode(error) === 'EMFILE') {
    const known = failure('too few files may be open', 'raise the limit: ulimit -n 1024');
    return reportError(command, known, err);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  err.write(`${command}: this is a bug in ${command}, please report it:\n${printable(text)}\n`);
  return EXIT.failed;
}
