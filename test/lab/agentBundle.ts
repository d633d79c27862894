/** The agent as one file that the guest's node can start: bundled once per process, into `.lab/agent/`. */
import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { checkoutRoot, labFolder } from './paths.ts';

/** Path of the bundle. Named by its content, so that runs with different code do not meet. */
export async function bundleAgent(): Promise<string> {
  const folder = await labFolder('agent');
  const result = await build({
    entryPoints: [join(checkoutRoot, 'test/lab/agent/main.ts')],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  });
  const code = result.outputFiles[0]?.contents ?? new Uint8Array();
  const path = join(folder, `agent-${createHash('sha256').update(code).digest('hex').slice(0, 12)}.cjs`);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, code);
  await rename(temporary, path);
  return path;
}
