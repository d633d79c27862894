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
const HEADER = new RegExp(String.raw`^\s*\[{1,2}\s*(${KEY}(?:\s*\.\s*${KEY})*)\s*\]`);
const ASSIGNMENT = new RegExp(String.raw`^(\s*)(${KEY}(?:\s*\.\s*${KEY})*)(\s*=\s*)`);

function keyParts(text: string): string[] {
  return (text.match(new RegExp(KEY, 'g')) ?? []).map((part) => part.replace(/^(["'])(.*)\1$/, '$2'));
}

/** A key and its value; of what stands around it if it cannot be told; of the first line otherwise. */
export interface Places {
  key: Place;
  value: Place;
}

/** @param path table and key, such as `['ppp0', 'mark']`; a table alone gives its header */
export type Locate = (path: readonly string[]) => Places;

interface Assignment extends Places {
  content: string;
  /** Where in the line the value begins, from 0. */
  valueAt: number;
}

const START: Place = { line: 1, column: 1 };
const idOf = (path: readonly string[]): string => JSON.stringify(path);

/** Reads the text once: a file with many errors asks for many places. */
export function locator(text: string): Locate {
  const headers = new Map<string, Place>();
  const assignments = new Map<string, Assignment>();
  let table: string[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    const header = HEADER.exec(content);
    if (header !== null) {
      table = keyParts(header[1] ?? '');
      setFirst(headers, idOf(table), { line, column: content.indexOf('[') + 1 });
      continue;
    }
    const assignment = ASSIGNMENT.exec(content);
    if (assignment === null) continue;
    const [whole, indent = '', key = ''] = assignment;
    setFirst(assignments, idOf([...table, ...keyParts(key)]), {
      key: { line, column: indent.length + 1 },
      value: { line, column: whole.length + 1 },
      content,
      valueAt: whole.length,
    });
  }
  const inlineKeys = new Map<Assignment, ReadonlyMap<string, Places>>();
  const inlineOf = (assignment: Assignment): ReadonlyMap<string, Places> => {
    const known = inlineKeys.get(assignment) ?? readInline(assignment);
    inlineKeys.set(assignment, known);
    return known;
  };
  return (path) => {
    const id = idOf(path);
    const header = headers.get(id);
    if (header !== undefined) return { key: header, value: header };
    const assignment = assignments.get(id);
    if (assignment !== undefined) return { key: assignment.key, value: assignment.value };
    for (let length = path.length - 1; length > 0; length--) {
      const aroundId = idOf(path.slice(0, length));
      const outer = assignments.get(aroundId);
      const around = outer?.key ?? headers.get(aroundId);
      if (around === undefined) continue;
      const inline = outer === undefined ? undefined : inlineOf(outer).get(path.at(-1) ?? '');
      return inline ?? { key: around, value: around };
    }
    return { key: START, value: START };
  };
}

/** The first one counts: a second of the same name is what the parser complains about. */
function setFirst<T>(map: Map<string, T>, id: string, value: T): void {
  if (!map.has(id)) map.set(id, value);
}

const INLINE_KEY = new RegExp(String.raw`([{,]\s*)(${KEY})(\s*=\s*)`, 'g');

/** `ppp0 = { up = 210, down = 1710 }` */
function readInline({ content, valueAt, key: { line } }: Assignment): Map<string, Places> {
  const found = new Map<string, Places>();
  for (const match of content.slice(valueAt).matchAll(INLINE_KEY)) {
    const from = valueAt + match.index;
    setFirst(found, keyParts(match[2] ?? '')[0] ?? '', {
      key: { line, column: from + (match[1]?.length ?? 0) + 1 },
      value: { line, column: from + match[0].length + 1 },
    });
  }
  return found;
}
