/**
 * The relay on real sockets, but in a time that the test lets pass: what a limit lets through in two seconds does
 * not depend on how long two seconds take.
 */
import { setImmediate as turn, setTimeout as really } from 'node:timers/promises';
import { vi } from 'vitest';
import type { Relay } from '../../../../src/relay/forwarding/relay.ts';

const STEP_MS = 5;
/** So many turns of the event loop without a byte: what could be sent has been. */
const QUIET_TURNS = 8;

/** From now on the relay's clock stands still unless `pass` moves it. `vi.useRealTimers` ends that. */
export function stopTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
}

/** Lets time pass in small steps, each until nothing moves any more. */
export async function pass(ms: number, relay: Relay, received: () => number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
    vi.advanceTimersByTime(STEP_MS);
    await settled(() => relay.meters.up.totalBytes + relay.meters.down.totalBytes + received());
  }
}

async function settled(progress: () => number): Promise<void> {
  const first = progress();
  let last = first;
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    // On a busy machine what was sent is not there at once. Where a step has moved nothing yet, the kernel is given a
    // real millisecond before that is believed.
    await (last === first && quiet === QUIET_TURNS - 1 ? really(1) : turn());
    const now = progress();
    if (now === last) continue;
    last = now;
    quiet = 0;
  }
}
