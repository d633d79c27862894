/** Time as an input: the session asks a clock, so that tests can run in virtual time. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Monotonic, in ms. */
  nowMs(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
