/**
 * Finds connections on which nothing moved for a time, without looking at each of them all the time: every
 * connection is looked at once per time-out, when it could be due at the earliest. Pure apart from nothing.
 */
export class IdleWheel<T extends { lastMovedMs: number }> {
  readonly #slots = new Map<number, Set<T>>();
  readonly #slotOf = new Map<T, number>();
  #nextSlot = -Infinity;

  /** Slots are seconds of the clock. */
  add(item: T, timeoutMs: number): void {
    this.#place(item, item.lastMovedMs + timeoutMs);
  }

  delete(item: T): void {
    const slot = this.#slotOf.get(item);
    if (slot === undefined) return;
    this.#slotOf.delete(item);
    const items = this.#slots.get(slot);
    items?.delete(item);
    if (items?.size === 0) this.#slots.delete(slot);
  }

  /** Those that have been idle for the time-out; `heldBack` ones count as having moved just now. */
  take(nowMs: number, timeoutMs: number, heldBack: (item: T) => boolean): T[] {
    const due: T[] = [];
    const nowSlot = Math.floor(nowMs / 1000);
    if (this.#nextSlot === -Infinity) this.#nextSlot = nowSlot;
    // After a long sleep of the machine only the slots that exist are looked at.
    const slots =
      nowSlot - this.#nextSlot > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= nowSlot)
        : Array.from({ length: nowSlot - this.#nextSlot + 1 }, (_, i) => this.#nextSlot + i);
    for (const slot of slots) {
      for (const item of this.#slots.get(slot) ?? []) {
        this.delete(item);
        if (heldBack(item)) item.lastMovedMs = nowMs;
        if (item.lastMovedMs + timeoutMs <= nowMs) due.push(item);
        else this.#place(item, item.lastMovedMs + timeoutMs);
      }
    }
    this.#nextSlot = nowSlot;
    return due;
  }

  /** A new time-out: all are placed anew. */
  retime(timeoutMs: number): void {
    for (const item of [...this.#slotOf.keys()]) {
      this.delete(item);
      this.add(item, timeoutMs);
    }
  }

  #place(item: T, dueMs: number): void {
    const slot = Math.max(Math.ceil(dueMs / 1000), this.#nextSlot);
    const items = this.#slots.get(slot) ?? new Set<T>();
    items.add(item);
    this.#slots.set(slot, items);
    this.#slotOf.set(item, slot);
  }
}
