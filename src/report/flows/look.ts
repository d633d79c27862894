/**
 * One look at all connections, compared with the one before: how many there are, and which have grown most. Memory and what is
 * kept of a look are bounded, however many connections there are. Pure.
 */
import { countedOf } from './messages.ts';

/** So many connections are remembered from look to look: the counts of each take about 100 bytes. */
export const MOST_REMEMBERED = 131_072;
/** So many of those that have grown most are taken apart. */
export const MOST_LOOKED_AT = 1024;

/** A connection that carried something since the look before. */
export interface Grown {
  /** The kernel's message of it. */
  message: Buffer;
  openedBytes: number;
  answeredBytes: number;
  /** By how much these have grown. */
  openedGrowth: number;
  answeredGrowth: number;
}

interface Counts {
  openedBytes: number;
  answeredBytes: number;
}

/** What one look leaves for the next. */
export interface Remembered {
  counts: ReadonlyMap<number, Counts>;
  /** All connections are in it: one that is not was not there. */
  isWhole: boolean;
}

export class Look {
  readonly #isLittle: boolean;
  readonly #before: Remembered | undefined;
  readonly #most: { remembered: number; lookedAt: number };
  readonly #counts = new Map<number, Counts>();
  #isFull = false;
  #largest: Grown[] = [];
  /** Who has grown by less is none of them. */
  #least = 0;
  /** All that were told, those that carried something, and those whose bytes nobody counts. */
  connections = 0;
  active = 0;
  uncounted = 0;
  /** It cannot be told how much they grew: they were not remembered. */
  unknown = 0;

  /** @param before undefined: it is the first one, by which nothing has grown */
  constructor(
    isLittle: boolean,
    before: Remembered | undefined,
    most = { remembered: MOST_REMEMBERED, lookedAt: MOST_LOOKED_AT },
  ) {
    this.#isLittle = isLittle;
    this.#before = before;
    this.#most = most;
  }

  take(message: Buffer): void {
    this.connections++;
    const { key, openedBytes, answeredBytes, isOffloaded } = countedOf(message, this.#isLittle);
    if (openedBytes === undefined || answeredBytes === undefined) {
      this.uncounted++;
      return;
    }
    // The kernel may tell one twice, where the place that it went on from has gone.
    if (this.#counts.has(key)) {
      this.connections--;
      return;
    }
    if (this.#counts.size < this.#most.remembered) this.#counts.set(key, { openedBytes, answeredBytes });
    else this.#isFull = true;
    if (this.#before === undefined) return;
    const was = this.#before.counts.get(key);
    if (was === undefined && !this.#before.isWhole) {
      this.unknown++;
      return;
    }
    const openedGrowth = growth(was?.openedBytes, openedBytes);
    const answeredGrowth = growth(was?.answeredBytes, answeredBytes);
    if (openedGrowth + answeredGrowth > 0) {
      this.active++;
      this.#keep({ message, openedBytes, answeredBytes, openedGrowth, answeredGrowth });
    } else if (isOffloaded) this.uncounted++;
  }

  /** Those that have grown most, most first. */
  largest(): readonly Grown[] {
    this.#cut();
    return this.#largest;
  }

  /** @param isAll the kernel has told of all connections */
  remembered(isAll: boolean): Remembered {
    return { counts: this.#counts, isWhole: isAll && !this.#isFull };
  }

  /** The message lies in a chunk that is larger: only what is kept is copied. */
  #keep(grown: Grown): void {
    if (this.#largest.length >= this.#most.lookedAt && total(grown) <= this.#least) return;
    this.#largest.push({ ...grown, message: Buffer.from(grown.message) });
    if (this.#largest.length >= 2 * this.#most.lookedAt) this.#cut();
  }

  #cut(): void {
    this.#largest = this.#largest
      .toSorted((one, other) => total(other) - total(one))
      .slice(0, this.#most.lookedAt);
    const last = this.#largest.at(-1);
    if (last !== undefined && this.#largest.length === this.#most.lookedAt) this.#least = total(last);
  }
}

const total = ({ openedGrowth, answeredGrowth }: Grown): number => openedGrowth + answeredGrowth;

/** Who was not there before has taken all of it since; a count that fell is that of another connection. */
const growth = (was: number | undefined, is: number): number =>
  was === undefined || is < was ? is : is - was;
