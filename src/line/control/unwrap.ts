/** Counters that wrap, made into ones that only grow. Pure. */

/** On 32-bit machines many drivers count bytes in 32 bits: a 100 Mbit/s line wraps them every six minutes. */
const WRAP = 2 ** 32;

/**
 * Follows counters by name: what falls from near 2^32 to near 0 has wrapped and goes on growing. Whatever else falls
 * (a device that was made anew counts from 0) is given as it is, for the caller to see.
 */
export class Unwrapper {
  readonly #last = new Map<string, { raw: number; wraps: number }>();

  /** @param raw a reading, 0 or more; one name's readings must be less than 2 GiB or packets apart */
  next(name: string, raw: number): number {
    const last = this.#last.get(name) ?? { raw, wraps: 0 };
    const wrapped = last.raw < WRAP && last.raw - raw > WRAP / 2;
    const wraps = last.wraps + (wrapped ? 1 : 0);
    this.#last.set(name, { raw, wraps });
    return raw + wraps * WRAP;
  }
}
