/**
 * Whose turn it is: deficit round robin (Shreedhar & Varghese, 1996). Each member carries a tag, the bytes of fair share up to
 * which it was served; the tag of whoever is served from the round is the level all of them have reached (start-time fair
 * queueing, Goyal 1996). A member that comes back below that level - a keystroke beside a download, or one that had to wait
 * for its own cap - goes ahead of the round, as in fq_codel (RFC 8290, 4.2); it would otherwise get less than its share for
 * having waited. All is O(1).
 */
import { MAX_SLICE_BYTES } from './quantum.ts';
import { type Linked, LinkedQueue } from './queue.ts';

export interface Member<T extends Member<T>> extends Linked<T> {
  /** What is left of its turn. */
  deficitBytes: number;
  /** Bytes of fair share up to which it was served. */
  servedTagBytes: number;
}

export class FairQueue<T extends Member<T>> {
  /** Members below their fair share, then the round. */
  readonly #sparse = new LinkedQueue<T>();
  readonly #round = new LinkedQueue<T>();
  /** The tag that the members of the round have reached. */
  #levelBytes = 0;

  get levelBytes(): number {
    return this.#levelBytes;
  }

  /** Who is next. */
  get head(): T | undefined {
    return this.#sparse.head ?? this.#round.head;
  }

  /** Ahead of the round with what it had less than those of the round will have had, else at its end. */
  queue(member: T, turnBytes: number): void {
    // One that took what nobody else could use is not held to it later.
    const latestTag = this.#levelBytes + MAX_SLICE_BYTES;
    member.servedTagBytes = Math.min(Math.max(member.servedTagBytes, this.#levelBytes), latestTag);
    const entitledBytes = Math.floor(this.#levelBytes + turnBytes - member.servedTagBytes);
    member.deficitBytes = Math.max(0, entitledBytes);
    (entitledBytes >= 1 ? this.#sparse : this.#round).pushTail(member);
  }

  /** To the end of the round. */
  endTurn(member: T): void {
    this.#round.pushTail(member);
  }

  /** One ahead of the round lets the others ahead of it pass. False if it is in the round. */
  stepBack(member: T): boolean {
    if (member.list !== this.#sparse) return false;
    this.#round.pushHead(member);
    return true;
  }

  /** It is about to send. */
  begin(member: T): void {
    if (member.list === this.#round) this.#levelBytes = Math.max(this.#levelBytes, member.servedTagBytes);
  }

  /** It has sent. */
  served(member: T, bytes: number): void {
    member.servedTagBytes += bytes;
    member.deficitBytes -= bytes;
  }
}
