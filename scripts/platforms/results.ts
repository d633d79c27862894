/** What was found on each system, as data: `docs/platforms/results.json`. The tables are made from it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkoutRoot } from '../../test/lab/paths.ts';

export interface CellResult {
  works: boolean;
  /** One line: figures where it works, the reason where it does not. */
  note: string;
  /** ISO 8601, the day. */
  day: string;
}

export interface SystemResult {
  /** Version by the component's name. */
  versions: Record<string, string>;
  cells: Record<string, CellResult>;
}

export interface Results {
  systems: Record<string, SystemResult>;
  /** By the combination's name. */
  roots: Record<string, CellResult>;
}

export const RESULTS_FILE = join(checkoutRoot, 'docs/platforms/results.json');

export async function readResults(): Promise<Results> {
  const text = await readFile(RESULTS_FILE, 'utf8').catch(() => '{"systems":{},"roots":{}}');
  return JSON.parse(text) as Results;
}

/** Reads, changes, writes: so that two runs for different cells lose nothing of each other. */
export async function changeResults(change: (results: Results) => void): Promise<void> {
  const results = await readResults();
  change(results);
  await mkdir(dirname(RESULTS_FILE), { recursive: true });
  await writeFile(RESULTS_FILE, `${JSON.stringify(sorted(results), undefined, 2)}\n`);
}

/** Objects with their keys in order, so that a rerun changes only the lines of its cells. Pure. */
export function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}
