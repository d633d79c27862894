/**
 * How many bytes went through in the last seconds, without a timer: slots are emptied when they are met
 * again. A connection that carries nothing costs nothing. Pure: the clock is handed in.
 */
const SECOND_SLOTS = 6;
const FIVE_SECOND_SLOTS = 13;

export class Meter {
  #totalBytes = 0;
  #seconds: Float64Array | undefined;
  #fives: Float64Array | undefined;
  #lastSecond = 0;

  get totalBytes(): number {
    return this.#totalBytes;
  }

  add(bytes: number, nowMs: number): void {
    this.#totalBytes += bytes;
    const seconds = (this.#seconds ??= new Float64Array(SECOND_SLOTS));
    const fives = (this.#fives ??= new Float64Array(FIVE_SECOND_SLOTS));
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#lastSecond) this.#advance(seconds, fives, second);
    const five = Math.floor(second / 5) % FIVE_SECOND_SLOTS;
    seconds[second % SECOND_SLOTS] = (seconds[second % SECOND_SLOTS] ?? 0) + bytes;
    fives[five] = (fives[five] ?? 0) + bytes;
  }

  /** Bytes per second over the last 5 s (the running second not counted); `ageMs` if it is younger. */
  rate5s(nowMs: number, ageMs: number): number {
    return this.#rate(this.#seconds, 1, 5, nowMs, ageMs);
  }

  /** Bytes per second over the last minute. */
  rate1min(nowMs: number, ageMs: number): number {
    return this.#rate(this.#fives, 5, 12, nowMs, ageMs);
  }

  #rate(
    slots: Float64Array | undefined,
    slotSec: number,
    count: number,
    nowMs: number,
    ageMs: number,
  ): number {
    // Younger than a second there is no rate yet: the original divided by zero here.
    if (slots === undefined || ageMs < 1) return 0;
    if (this.#fives !== undefined && this.#seconds !== undefined) {
      this.#advance(this.#seconds, this.#fives, Math.floor(nowMs / 1000));
    }
    if (ageMs < slotSec * count * 1000) {
      let all = 0;
      for (const bytes of slots) all += bytes;
      return all / Math.max(1, ageMs / 1000);
    }
    const now = Math.floor(nowMs / 1000 / slotSec);
    let sum = 0;
    for (let back = 1; back <= count; back++) {
      sum += slots[(((now - back) % slots.length) + slots.length) % slots.length] ?? 0;
    }
    return sum / (slotSec * count);
  }

  /** Empties the slots of the time in which nothing came. */
  #advance(seconds: Float64Array, fives: Float64Array, second: number): void {
    const clear = (slots: Float64Array, from: number, to: number): void => {
      if (to - from >= slots.length) slots.fill(0);
      else for (let slot = from + 1; slot <= to; slot++) slots[slot % slots.length] = 0;
    };
    clear(seconds, this.#lastSecond, second);
    clear(fives, Math.floor(this.#lastSecond / 5), Math.floor(second / 5));
    this.#lastSecond = second;
  }
}
