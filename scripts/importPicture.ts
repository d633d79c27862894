/** The picture in docs/architecture.md: which folder of src/ imports which, drawn from the imports themselves. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import rules, { FLOORS } from '../.dependency-cruiser.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
export const PICTURED = 'docs/architecture.md';
const BEGIN = '<!-- imports: made by npm run generate -->\n';
const END = '<!-- end of imports -->\n';

/** The folder of a file: src/FOLDER/… */
const folderOf = (path: string): string => path.split('/')[1] ?? '';

/** Which folders each folder imports, types included. */
async function imports(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { doNotFollow, tsPreCompilationDeps, enhancedResolveOptions } = rules.options;
  const { output } = await cruise(
    ['src'],
    { doNotFollow, tsPreCompilationDeps, baseDir: root },
    enhancedResolveOptions,
  );
  const found = new Map<string, Set<string>>();
  for (const { source, dependencies } of (output as ICruiseResult).modules) {
    if (!source.startsWith('src/')) continue;
    const from = folderOf(source);
    const to = found.get(from) ?? new Set();
    found.set(from, to);
    for (const { resolved } of dependencies)
      if (resolved.startsWith('src/') && folderOf(resolved) !== from) to.add(folderOf(resolved));
  }
  return found;
}

/** Arrows that another way does not say already: who imports cli has config and core with it. */
export function shortest(edges: ReadonlyMap<string, ReadonlySet<string>>): [string, string][] {
  const reached = (from: string): Set<string> => {
    const seen = new Set<string>();
    const left = [...(edges.get(from) ?? [])];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      left.push(...(edges.get(next) ?? []));
    }
    return seen;
  };
  return [...edges].flatMap(([from, to]) =>
    [...to]
      .filter((each) => ![...to].some((other) => other !== each && reached(other).has(each)))
      .map((each): [string, string] => [from, each]),
  );
}

/** The document with the picture as the source makes it. */
export async function withPicture(): Promise<string> {
  const text = await readFile(`${root}/${PICTURED}`, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${PICTURED} has no place for the picture`);
  const floors = Object.keys(FLOORS);
  const rank = (name: string): number => floors.indexOf(name);
  const arrows = shortest(await imports()).sort((a, b) => rank(b[0]) - rank(a[0]) || rank(b[1]) - rank(a[1]));
  const lines = arrows.map(([from, to]) => `  ${from} --> ${to}`);
  return `${before}${BEGIN}\n\`\`\`mermaid\nflowchart TD\n${lines.join('\n')}\n\`\`\`\n\n${END}${after}`;
}
