/** The picture of the imports in the architecture is the one that the imports make. */
import { readFile } from 'node:fs/promises';
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
