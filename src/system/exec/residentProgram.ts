/** A program that stays: it is asked through its standard input, and answers by one line each time. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { SEARCH_PATH } from './run.ts';

/** More than an answer ever takes: a program that says nothing for so long is ended. */
const ANSWER_MS = 5000;

export class ResidentProgram {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterator<string, undefined>;
  #said = '';

  constructor(file: string, args: readonly string[]) {
    this.#child = spawn(file, args, {
      env: { PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A signal from the terminal is for the service, which has something to set at its end; this one ends with it.
      detached: true,
    });
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#said += text.toString();
    });
    for (const stream of [this.#child, this.#child.stdin]) {
      stream.on('error', (error: Error) => {
        this.#said += error.message;
      });
    }
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The line that it answers; undefined: it has ended, and `takeSaid` tells why. */
  async ask(text: string): Promise<string | undefined> {
    this.#child.stdin.write(`${text}\n`);
    const deadline = setTimeout(() => {
      this.#said += 'it did not answer';
      this.#child.kill('SIGKILL');
    }, ANSWER_MS);
    const answer = await this.#answers.next();
    clearTimeout(deadline);
    // What it said to standard error comes by another pipe, which is read first.
    await setImmediate();
    return answer.value;
  }

  /** What it has said to standard error since this was last called. */
  takeSaid(): string {
    const said = this.#said.trim();
    this.#said = '';
    return said;
  }

  /** It ends when it has done what it was asked. */
  close(): void {
    this.#child.stdin.end();
  }
}
