/** Whoever asks what is now gets it: a reading that is older than a second is taken anew first. */

/** As while somebody looks. */
const OLD_MS = 1000;
/** A scrape of Prometheus waits 10 s; a gateway that takes longer to be read answers with what it knows. */
const WAIT_MS = 5000;

export class Freshness {
  readonly #ask: () => void;
  readonly #waiting = new Set<() => void>();
  #cameMs = -Infinity;

  /** @param ask asks for a reading at once */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** A reading has come. */
  came(): void {
    this.#cameMs = performance.now();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const goOn of waiting) goOn();
  }

  /** Calls back at once, or when the next reading has come, or does not come. */
  whenFresh(goOn: () => void): void {
    if (performance.now() - this.#cameMs < OLD_MS) {
      goOn();
      return;
    }
    const over = (): void => {
      clearTimeout(timer);
      goOn();
    };
    const timer = setTimeout(() => {
      this.#waiting.delete(over);
      goOn();
    }, WAIT_MS);
    this.#waiting.add(over);
    if (this.#waiting.size === 1) this.#ask();
  }
}
