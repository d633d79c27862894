/**
 * A tc that stays: rates that follow a line change several times a second, and to start a program for each takes longer than
 * the change. It ends by itself where a device has gone; the next change starts another one.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import type { Readable, Writable } from 'node:stream';
import { failure } from '../../core/errors.ts';
import { SEARCH_PATH } from '../exec/run.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** tc prints what it shows line by line, after all that it was told before: its end is seen by that. */
const ASK = 'qdisc show dev lo';

/** More than it ever takes: one that says nothing for so long is ended. */
const ANSWER_MS = 5000;

export class TcProcess {
  #child: Child | undefined;
  #answers: AsyncIterator<string, undefined> | undefined;
  #said = '';

  /**
   * Runs the lines, all of them, one after another.
   * @throws UserError with what tc said of those that failed
   */
  async change(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const { child, answers } = this.#running();
    this.#said = '';
    child.stdin.write(`${[...lines, ASK].join('\n')}\n`);
    const deadline = setTimeout(() => {
      this.#said += 'it did not answer';
      child.kill('SIGKILL');
    }, ANSWER_MS);
    const answer = await answers.next();
    clearTimeout(deadline);
    // What it said to standard error comes by another pipe, which is read first.
    await setImmediate();
    if (answer.done === true) {
      this.#child = undefined;
      throw failure(`tc has ended: ${this.#said.trim()}`);
    }
    if (this.#said !== '') throw failure(`tc: ${this.#said.trim().replaceAll('\n', '; ')}`);
  }

  close(): void {
    this.#child?.stdin.end();
    this.#child = undefined;
  }

  #running(): { child: Child; answers: AsyncIterator<string, undefined> } {
    if (this.#child !== undefined && this.#answers !== undefined)
      return { child: this.#child, answers: this.#answers };
    const child = spawn('tc', ['-force', '-batch', '-'], {
      env: { PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A signal from the terminal is for the service, which has something to set at its end; this one ends with it.
      detached: true,
    });
    child.stderr.on('data', (text: Buffer) => {
      this.#said += text.toString();
    });
    for (const stream of [child, child.stdin]) {
      stream.on('error', (error: Error) => {
        this.#said += error.message;
      });
    }
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, answers: this.#answers };
  }
}
