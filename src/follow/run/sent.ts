/** In which spans was sent what a device counts all the time: between two readings it is spread evenly. Pure. */

/** Counted by the device since it is there. */
export interface SentSoFar {
  txBytes: number;
  txPackets: number;
}

interface Reading {
  /** The first span that is not in it. */
  span: number;
  counted: SentSoFar;
}

export class Sent {
  /** The oldest first. */
  readonly #readings: Reading[] = [];

  /** @param span the one that is not over yet; of several readings in one the first counts */
  read(span: number, counted: SentSoFar): void {
    if (this.#readings.at(-1)?.span !== span) this.#readings.push({ span, counted });
  }

  /** What was sent in a span, from the two readings around it; nothing: there are none. */
  during(span: number): { bytes: number; packets: number } {
    const at = this.#readings.findIndex((each) => each.span > span);
    const [before, after] = [this.#readings[at - 1], this.#readings[at]];
    if (before === undefined || after === undefined) return { bytes: 0, packets: 0 };
    const spans = after.span - before.span;
    return {
      bytes: (after.counted.txBytes - before.counted.txBytes) / spans,
      packets: (after.counted.txPackets - before.counted.txPackets) / spans,
    };
  }

  /** Nobody asks for the spans before this one any longer. */
  forgetBefore(span: number): void {
    const at = this.#readings.findLastIndex((each) => each.span <= span);
    if (at > 0) this.#readings.splice(0, at);
  }
}
