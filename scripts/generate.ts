/** Writes the files that are made from the source: firewall snippets, completions, the digest of the pacing program, the picture of imports. `npm run generate`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './generated.ts';
import { PICTURED, withPicture } from './importPicture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const [name, text] of [...generatedFiles(), [PICTURED, await withPicture()] as const]) {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), text);
}
