/**
 * Builds the three commands into dist/: one small file each for the entry, what they share in chunks, the
 * packages bundled in. A gateway starts them from ip-up.d, so what counts is how little is read at start:
 * each entry loads only what its command line asks for (dynamic imports become chunks of their own).
 */
import { build } from 'esbuild';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { licenceNotices } from './licences.mjs';

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const commands = ['inetgw', 'searchbw', 'iprelay'];

await rm('dist', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: commands.map((name) => `src/bin/${name}.ts`),
  outdir: 'dist/bin',
  chunkNames: '../lib/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  define: { __VERSION__: JSON.stringify(version) },
  banner: {
    // Bundled CommonJS packages call require() for Node's own modules.
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  // The notices of all packages stand in one file.
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});
await mkdir('dist/bpf');
await copyFile('bpf/pacing.o', 'dist/bpf/pacing.o');
for (const name of commands) await chmod(`dist/bin/${name}.js`, 0o755);
await writeFile('dist/THIRD-PARTY-LICENCES.txt', await licenceNotices(metafile.inputs));
