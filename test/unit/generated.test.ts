import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { generatedFiles } from '../../scripts/generated.ts';

it.each([...generatedFiles()])('%s is what the source makes (npm run generate)', async (name, text) => {
  expect(await readFile(new URL(`../../${name}`, import.meta.url), 'utf8')).toBe(text);
});
