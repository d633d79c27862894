import { describe, expect, it } from 'vitest';
import { closest } from '../../../src/core/suggest.ts';

const KEYS = ['up', 'down', 'framing', 'mark', 'interactive-ports', 'bulk-ports'];

describe('what may have been meant', () => {
  it.each([
    ['dwon', 'down'],
    ['Down', 'down'],
    ['mrk', 'mark'],
    ['framming', 'framing'],
    ['frmaing', 'framing'],
    ['pu', 'up'],
    ['interative-port', 'interactive-ports'],
  ])('by %s is %s', (typed, meant) => {
    expect(closest(typed, KEYS)).toBe(meant);
  });
  it.each(['colour', 'gone', 'x', ''])('by %j is nothing that there is', (typed) => {
    expect(closest(typed, KEYS)).toBeUndefined();
  });
});
