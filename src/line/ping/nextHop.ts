/**
 * Pings to the next hop of a device, again and again while they are wanted: the far end of ppp, else the first router beyond the
 * house. The host is looked for at once; one that falls silent, or a ping that ends, is looked for anew.
 */
import { UserError } from '../../core/errors.ts';
import { ProgramError } from '../../system/exec/run.ts';
import type { TellingProgram } from '../../system/exec/tellingProgram.ts';
import { readAddresses } from '../device.ts';
import { pingOnce, type PingOnce } from './ping.ts';
import { findPingHost, wellKnownAddresses } from './pingHost.ts';
import { pingStream } from './pingStream.ts';

/** Longer than any queue holds an answer back: the host is gone, or the device is another one by now. */
const SILENT_MS = 10_000;
/** Of the time until it is looked for on an idle line: an hour at most, where it begins with a minute. */
const MOST_DOUBLINGS = 6;

export interface NextHopOptions {
  device: string;
  intervalMs: number;
  /** A host that was not found, or a ping that ended, is tried again after this. */
  againMs: number;
  /** The host, and the round trips of the pings that found it. */
  onFound: (host: string, roundTripsMs: readonly number[]) => void;
  onAnswer: (roundTripMs: number) => void;
  /** No pings for a while, and why; no `printableLine` yet. */
  onTrouble: (why: string) => void;
}

export class NextHop {
  readonly #options: NextHopOptions;
  readonly #ending = new AbortController();
  #host: string | undefined;
  #stream: TellingProgram | undefined;
  #answeredMs = 0;
  #notBeforeMs = -Infinity;
  /** How often it was lost, or not found, since it was found last. */
  #failures = 0;
  #notWhenIdleBeforeMs = -Infinity;

  constructor(options: NextHopOptions) {
    this.#options = options;
    void this.#find();
  }

  /**
   * Pings are sent from now on, or no longer. To be called again and again: it is here that a silent host is noticed. One that is not
   * known is looked for while none are wanted, too, ever less often, where the line is idle: that tells how long the way is.
   */
  want(isWanted: boolean, isIdle = false): void {
    const nowMs = performance.now();
    if (this.#stream !== undefined && isWanted && nowMs - this.#answeredMs > SILENT_MS) {
      this.#stop();
      this.#lose('it does not answer any longer');
    } else if (!isWanted) {
      this.#stop();
      const isWorth = isIdle && this.#host === undefined && nowMs >= this.#notWhenIdleBeforeMs;
      if (isWorth && nowMs >= this.#notBeforeMs) void this.#find();
    } else if (this.#stream === undefined && nowMs >= this.#notBeforeMs) {
      if (this.#host === undefined) void this.#find();
      else this.#start(this.#host);
    }
  }

  close(): void {
    this.#ending.abort();
    this.#stop();
  }

  #stop(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  #lose(why: string): void {
    const host = this.#host === undefined ? '' : `${this.#host}: `;
    this.#host = undefined;
    this.#stream = undefined;
    this.#failed();
    this.#options.onTrouble(`${host}${why}`);
  }

  #failed(): void {
    const [nowMs, { againMs }] = [performance.now(), this.#options];
    this.#notBeforeMs = nowMs + againMs;
    this.#notWhenIdleBeforeMs = nowMs + againMs * 2 ** Math.min(this.#failures, MOST_DOUBLINGS);
    this.#failures++;
  }

  #start(host: string): void {
    const { device, intervalMs, onAnswer } = this.#options;
    this.#answeredMs = performance.now();
    let hasAnswered = false;
    this.#stream = pingStream({
      ...{ host, device, intervalMs },
      onAnswer: (roundTripMs) => {
        hasAnswered = true;
        this.#answeredMs = performance.now();
        onAnswer(roundTripMs);
      },
      onEnd: (said) => {
        this.#stream = undefined;
        const isOver = said === '' && hasAnswered && performance.now() - this.#answeredMs <= SILENT_MS;
        // Another one goes on when it is wanted next.
        if (!isOver) this.#lose(said === '' ? 'ping ended' : said);
      },
    });
  }

  /** Whoever answers without loss; what was seen of it while it was looked for is how long the way is. */
  async #find(): Promise<void> {
    const { device, onFound, onTrouble } = this.#options;
    this.#notBeforeMs = Infinity;
    const answers: { host: string; rttMs: number }[] = [];
    const remembered: PingOnce = async (host, options) => {
      const reply = await pingOnce(host, options);
      if (reply.kind === 'answer') answers.push({ host, rttMs: reply.rttMs });
      return reply;
    };
    try {
      const { peer, families } = await readAddresses(device);
      const { address } = await findPingHost(remembered, {
        ...{ device, peer, towards: wellKnownAddresses(families) },
        signal: this.#ending.signal,
      });
      this.#host = address;
      this.#failures = 0;
      this.#notBeforeMs = -Infinity;
      onFound(
        address,
        answers.filter(({ host }) => host === address).map(({ rttMs }) => rttMs),
      );
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      // The device may be gone.
      const said = error instanceof ProgramError ? error.toUserError() : error;
      if (!(said instanceof UserError)) throw error;
      this.#failed();
      onTrouble(said.message);
    }
  }
}
