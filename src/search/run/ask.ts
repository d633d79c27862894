/** A question on the terminal, which must not outlast the run: what ends the run ends it as well. */
import { createInterface } from 'node:readline/promises';
import { Interrupted } from './ending.ts';

interface Terminal {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** Found out by itself unless said. */
  terminal?: boolean;
}

/** The answer; undefined: the input ended before there was one. Throws what ended the run. */
export async function ask(
  question: string,
  signal: AbortSignal,
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<string | undefined> {
  signal.throwIfAborted();
  const asking = createInterface(terminal);
  try {
    return await new Promise((resolve, reject) => {
      const ended = (): void => {
        resolve(undefined);
      };
      // The terminal is in raw mode: Ctrl-C is a key, and no signal comes.
      asking.on('SIGINT', () => {
        reject(new Interrupted('SIGINT'));
      });
      // Without it a question that is never answered would keep nothing alive, and the process would just end. Not at
      // once, since an answer given just before still counts.
      asking.on('close', () => setImmediate(ended));
      asking.on('error', ended);
      asking.question(question, { signal }).then(
        (answer) => {
          resolve(answer.trim());
        },
        () => {
          if (signal.aborted) reject(signal.reason as Error);
          else ended();
        },
      );
    });
  } finally {
    asking.close();
  }
}

/** The same while the shaper is set: there, an input that ends interrupts the run. */
export async function askDuringRun(
  question: string,
  signal: AbortSignal,
  terminal?: Terminal,
): Promise<string> {
  const answer = await ask(question, signal, terminal);
  if (answer === undefined) throw new Interrupted('SIGINT', 'the end of the input');
  return answer;
}
