import { EXIT, UserError, UserErrors } from '../errors.ts';
import { printable } from '../printable.ts';

/** Where a command writes: results on `out`, everything else on `err`. */
export interface Streams {
  out: NodeJS.WritableStream;
  err: NodeJS.WritableStream;
}

/**
 * Runs a command and turns what it throws into one line each on standard error and the exit code of the
 * table in errors.ts. What is not a user's error is a bug: it is shown with its stack.
 */
export async function runMain(command: string, body: () => Promise<number>): Promise<void> {
  // A reader that closes early (`inetgw ppp0 | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  try {
    process.exitCode = await body();
  } catch (error) {
    process.exitCode = reportError(command, error, process.stderr);
  }
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
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  err.write(`${command}: this is a bug in ${command}, please report it:\n${printable(text)}\n`);
  return EXIT.failed;
}

/**
 * One message. What it quotes may come from anywhere (a name, a file, what a program said): nothing in it
 * steers the terminal, and its further lines are set in, so that none can pass for a message of its own.
 */
export function messageLine(command: string, message: string): string {
  return `${command}: ${printable(message.trimEnd()).replaceAll('\n', '\n    ')}\n`;
}
