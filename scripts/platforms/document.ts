/** Writes the tables of docs/platforms.md from the results. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { checkoutRoot } from '../../test/lab/paths.ts';
import { COMBINATIONS, nameOf } from './combinations.ts';
import { readResults, type Results } from './results.ts';
import { SYSTEMS } from './systems.ts';
import { figureTable, filledIn, rootTable, systemTable, versionTable } from './table.ts';

export const DOCUMENT_FILE = join(checkoutRoot, 'docs/platforms.md');

/** The document as the results make it, formatted as all of them are. */
export async function documentOf(document: string, results: Results): Promise<string> {
  const text = filledIn(document, {
    systems: systemTable(SYSTEMS, results),
    versions: versionTable(SYSTEMS, results),
    figures: figureTable(SYSTEMS, results),
    roots: rootTable(COMBINATIONS.map(nameOf), results),
  });
  return format(text, { ...(await resolveConfig(DOCUMENT_FILE)), parser: 'markdown' });
}

export async function writeDocument(): Promise<void> {
  const document = await readFile(DOCUMENT_FILE, 'utf8');
  await writeFile(DOCUMENT_FILE, await documentOf(document, await readResults()));
}
