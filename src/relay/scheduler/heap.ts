/**
 * A binary heap of things in an order, the time at which one is to be woken for instance; of equals the one that came first. Each
 * is in it at most once.
 */
export interface Ordered {
  order: number;
  /** Place in the heap, -1 outside. */
  heapIndex: number;
  /** When it came, among equals; the heap's own. */
  came?: number;
}

export class Heap<T extends Ordered> {
  readonly #items: T[] = [];
  #came = 0;

  get first(): T | undefined {
    return this.#items[0];
  }

  /** Puts it in; one that is in already is moved. */
  set(item: T, order: number): void {
    this.delete(item);
    item.order = order;
    item.came = ++this.#came;
    item.heapIndex = this.#items.length;
    this.#items.push(item);
    this.#up(item);
  }

  delete(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#items[index] = last;
    last.heapIndex = index;
    this.#up(last);
    this.#down(last);
  }

  #swap(a: T, b: T): void {
    const index = a.heapIndex;
    a.heapIndex = b.heapIndex;
    b.heapIndex = index;
    this.#items[a.heapIndex] = a;
    this.#items[b.heapIndex] = b;
  }

  #up(item: T): void {
    while (item.heapIndex > 0) {
      const parent = this.#items[(item.heapIndex - 1) >> 1];
      if (parent === undefined || !isBefore(item, parent)) return;
      this.#swap(parent, item);
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.heapIndex + 1];
      const right = this.#items[2 * item.heapIndex + 2];
      if (left === undefined) return;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, item)) return;
      this.#swap(item, child);
    }
  }
}

const isBefore = (one: Ordered, other: Ordered): boolean =>
  one.order < other.order || (one.order === other.order && (one.came ?? 0) < (other.came ?? 0));
