/**
 * Pings to the next hop, for a line that is loaded by what has no timestamps, as QUIC: how much longer they take than at least.
 * Sent only while they are asked for; a few when the device is taken up tell how long the way is.
 */
import { printableLine } from '../../core/printable.ts';
import { UserError } from '../../core/errors.ts';
import { readAddresses } from '../../line/device.ts';
import { pingOnce, type PingOnce } from '../../line/ping/ping.ts';
import { findPingHost, wellKnownAddresses } from '../../line/ping/pingHost.ts';
import { pingStream } from '../../line/ping/pingStream.ts';
import type { TellingProgram } from '../../system/exec/tellingProgram.ts';

/** A host that was not found, or a ping that ended, is tried again after this. */
const AGAIN_MS = 60_000;
/** What the last ping told holds until two more should have. */
const HOLDS_INTERVALS = 2;

export class LinePings {
  readonly #device: string;
  readonly #intervalMs: number;
  readonly #tell: (text: string) => void;
  readonly #ending = new AbortController();
  #host: string | undefined;
  #leastMs: number | undefined;
  #stream: TellingProgram | undefined;
  #notBeforeMs = -Infinity;
  #last: { atMs: number; excessMs: number } | undefined;
  /** Of those since it was last asked for. */
  #leastExcessMs: number | undefined;

  /** @param intervalMs from one ping to the next, while they are wanted */
  constructor(device: string, intervalMs: number, tell: (text: string) => void) {
    this.#device = device;
    this.#intervalMs = intervalMs;
    this.#tell = tell;
    void this.#find();
  }

  /** Pings are sent from now on, or no longer. */
  want(isWanted: boolean): void {
    if (!isWanted) {
      this.#stream?.close();
      this.#stream = undefined;
      this.#last = undefined;
      return;
    }
    if (this.#stream !== undefined || performance.now() < this.#notBeforeMs) return;
    if (this.#host === undefined) void this.#find();
    else this.#start(this.#host);
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
    this.#ending.abort();
    this.want(false);
  }

  #start(host: string): void {
    this.#stream = pingStream({
      ...{ host, device: this.#device, intervalMs: this.#intervalMs },
      onAnswer: (roundTripMs) => {
        this.#take(roundTripMs);
      },
      onEnd: (said) => {
        this.#stream = undefined;
        this.#notBeforeMs = performance.now() + AGAIN_MS;
        this.#complain(said === '' ? 'ping ended' : said);
      },
    });
  }

  #take(roundTripMs: number): void {
    this.#leastMs = Math.min(this.#leastMs ?? Infinity, roundTripMs);
    const excessMs = roundTripMs - this.#leastMs;
    this.#last = { atMs: performance.now(), excessMs };
    this.#leastExcessMs = Math.min(this.#leastExcessMs ?? Infinity, excessMs);
  }

  /** Whoever answers without loss; what was seen of it while it was looked for is how long the way is. */
  async #find(): Promise<void> {
    this.#notBeforeMs = performance.now() + AGAIN_MS;
    const least = new Map<string, number>();
    const remembered: PingOnce = async (host, options) => {
      const reply = await pingOnce(host, options);
      if (reply.kind === 'answer') least.set(host, Math.min(least.get(host) ?? Infinity, reply.rttMs));
      return reply;
    };
    try {
      const { peer, families } = await readAddresses(this.#device);
      const { address } = await findPingHost(remembered, {
        ...{ device: this.#device, peer, towards: wellKnownAddresses(families) },
        signal: this.#ending.signal,
      });
      this.#host = address;
      this.#leastMs = least.get(address);
      this.#notBeforeMs = -Infinity;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      if (!(error instanceof UserError)) throw error;
      this.#complain(error.message);
    }
  }

  #complain(why: string): void {
    this.#tell(
      `no pings: ${printableLine(why)}; while nothing but QUIC or the like loads the line, its rate stays as it is`,
    );
  }
}
