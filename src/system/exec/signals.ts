import { exitCodeOfSignal } from '../../core/errors.ts';

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/**
 * Runs a change to its end even if a signal comes meanwhile: a shaper is never left half way. Afterwards
 * the exit code tells of the signal, 128 + n.
 * @param body may ask whether a signal has come: what has not begun by then need not begin
 */
export async function finishDespiteSignals(
  body: (interrupted: () => boolean) => Promise<number>,
): Promise<number> {
  let received: (typeof SIGNALS)[number] | undefined;
  const listeners = SIGNALS.map((signal) => {
    const listener = (): void => {
      received ??= signal;
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  try {
    const code = await body(() => received !== undefined);
    return received === undefined ? code : exitCodeOfSignal(received);
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}
