/**
 * Text from outside, made fit for a terminal, a log line or a table: a name, a file or a server could hold
 * escape sequences that write elsewhere on the screen, or newlines that look like messages of ours. Pure.
 */

/**
 * Control characters (C0 but newline and tab, DEL, C1 with its one-byte CSI), line separators, marks that turn
 * the direction of writing (CVE-2021-42574), and halves of surrogate pairs.
 */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cs}]/gu;

const escaped = (sign: string): string => {
  const code = sign.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

/** Several lines stay several lines; everything that would steer a terminal is written as `\x1b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** The same on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
