/** What ends a run from outside: a signal, or an output that takes no more. There is a shaper to put back first. */
import { failure } from '../../core/errors.ts';

export type EndingSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';
const ENDING_SIGNALS: readonly EndingSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];

/** Why a run was ended from outside. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly signal: EndingSignal;
  /** `by`: in words, where it was no signal but counts as one. */
  constructor(signal: EndingSignal, by: string = signal) {
    super(`ended by ${by}`);
    this.signal = signal;
  }
}

/** Nobody reads any more (`searchbw … | head`, a closed terminal): no error. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** A pipe without a reader, a terminal that is gone. */
const CLOSED = ['EPIPE', 'EIO'];

export interface Outputs {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
}

/** What cannot be said on standard error can be said nowhere. */
const ignore = (): void => undefined;

/** Runs `body` with a signal that is aborted when the run is to end, and throws the reason if it was. */
export async function endable<T>(
  body: (signal: AbortSignal) => Promise<T>,
  { stdout, stderr }: Outputs = process,
): Promise<T> {
  const ending = new AbortController();
  const { signal } = ending;
  const onSignal = (name: NodeJS.Signals): void => {
    ending.abort(new Interrupted(name as EndingSignal));
  };
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    const closed = CLOSED.includes(error.code ?? '');
    ending.abort(closed ? new OutputClosed() : failure(`cannot write the output: ${error.message}`));
  };
  for (const name of ENDING_SIGNALS) process.on(name, onSignal);
  const release = replaceErrorListeners(stdout, onOutputError);
  // It stays: the last words may fail after the end of this.
  stderr.off('error', ignore).on('error', ignore);
  try {
    const result = await body(signal);
    await written(stdout, signal);
    signal.throwIfAborted();
    return result;
  } finally {
    for (const name of ENDING_SIGNALS) process.off(name, onSignal);
    release();
  }
}

/** The handlers of standard output know nothing of a shaper; returns how to put them back. */
function replaceErrorListeners(stream: NodeJS.WritableStream, listener: (error: Error) => void): () => void {
  const usual = stream.listeners('error') as ((error: Error) => void)[];
  for (const each of usual) stream.off('error', each);
  stream.on('error', listener);
  return () => {
    stream.off('error', listener);
    for (const each of usual) stream.on('error', each);
  };
}

/** When everything was written or has failed, and the listeners were told; at once when the run is to end. */
async function written(stream: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
    // A stream calls back first and tells its listeners afterwards.
    stream.write('', () => setImmediate(resolve));
  });
}
