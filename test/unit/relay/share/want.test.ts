import { describe, expect, it } from 'vitest';
import { Want } from '../../../../src/relay/share/want.ts';

/** Reports every 100 ms of one that sends so many bytes per second. */
function after(reports: number, bytesPerSec: number, limit: number): number {
  const want = new Want();
  let last = 0;
  for (let n = 0; n <= reports; n++) last = want.at(n * 100, (bytesPerSec * n) / 10, false, limit);
  return last;
}

describe('what a relay wants', () => {
  it('all of the limit while something waits for it', () => {
    expect(new Want().at(0, 0, true, 1000)).toBe(1000);
  });
  it('nothing where there is no limit, and at first', () => {
    expect(new Want().at(0, 0, true, 0)).toBe(0);
    expect(new Want().at(0, 5000, false, 1000)).toBe(0);
  });
  it('a quarter more than it has sent within the last second, at most the limit', () => {
    expect(after(30, 100, 1000)).toBeCloseTo(125);
    expect(after(30, 900, 1000)).toBe(1000);
  });
  it('forgets what was sent more than a second ago', () => {
    const want = new Want();
    for (let n = 0; n <= 10; n++) want.at(n * 100, n * 1000, false, 1e6);
    let last = 0;
    for (let n = 11; n <= 22; n++) last = want.at(n * 100, 10_000, false, 1e6);
    expect(last).toBe(0);
  });
});
