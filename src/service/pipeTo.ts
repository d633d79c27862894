/** Programs that read lines from us for as long as we run: `logger` for syslog, `systemd-cat` for the journal. */
import { execa } from 'execa';

export interface LinePipe {
  write: (line: string) => void;
  end: () => Promise<void>;
}

/** What may wait for a program that does not read; lines beyond that are lost. */
const WAITING_BYTES = 1_048_576;
/** How long the program may take to end when its input has ended, in ms. */
const LAST_MS = 500;

/** Starts the program; `onGone` is told why it ended if it did so by itself. */
export function pipeTo(argv: readonly [string, ...string[]], onGone: (why: string) => void): LinePipe {
  const [file, ...args] = argv;
  const program = execa(file, args, {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    reject: false,
    buffer: false,
    // It lives in our process group's shadow only: a Ctrl-C for us is not one for it, it ends with its input.
    detached: true,
    cleanup: false,
  });
  let ending = false;
  const ended = program.then((result) => {
    if (!ending) onGone(result.message ?? `${file} ended with exit code ${result.exitCode ?? '?'}`);
  });
  program.stdin.on('error', () => undefined);
  return {
    write: (line) => {
      if (program.stdin.writable && program.stdin.writableLength < WAITING_BYTES) program.stdin.write(line);
    },
    end: async () => {
      ending = true;
      program.stdin.end();
      const timer = setTimeout(() => program.kill('SIGKILL'), LAST_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
