import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Freshness } from '../../../../src/web/server/freshness.ts';

let asked: number;
let fresh: Freshness;
beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  fresh = new Freshness(() => asked++);
});
afterEach(() => {
  vi.useRealTimers();
});

it('a reading of the last second serves; an older one is asked for anew, once for all who wait', () => {
  const answered: string[] = [];
  fresh.came();
  fresh.whenFresh(() => answered.push('at once'));
  expect([answered, asked]).toEqual([['at once'], 0]);
  vi.advanceTimersByTime(1000);
  fresh.whenFresh(() => answered.push('one'));
  fresh.whenFresh(() => answered.push('other'));
  expect([answered, asked]).toEqual([['at once'], 1]);
  fresh.came();
  expect(answered).toEqual(['at once', 'one', 'other']);
  vi.advanceTimersByTime(60_000);
  expect(answered).toHaveLength(3);
});

it('where none comes, whoever waits is answered with what is known, and the next one asks again', () => {
  const answered: string[] = [];
  fresh.whenFresh(() => answered.push('one'));
  vi.advanceTimersByTime(4999);
  expect(answered).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(answered).toEqual(['one']);
  fresh.whenFresh(() => answered.push('two'));
  expect(asked).toBe(2);
  fresh.came();
  expect(answered).toEqual(['one', 'two']);
});
