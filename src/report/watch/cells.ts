/** Text for a terminal of so many columns: styles, widths, bars. Nothing written is wider than the terminal. Pure. */
import { printableLine } from '../../core/printable.ts';
import { widthOf } from '../../core/wrap.ts';

export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'warn' | 'bad';

export interface Span {
  text: string;
  style: Style;
}

export type Line = readonly Span[];

/** ECMA-48, "Select graphic rendition". */
const SGR: Readonly<Record<Style, string>> = {
  plain: '',
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  good: '\x1b[32m',
  warn: '\x1b[33m',
  bad: '\x1b[31m',
};
const RESET = '\x1b[0m';

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });
export const plain = (text: string): Line => [span(text)];

/** As much of the text as there is room for, never half a character. */
function cut(text: string, columns: number): string {
  let left = columns;
  let out = '';
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    out += character;
  }
  return out;
}

/** The line as it is written, cut to the terminal. */
export function rendered(line: Line, columns: number, colour: boolean): string {
  let left = columns;
  let out = '';
  for (const { text, style } of line) {
    const part = cut(printableLine(text), left);
    left -= widthOf(part);
    out += colour && style !== 'plain' && part !== '' ? `${SGR[style]}${part}${RESET}` : part;
  }
  return colour ? out : out.trimEnd();
}

/** `[#####-----]`, in so many columns; null: not known. */
export function bar(share: number | null, columns: number): Span[] {
  const inner = Math.max(0, columns - 2);
  const full = Math.min(inner, Math.max(0, Math.round((share ?? 0) * inner)));
  const style: Style = share !== null && share >= FULL ? 'warn' : 'good';
  return [span('['), span('#'.repeat(full), style), span('-'.repeat(inner - full), 'dim'), span(']')];
}

/** From here on a line counts as full: the stages begin at 98 %. */
export const FULL = 0.97;

export interface Column {
  head: string;
  cells: readonly string[];
  /** The lowest goes first where the terminal is narrow; the first column stays. */
  rank: number;
}

/** A table of as many columns as there is room for: the first to the left, the others to the right, two spaces between. */
export function fittedTable(all: readonly Column[], columns: number): string[] {
  let kept = [...all];
  const widths = (): number[] =>
    kept.map(({ head, cells }) => Math.max(...[head, ...cells].map((cell) => widthOf(cell))));
  const total = (): number => widths().reduce((sum, width) => sum + width + 2, -2);
  while (kept.length > 1 && total() > columns) {
    const least = Math.min(...kept.slice(1).map(({ rank }) => rank));
    kept = kept.filter(({ rank }, n) => n === 0 || rank !== least);
  }
  const wide = widths();
  const row = (pick: (column: Column) => string): string =>
    kept
      .map((column, n) => {
        const space = ' '.repeat(Math.max(0, (wide[n] ?? 0) - widthOf(pick(column))));
        return n === 0 ? `${pick(column)}${space}` : `${space}${pick(column)}`;
      })
      .join('  ')
      .trimEnd();
  const rows = all[0]?.cells.map((_, n) => row(({ cells }) => cells[n] ?? '')) ?? [];
  return [row(({ head }) => head), ...rows];
}
