/** Lines that fit a terminal. Pure. */
import truncatedWidth from 'fast-string-truncated-width';
import { printableLine } from './printable.ts';

/**
 * Columns that a text takes; what steers a terminal must be gone from it. Each character by itself: a terminal may draw several
 * that are joined (family emoji, flags) as one or not, and so never takes more than this.
 */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += truncatedWidth(character).width;
  return width;
}

/** Words in lines of at most so many columns; a word that is longer is cut by whoever writes the line. */
export function wrapped(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printableLine(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > columns) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line];
}

/** A line that is set in by less than this is easier to read than one of three words. */
const FEWEST_COLUMNS = 30;

/**
 * The text with its longer lines broken between words.
 *
 * @param columns of the terminal; undefined: it goes elsewhere, and stays as it is
 * @param indentOf by how many columns what does not fit is set in; otherwise by two more than the line itself
 */
export function wrapLines(
  text: string,
  columns: number | undefined,
  indentOf?: (line: string) => number,
): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .flatMap((line) => {
      if (widthOf(line) <= columns) return [line];
      const start = /^ */.exec(line)?.[0].length ?? 0;
      const indent = indentOf?.(line) ?? start + 2;
      const set = columns - indent >= FEWEST_COLUMNS ? indent : start + 2;
      const [first = '', ...others] = wrapped(line.slice(start), columns - start, ' '.repeat(set - start));
      return [first, ...others].map((each) => `${' '.repeat(start)}${each}`);
    })
    .join('\n');
}
