/** Pings at a steady pace, whatever the answers take: each is sent on time and shown as soon as it is known. */
import { type Clock } from '../clock.ts';
import type { PingSample } from '../samples/measurement.ts';
import type { PingOnce, PingOptions } from './ping.ts';

export interface SeriesOptions {
  count: number;
  intervalMs: number;
  signal: AbortSignal;
}

/** Sends series of pings to the host it was made for; `atMs` of the samples is on the session's clock. */
export interface Pinger {
  series(options: SeriesOptions): Promise<PingSample[]>;
}

export function makePinger(
  host: string,
  options: Pick<PingOptions, 'device'>,
  clock: Clock,
  pingOnce: PingOnce,
): Pinger {
  return {
    async series({ count, intervalMs, signal }) {
      const startMs = clock.nowMs();
      const running: Promise<PingSample>[] = [];
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      for (let index = 0; index < count; index++) {
        const waitMs = startMs + index * intervalMs - clock.nowMs();
        if (waitMs > 0) await clock.sleep(waitMs, either);
        const atMs = clock.nowMs();
        const sample = pingOnce(host, { ...options, signal }).then((reply) => ({
          atMs,
          rttMs: reply.kind === 'answer' ? reply.rttMs : null,
        }));
        // A ping that cannot be made at all ends the series at once, not after its last sample.
        sample.catch((error: unknown) => {
          failed.abort(error);
        });
        running.push(sample);
      }
      return Promise.all(running);
    },
  };
}
