/**
 * The prompt: on a terminal with history, completion and `watch`; from a pipe it reads a command per line.
 * It asks an executor, which is the relay in this process or a daemon behind its control socket.
 */
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { printable } from '../../core/printable.ts';
import type { Reply } from './execute.ts';
import { loadHistory, saveHistory } from './history.ts';
import { renderWatch } from './render.ts';
import type { RelayStats } from '../statistics/stats.ts';

export interface Executor {
  execute: (line: string) => Promise<Reply>;
  complete: (line: string) => Promise<[string[], string]>;
  stats: () => Promise<RelayStats>;
}

export interface PromptStreams {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

const PROMPT = '> ';
/** How often the table of `watch` is drawn, in ms. */
const WATCH_MS = 1000;

/** How the prompt was left: by `exit` or the end of the input, or by Ctrl-C. */
export type Leave = 'exit' | 'interrupt';

/** Reads and executes lines until it is left. Never blocks the relay: everything is asynchronous. */
export async function runPrompt(
  executor: Executor,
  streams: PromptStreams,
  abort: AbortSignal,
): Promise<Leave> {
  const { input, output } = streams;
  const terminal = input.isTTY && output.isTTY;
  const readline = openReadline(executor, streams, terminal ? await loadHistory() : []);
  let leave: Leave = 'exit';
  let watching = false;
  // Its input may have ended while the last command is carried out; Node 24 refuses a prompt then.
  const reading = { open: true };
  readline.on('close', () => {
    reading.open = false;
  });
  readline.on('SIGINT', () => {
    // Only a key that ends the table.
    if (watching) return;
    leave = 'interrupt';
    readline.close();
  });
  readline.on('history', (lines: string[]) => void saveHistory(lines));
  abort.addEventListener('abort', () => {
    readline.close();
  });
  if (abort.aborted) readline.close();
  else readline.prompt();
  for await (const line of readline) {
    const reply = await executor.execute(line);
    if (reply.text !== '') output.write(`${printable(reply.text)}\n`);
    if (reply.then === 'exit') break;
    if (reply.then === 'watch') {
      watching = true;
      await watch(executor, streams, abort);
      watching = false;
      // The key that ended it is not the beginning of a command.
      if (terminal && reading.open) readline.write(null, { ctrl: true, name: 'u' });
    }
    if (reading.open) readline.prompt();
    else output.write(PROMPT);
  }
  readline.close();
  return leave;
}

function openReadline(
  executor: Executor,
  { input, output }: PromptStreams,
  history: readonly string[],
): Interface {
  return createInterface({
    input,
    output,
    terminal: input.isTTY && output.isTTY,
    prompt: PROMPT,
    history: [...history],
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => {
      executor.complete(line).then(
        (result) => {
          done(null, result);
        },
        () => {
          done(null, [[], line]);
        },
      );
    },
  });
}

/** Draws the live table until a key is pressed; without a terminal, once. */
async function watch(
  executor: Executor,
  { input, output }: PromptStreams,
  abort: AbortSignal,
): Promise<void> {
  const draw = async (): Promise<string> =>
    renderWatch(
      await executor.stats(),
      output.isTTY ? output.columns : 200,
      output.isTTY ? output.rows : 1000,
    );
  if (!input.isTTY || !output.isTTY) {
    output.write(`${await draw()}\n`);
    return;
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, abort]);
  const ended = once(input, 'keypress', { signal }).catch(() => undefined);
  // The alternate screen: what was there before comes back afterwards.
  output.write('\x1b[?1049h\x1b[?25l');
  try {
    let running = true;
    void ended.then(() => (running = false));
    while (running) {
      output.write(`\x1b[H\x1b[J${await draw()}`);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, WATCH_MS))]);
    }
  } finally {
    stop.abort();
    output.write('\x1b[?25h\x1b[?1049l');
  }
}
