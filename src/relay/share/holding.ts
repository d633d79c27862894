/**
 * What a relay may send at a moment: its share while the engine answers, its part by weight when it does not, never more than its
 * own limit. Pure: the clock is handed in.
 */
import type { Answer } from './connection.ts';
import { pair, type Pair } from './pair.ts';
import { KEEP_MS } from './script.ts';

/** For so long those count who were seen, in ms: after a restart of the engine relays come back one after the other. */
const SEEN_MS = 2000;

export class Holding {
  #answer: Answer | undefined;
  #seen: (Pick<Answer, 'relays' | 'weights'> & { readonly atMs: number }) | undefined;
  #answeredMs = -Infinity;

  /** A report that was sent at this time was answered. False: it came too late, others may have that share by now. */
  answered(answer: Answer, sentMs: number, nowMs: number): boolean {
    if (nowMs - sentMs >= KEEP_MS) return false;
    this.#answer = answer;
    this.#answeredMs = sentMs;
    const { relays, weights } = answer;
    if (this.#seen === undefined || weights >= this.#seen.weights || nowMs - this.#seen.atMs >= SEEN_MS)
      this.#seen = { relays, weights, atMs: nowMs };
    return true;
  }

  /** How many share. */
  get relays(): number | undefined {
    return this.#seen?.relays;
  }

  /** The share is kept so long without an answer. */
  get keptUntilMs(): number {
    return this.#answeredMs + KEEP_MS;
  }

  isShared(nowMs: number): boolean {
    return nowMs < this.keptUntilMs;
  }

  /**
   * Bytes per second, 0 where there is no limit. `limit`: the own one; `atLeastRelays`: there are known to be so many, 0 if that is
   * not known.
   */
  at(nowMs: number, limit: Pair, weight: number, atLeastRelays: number): Pair {
    const answer = this.#answer;
    const lowest = pair((direction) => {
      const own = limit[direction];
      const told = answer?.limit[direction] ?? 0;
      return told > 0 ? Math.min(own, told) : own;
    });
    if (answer !== undefined && this.isShared(nowMs))
      return pair((direction) =>
        // It got its limit after its last report: until the engine has heard of that it has its part.
        lowest[direction] > 0 && answer.share[direction] === 0
          ? alone(lowest[direction], part(this.#seen, weight, atLeastRelays))
          : Math.min(lowest[direction], answer.share[direction]),
      );
    return pair((direction) => alone(lowest[direction], part(this.#seen, weight, atLeastRelays)));
  }
}

/** Of the limit, from 0 to 1. */
function part(seen: Pick<Answer, 'weights'> | undefined, weight: number, atLeastRelays: number): number {
  const byWeight = seen === undefined ? 1 : weight / Math.max(weight, seen.weights);
  return atLeastRelays > 0 ? Math.min(byWeight, 1 / atLeastRelays) : byWeight;
}

const alone = (limit: number, partOfIt: number): number =>
  limit === 0 ? 0 : Math.max(1, Math.floor(limit * partOfIt));
