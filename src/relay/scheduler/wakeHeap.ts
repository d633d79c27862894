/** A binary heap of things to be woken at a time; each is in it at most once. */
export interface Sleeper {
  wakeMs: number;
  /** Place in the heap, -1 when awake. */
  heapIndex: number;
}

export class WakeHeap<T extends Sleeper> {
  readonly #items: T[] = [];

  get first(): T | undefined {
    return this.#items[0];
  }

  /** Puts it to sleep until `wakeMs`; one that sleeps already is moved. */
  set(item: T, wakeMs: number): void {
    this.delete(item);
    item.wakeMs = wakeMs;
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
      if (parent === undefined || parent.wakeMs <= item.wakeMs) return;
      this.#swap(parent, item);
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.heapIndex + 1];
      const right = this.#items[2 * item.heapIndex + 2];
      if (left === undefined) return;
      const child = right !== undefined && right.wakeMs < left.wakeMs ? right : left;
      if (child.wakeMs >= item.wakeMs) return;
      this.#swap(item, child);
    }
  }
}
