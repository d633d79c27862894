/** A program that stays: it is asked through its standard input, and answers by lines. */
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

  /** @param answersBy where its answers come; where that is standard output, `takeSaid` has what comes to standard error */
  constructor(file: string, args: readonly string[], answersBy: 'stdout' | 'stderr' = 'stdout') {
    this.#child = spawn(file, args, {
      env: { PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A signal from the terminal is for the service, which has something to set at its end; this one ends with it.
      detached: true,
    });
    if (answersBy === 'stderr') this.#child.stdout.resume();
    else
      this.#child.stderr.on('data', (text: Buffer) => {
        this.#said += text.toString();
      });
    for (const stream of [this.#child, this.#child.stdin]) {
      stream.on('error', (error: Error) => {
        this.#said += error.message;
      });
    }
    this.#answers = createInterface({ input: this.#child[answersBy] })[Symbol.asyncIterator]();
  }

  /** The first line that it answers; undefined: it has ended, and `takeSaid` tells why. */
  async ask(text: string): Promise<string | undefined> {
    this.#child.stdin.write(`${text}\n`);
    return this.nextLine();
  }

  /** The next line of its answer, where it has several. */
  async nextLine(): Promise<string | undefined> {
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

  /** What it has said beside its answers since this was last called. */
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
