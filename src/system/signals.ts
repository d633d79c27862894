import { exitCodeOfSignal } from '../errors.ts';

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/**
 * Runs a change to its end even if a signal comes meanwhile: a shaper is never left half way. Afterwards
 * the exit code tells of the signal, 128 + n.
 */
export async function finishDespiteSignals(body: () => Promise<number>): Promise<number> {
  let received: (typeof SIGNALS)[number] | undefined;
  const listeners = SIGNALS.map((signal) => {
    const listener = (): void => {
      received ??= signal;
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  try {
    const code = await body();
    return received === undefined ? code : exitCodeOfSignal(received);
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}
