import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Ordered, Heap } from '../../../../src/relay/scheduler/heap.ts';

it('equals come as they were put in', () => {
  const heap = new Heap<Ordered>();
  const items = Array.from({ length: 20 }, (): Ordered => ({ order: 0, heapIndex: -1 }));
  for (const item of items) heap.set(item, 7);
  const moved = items.shift() as Ordered;
  heap.set(moved, 7);
  for (const item of [...items, moved]) {
    expect(heap.first).toBe(item);
    heap.delete(item);
  }
});

it('the first to wake comes first, whoever is put to sleep, moved or woken', () => {
  const steps = fc.array(fc.record({ which: fc.nat(11), order: fc.option(fc.nat(20), { nil: undefined }) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (wanted) => {
      const sleepers = Array.from({ length: 12 }, (): Ordered => ({ order: 0, heapIndex: -1 }));
      const heap = new Heap<Ordered>();
      const asleep = new Map<Ordered, number>();
      for (const { which, order } of wanted) {
        const sleeper = sleepers[which];
        if (sleeper === undefined) continue;
        if (order === undefined) {
          heap.delete(sleeper);
          asleep.delete(sleeper);
        } else {
          heap.set(sleeper, order);
          asleep.set(sleeper, order);
        }
        expect(heap.first?.order).toBe(asleep.size === 0 ? undefined : Math.min(...asleep.values()));
        expect(sleepers.filter(({ heapIndex }) => heapIndex >= 0)).toHaveLength(asleep.size);
      }
      const order: number[] = [];
      for (let first = heap.first; first !== undefined; first = heap.first) {
        expect(asleep.get(first)).toBe(first.order);
        order.push(first.order);
        heap.delete(first);
        expect(first.heapIndex).toBe(-1);
      }
      expect(order).toEqual([...asleep.values()].sort((one, other) => one - other));
    }),
    { numRuns: 300 },
  );
});
