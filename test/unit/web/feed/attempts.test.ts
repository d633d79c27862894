/** Wrong tokens: who tries too many is not heard for a minute. */
import { describe, expect, it } from 'vitest';
import { Attempts, FORGOTTEN_AFTER_MS, MOST_OF_ALL, MOST_OF_ONE } from '../../../../src/web/feed/attempts.ts';

/** So many wrong ones of one address, a second apart from 0 on; whether each was too many. */
function tried(attempts: Attempts, from: string, times: number): boolean[] {
  return Array.from({ length: times }, (_, n) => attempts.wrong(from, n * 1000));
}

describe('of one address', () => {
  it('a few are heard, then none until the first of them is a minute ago', () => {
    const attempts = new Attempts();
    expect(tried(attempts, 'a', MOST_OF_ONE)).toEqual([false, false, false, false, true]);
    const nowMs = (MOST_OF_ONE - 1) * 1000;
    expect(attempts.waitMs('a', nowMs)).toBe(FORGOTTEN_AFTER_MS - nowMs);
    expect(attempts.waitMs('a', FORGOTTEN_AFTER_MS)).toBe(0);
  });
  it('others are heard meanwhile', () => {
    const attempts = new Attempts();
    tried(attempts, 'a', MOST_OF_ONE);
    expect(attempts.waitMs('b', MOST_OF_ONE * 1000)).toBe(0);
  });
});

it('from many addresses it is too many as well, and then nobody is heard', () => {
  const attempts = new Attempts();
  for (let n = 0; n < MOST_OF_ALL; n++) {
    expect(attempts.waitMs('who is right', n)).toBe(0);
    attempts.wrong(`192.0.2.${n}`, n);
  }
  expect(attempts.waitMs('who is right', MOST_OF_ALL)).toBe(FORGOTTEN_AFTER_MS - MOST_OF_ALL);
  expect(attempts.waitMs('who is right', FORGOTTEN_AFTER_MS)).toBe(0);
});
