/** A program that stays and tells what happens, a line each time. One that is asked for each: residentProgram.ts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SEARCH_PATH } from './run.ts';

export interface TellingProgramOptions {
  onLine: (line: string) => void;
  /** It has ended by itself; what it said last to standard error, or why it could not be started. */
  onEnd: (said: string) => void;
}

export class TellingProgram {
  readonly #child: ChildProcess;
  #closed = false;

  constructor(file: string, args: readonly string[], { onLine, onEnd }: TellingProgramOptions) {
    const child = spawn(file, args, {
      env: { PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A signal from the terminal is for the service, which ends this one.
      detached: true,
    });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said = text.toString();
    });
    child.on('error', (error: Error) => {
      said = error.message;
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!this.#closed) onLine(line);
    });
    child.on('close', () => {
      if (!this.#closed) onEnd(said.trim());
      this.#closed = true;
    });
  }

  close(): void {
    this.#closed = true;
    this.#child.kill('SIGKILL');
  }
}
