import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Sleeper, WakeHeap } from '../../../../src/relay/scheduler/wakeHeap.ts';

it('the first to wake comes first, whoever is put to sleep, moved or woken', () => {
  const steps = fc.array(
    fc.record({ which: fc.nat(11), wakeMs: fc.option(fc.nat(20), { nil: undefined }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (wanted) => {
      const sleepers = Array.from({ length: 12 }, (): Sleeper => ({ wakeMs: 0, heapIndex: -1 }));
      const heap = new WakeHeap<Sleeper>();
      const asleep = new Map<Sleeper, number>();
      for (const { which, wakeMs } of wanted) {
        const sleeper = sleepers[which];
        if (sleeper === undefined) continue;
        if (wakeMs === undefined) {
          heap.delete(sleeper);
          asleep.delete(sleeper);
        } else {
          heap.set(sleeper, wakeMs);
          asleep.set(sleeper, wakeMs);
        }
        expect(heap.first?.wakeMs).toBe(asleep.size === 0 ? undefined : Math.min(...asleep.values()));
        expect(sleepers.filter(({ heapIndex }) => heapIndex >= 0)).toHaveLength(asleep.size);
      }
      const order: number[] = [];
      for (let first = heap.first; first !== undefined; first = heap.first) {
        expect(asleep.get(first)).toBe(first.wakeMs);
        order.push(first.wakeMs);
        heap.delete(first);
        expect(first.heapIndex).toBe(-1);
      }
      expect(order).toEqual([...asleep.values()].sort((one, other) => one - other));
    }),
    { numRuns: 300 },
  );
});
