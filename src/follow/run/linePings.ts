/**
 * Pings to the next hop, for a line that is loaded by what has no timestamps, as QUIC: how much longer they take than at least.
 * Sent only while they are asked for; a few when the device is taken up tell how long the way is.
 */
import { printableLine } from '../../core/printable.ts';
import { NextHop } from '../../line/ping/nextHop.ts';

const AGAIN_MS = 60_000;
/** What the last ping told holds until two more should have. */
const HOLDS_INTERVALS = 2;

export class LinePings {
  readonly #intervalMs: number;
  readonly #hop: NextHop;
  #host: string | undefined;
  #isIdle = false;
  #trouble = '';
  #leastMs: number | undefined;
  #last: { atMs: number; excessMs: number } | undefined;
  /** Of those since it was last asked for. */
  #leastExcessMs: number | undefined;

  /** @param intervalMs from one ping to the next, while they are wanted */
  constructor(device: string, intervalMs: number, tell: (text: string) => void) {
    this.#intervalMs = intervalMs;
    this.#hop = new NextHop({
      ...{ device, intervalMs, againMs: AGAIN_MS },
      onFound: (host, roundTripsMs) => {
        // The way to another one may be longer. A loaded line does not tell how long: the least of before counts on there, until
        // the law takes the way for a longer one.
        if (host !== this.#host && this.#isIdle) this.#leastMs = undefined;
        [this.#host, this.#trouble] = [host, ''];
        // Found again on a loaded line, all of them wait in its queue.
        if (roundTripsMs.length > 0) this.#leastMs = Math.min(this.#leastMs ?? Infinity, ...roundTripsMs);
      },
      onAnswer: (roundTripMs) => {
        this.#take(roundTripMs);
      },
      onTrouble: (why) => {
        if (why === this.#trouble) return;
        this.#trouble = why;
        tell(
          `no pings: ${printableLine(why)}; while nothing but QUIC or the like loads the line, its rate stays as it is`,
        );
      },
    });
  }

  /** Pings are sent from now on, or no longer; a host that was lost is looked for while the line is idle, too. */
  want(isWanted: boolean, isIdle: boolean): void {
    this.#isIdle = isIdle;
    this.#hop.want(isWanted, isIdle);
    if (!isWanted) this.#last = undefined;
  }

  /** By how much, at least, a ping took longer than the shortest, since this was last called; undefined: nothing tells. */
  takeExcessMs(): number | undefined {
    const excessMs = this.#leastExcessMs;
    this.#leastExcessMs = undefined;
    if (excessMs !== undefined) return excessMs;
    const isOld =
      this.#last === undefined ||
      performance.now() - this.#last.atMs > HOLDS_INTERVALS * this.#intervalMs + this.#last.excessMs;
    return isOld ? undefined : this.#last?.excessMs;
  }

  /** The way has become longer: the shortest from now on counts. */
  forgetLeast(): void {
    this.#leastMs = undefined;
  }

  close(): void {
    this.#hop.close();
  }

  #take(roundTripMs: number): void {
    this.#leastMs = Math.min(this.#leastMs ?? Infinity, roundTripMs);
    const excessMs = roundTripMs - this.#leastMs;
    this.#last = { atMs: performance.now(), excessMs };
    this.#leastExcessMs = Math.min(this.#leastExcessMs ?? Infinity, excessMs);
  }
}
