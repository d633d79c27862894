/** One ping a second to the next hop, for whoever watches a line: its answer time where no TCP tells it, idle or full of QUIC. */
import { printableLine } from '../../../core/printable.ts';
import { NextHop } from '../../../line/ping/nextHop.ts';
import {
  pingFigures,
  recentAnswers,
  type PingAnswer,
  type PingFigures,
} from '../../../report/watch/pings.ts';

const EVERY_MS = 1000;
const AGAIN_MS = 10_000;

export class HopPings {
  readonly #hop: NextHop;
  #host: string | null = null;
  #reason: string | null = null;
  #answers: PingAnswer[] = [];

  /** Looks for the host at once, with a few pings. */
  constructor(device: string) {
    this.#hop = new NextHop({
      ...{ device, intervalMs: EVERY_MS, againMs: AGAIN_MS },
      onFound: (host, roundTripsMs) => {
        [this.#host, this.#reason] = [host, null];
        for (const roundTripMs of roundTripsMs) this.#take(roundTripMs);
      },
      onAnswer: (roundTripMs) => {
        this.#take(roundTripMs);
      },
      onTrouble: (why) => {
        [this.#host, this.#reason] = [null, printableLine(why)];
      },
    });
  }

  /** What came so far. To be called once a second: it starts the pings, and notices a host that says nothing. */
  read(): PingFigures {
    this.#hop.want(true);
    return pingFigures(this.#answers, performance.now(), { host: this.#host, reason: this.#reason });
  }

  /** No host was found yet, and it was not given up. */
  get isLooking(): boolean {
    return this.#host === null && this.#reason === null;
  }

  close(): void {
    this.#hop.close();
  }

  #take(roundTripMs: number): void {
    const atMs = performance.now();
    this.#answers = [...recentAnswers(this.#answers, atMs), { atMs, roundTripMs }];
  }
}
