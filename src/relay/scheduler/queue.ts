/** A first-in first-out list whose links lie in the members: adding, removing anywhere and moving are O(1). */
export interface Linked<T extends Linked<T>> {
  previous: T | undefined;
  next: T | undefined;
  /** The list the member is in, if any. */
  list: LinkedQueue<T> | undefined;
}

export class LinkedQueue<T extends Linked<T>> {
  head: T | undefined;
  tail: T | undefined;

  pushTail(member: T): void {
    member.list?.remove(member);
    member.list = this;
    member.previous = this.tail;
    member.next = undefined;
    if (this.tail === undefined) this.head = member;
    else this.tail.next = member;
    this.tail = member;
  }

  pushHead(member: T): void {
    member.list?.remove(member);
    member.list = this;
    member.previous = undefined;
    member.next = this.head;
    if (this.head === undefined) this.tail = member;
    else this.head.previous = member;
    this.head = member;
  }

  remove(member: T): void {
    if (member.previous === undefined) this.head = member.next;
    else member.previous.next = member.next;
    if (member.next === undefined) this.tail = member.previous;
    else member.next.previous = member.previous;
    member.previous = undefined;
    member.next = undefined;
    member.list = undefined;
  }
}
