/**
 * Where in a TOML text a key stands. The parser tells places for errors of syntax only, and a wrong value is
 * found after it. Reads the forms that people write: headers, bare and quoted keys, dotted keys, and keys of
 * an inline table. Pure.
 */

/** Both count from 1. */
export interface Place {
  line: number;
  column: number;
}

const KEY = String.raw`(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')`;
const HEADER = new RegExp(String.raw`^\s*\[\s*(${KEY}(?:\s*\.\s*${KEY})*)\s*\]`);
const ASSIGNMENT = new RegExp(String.raw`^(\s*)(${KEY}(?:\s*\.\s*${KEY})*)(\s*=\s*)`);

function keyParts(text: string): string[] {
  return (text.match(new RegExp(KEY, 'g')) ?? []).map((part) => part.replace(/^(["'])(.*)\1$/, '$2'));
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((part, at) => part === b[at]);

/**
 * @param path table and key, such as `['ppp0', 'mark']`; a table alone gives its header
 * @returns the place of the key and of its value; of what stands around it if it cannot be told; of the
 *   first line otherwise
 */
export function locate(text: string, path: readonly string[]): { key: Place; value: Place } {
  let table: string[] = [];
  let around: Place = { line: 1, column: 1 };
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    const header = HEADER.exec(content);
    if (header !== null) {
      table = keyParts(header[1] ?? '');
      const column = content.indexOf('[') + 1;
      if (same(table, path)) return { key: { line, column }, value: { line, column } };
      if (same(table, path.slice(0, table.length))) around = { line, column };
      continue;
    }
    const assignment = ASSIGNMENT.exec(content);
    if (assignment === null) continue;
    const [whole, indent = '', key = ''] = assignment;
    const full = [...table, ...keyParts(key)];
    const found = { line, column: indent.length + 1 };
    if (same(full, path)) return { key: found, value: { line, column: whole.length + 1 } };
    if (full.length < path.length && same(full, path.slice(0, full.length))) {
      around = found;
      const inline = locateInline(content, whole.length, path.at(-1) ?? '');
      if (inline !== undefined)
        return { key: { line, column: inline.key }, value: { line, column: inline.value } };
    }
  }
  return { key: around, value: around };
}

/** `ppp0 = { up = 210, down = 1710 }` */
function locateInline(
  content: string,
  from: number,
  key: string,
): { key: number; value: number } | undefined {
  for (const match of content.slice(from).matchAll(new RegExp(String.raw`([{,]\s*)(${KEY})(\s*=\s*)`, 'g'))) {
    if (keyParts(match[2] ?? '')[0] !== key) continue;
    const column = from + match.index + (match[1]?.length ?? 0) + 1;
    return { key: column, value: from + match.index + match[0].length + 1 };
  }
  return undefined;
}
