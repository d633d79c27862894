/**
 * The targets with their sources instrumented: every branch and statement counts itself in
 * `globalThis.__coverage__`, which is what the search is guided by. Packages stay as they are.
 */
import { build, transform } from 'esbuild';
import { createInstrumenter } from 'istanbul-lib-instrument';
import { readFile } from 'node:fs/promises';

export interface Bundle {
  file: string;
  /** Words that the sources compare with: they are tried as parts of inputs. */
  dictionary: string[];
}

export async function bundleTargets(outputFile: string): Promise<Bundle> {
  const instrumenter = createInstrumenter({ esModules: true, compact: true });
  const dictionary = new Set<string>();
  await build({
    entryPoints: ['test/fuzz/targets.ts'],
    outfile: outputFile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    define: { __VERSION__: '"0"' },
    logLevel: 'warning',
    plugins: [
      {
        name: 'instrument',
        setup: (builder) => {
          builder.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
            const source = await readFile(path, 'utf8');
            for (const match of source.matchAll(/'([^'\\\n]{1,24})'/g)) dictionary.add(match[1] ?? '');
            const { code } = await transform(source, { loader: 'ts', target: 'node20' });
            return { contents: instrumenter.instrumentSync(code, path), loader: 'js' };
          });
        },
      },
    ],
  });
  return { file: outputFile, dictionary: [...dictionary] };
}
