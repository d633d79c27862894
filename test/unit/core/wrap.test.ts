import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrapLines } from '../../../src/core/wrap.ts';

const LONG = '  note: what is said here is longer than forty columns, and a word is kept whole';

describe('wrapLines', () => {
  it('breaks longer lines between words and sets in what does not fit', () => {
    expect(wrapLines(`short\n${LONG}`, 40)).toBe(
      [
        'short',
        '  note: what is said here is longer than',
        '    forty columns, and a word is kept',
        '    whole',
      ].join('\n'),
    );
  });

  it('leaves alone what goes to a file or to another program', () => {
    expect(wrapLines(LONG, undefined)).toBe(LONG);
  });

  it('counts the columns of wide characters', () => {
    expect(wrapLines('漢字 漢字 漢字', 10)).toBe('漢字 漢字\n  漢字');
  });

  it('never has a wider line than the terminal, and loses no word', () => {
    const text = fc.array(
      fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 20, max: 100 }),
        fc.integer({ min: 0, max: 60 }),
        (lines, columns, n) => {
          const wrapped = wrapLines(lines.join('\n'), columns, () => n);
          expect(Math.max(...wrapped.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
          expect(wrapped.split(/\s+/)).toEqual(lines.join('\n').split(/\s+/));
        },
      ),
    );
  });
});
