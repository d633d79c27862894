import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Linked, LinkedQueue } from '../../../../src/relay/scheduler/queue.ts';

class Member implements Linked<Member> {
  previous: Member | undefined;
  next: Member | undefined;
  list: LinkedQueue<Member> | undefined;
}

function forwards(queue: LinkedQueue<Member>): Member[] {
  const members: Member[] = [];
  for (let member = queue.head; member !== undefined; member = member.next) members.push(member);
  return members;
}

function backwards(queue: LinkedQueue<Member>): Member[] {
  const members: Member[] = [];
  for (let member = queue.tail; member !== undefined; member = member.previous) members.push(member);
  return members;
}

it('two queues are what two lists would be, whatever is added, moved to the end or to the other, or removed', () => {
  const steps = fc.array(fc.record({ member: fc.nat(5), to: fc.constantFrom(0, 1, undefined) }));
  fc.assert(
    fc.property(steps, (wanted) => {
      const members = Array.from({ length: 6 }, () => new Member());
      const queues = [new LinkedQueue<Member>(), new LinkedQueue<Member>()];
      let lists: Member[][] = [[], []];
      for (const { member: index, to } of wanted) {
        const member = members[index] ?? new Member();
        if (to === undefined) member.list?.remove(member);
        else queues[to]?.pushTail(member);
        lists = lists.map((list, place) => [
          ...list.filter((each) => each !== member),
          ...(place === to ? [member] : []),
        ]);
        queues.forEach((queue, place) => {
          const list = lists[place] ?? [];
          expect(forwards(queue)).toEqual(list);
          expect(backwards(queue)).toEqual(list.toReversed());
          expect(members.filter((each) => each.list === queue)).toHaveLength(list.length);
        });
      }
    }),
  );
});
