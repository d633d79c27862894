/** The architecture is that of the source: its picture of the imports, and its table of folders. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { PICTURED, shortest, withPicture } from '../../scripts/importPicture.ts';

it('is what the source makes (npm run generate)', async () => {
  expect(await withPicture()).toBe(await readFile(new URL(`../../${PICTURED}`, import.meta.url), 'utf8'));
});

it('draws no arrow that others say already', () => {
  const edges = new Map([
    ['cli', new Set(['system', 'core'])],
    ['system', new Set(['core'])],
    ['core', new Set<string>()],
  ]);
  expect(shortest(edges)).toEqual([
    ['cli', 'system'],
    ['system', 'core'],
  ]);
});

it('has a line for each folder that has files, and for no other', async () => {
  const text = await readFile(new URL(`../../${PICTURED}`, import.meta.url), 'utf8');
  const table = /^## Folders\n([^]*?)^## /m.exec(text)?.[1] ?? '';
  const named = [...table.matchAll(/^\| `([\w/]+)\/` /gm)].map(([, name = '']) => name);
  const source = new URL('../../src/', import.meta.url);
  const files = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const folders = files.map((name) => name.replace(/\/[^/]*$/, ''));
  expect(named.sort()).toEqual([...new Set(folders)].sort());
});
