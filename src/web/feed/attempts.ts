/** Wrong tokens are counted: who tries too many is not heard for a while, and neither are too many from everywhere. Pure. */

/** Wrong ones of one address before it is not heard. */
export const MOST_OF_ONE = 5;
/** Addresses can be many: of all together. */
export const MOST_OF_ALL = 60;
/** For so long a wrong one counts, and so long is nobody heard. */
export const FORGOTTEN_AFTER_MS = 60_000;

export class Attempts {
  /** When each was, the oldest first: `MOST_OF_ALL` at most. */
  #wrong: { from: string; atMs: number }[] = [];

  /** For how long this one is not heard, in ms; 0: it is. */
  waitMs(from: string, nowMs: number): number {
    this.#forget(nowMs);
    const own = this.#wrong.filter((each) => each.from === from);
    // With the end of the one that makes it too many.
    const waits = [own.at(-MOST_OF_ONE), this.#wrong.at(-MOST_OF_ALL)].map((each) =>
      each === undefined ? 0 : each.atMs + FORGOTTEN_AFTER_MS - nowMs,
    );
    return Math.max(...waits);
  }

  /** True: with this one it was too many. */
  wrong(from: string, nowMs: number): boolean {
    this.#forget(nowMs);
    this.#wrong = [...this.#wrong.slice(1 - MOST_OF_ALL), { from, atMs: nowMs }];
    return this.waitMs(from, nowMs) > 0;
  }

  #forget(nowMs: number): void {
    this.#wrong = this.#wrong.filter(({ atMs }) => nowMs - atMs < FORGOTTEN_AFTER_MS);
  }
}
