/** Where things are in this checkout, and the cache folder `.lab/` (never committed). */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: the guest sees it under the same path as the host. */
export const checkoutRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A folder below `.lab/`, made if it is not there. */
export async function labFolder(...names: string[]): Promise<string> {
  const folder = join(checkoutRoot, '.lab', ...names);
  await mkdir(folder, { recursive: true });
  return folder;
}
