/** Folders stand on floors, and imports go down: the rules of .dependency-cruiser.mjs, tried on small trees. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { afterEach, beforeEach, expect, it } from 'vitest';
import rules, { FLOORS } from '../../.dependency-cruiser.mjs';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floors-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The names of the rules that a tree of these files breaks. */
async function broken(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const { doNotFollow, tsPreCompilationDeps, enhancedResolveOptions } = rules.options;
  const result = await cruise(
    ['src'],
    {
      doNotFollow,
      tsPreCompilationDeps,
      baseDir: folder,
      validate: true,
      ruleSet: { forbidden: rules.forbidden },
    },
    enhancedResolveOptions,
  );
  return (result.output as ICruiseResult).summary.violations.map(({ rule }) => rule.name);
}

const nothing = 'export const nothing = 0;\n';
const imports = (path: string): string =>
  `import { nothing } from '${path}';\nexport const again = nothing;\n`;

it('an arrow down is fine', async () => {
  expect(await broken({ 'src/cli/a.ts': imports('../core/units.ts'), 'src/core/units.ts': nothing })).toEqual(
    [],
  );
});

it.each([
  ['src/plan/input/a.ts', '../../system/exec/b.ts', 'src/system/exec/b.ts', 'floor-of-plan'],
  ['src/plan/input/deep/er/a.ts', '../../../../system/exec/b.ts', 'src/system/exec/b.ts', 'floor-of-plan'],
  ['src/plan/input/a.ts', '../queues/b.ts', 'src/plan/queues/b.ts', 'room-plan-input'],
  ['src/search/result/a.ts', '../program.ts', 'src/search/program.ts', 'room-search-result'],
  ['src/core/a.ts', '../cli/b.ts', 'src/cli/b.ts', 'floor-of-core'],
  ['src/relay/daemon/a.ts', '../../search/run/b.ts', 'src/search/run/b.ts', 'floor-of-relay'],
])('an arrow upwards is none: %s imports %s', async (from, path, to, rule) => {
  expect(await broken({ [from]: imports(path), [to]: nothing })).toEqual([rule]);
});

it('a circle is found, even of types alone and of imports that come later', async () => {
  const files = {
    'src/tc/a.ts': "import type { B } from './b.ts';\nexport type A = B | 1;\n",
    'src/tc/b.ts': "import type { A } from './c.ts';\nexport type B = A | 2;\n",
    'src/tc/c.ts': "export type A = 3;\nexport const later = () => import('./a.ts');\n",
  };
  expect([...new Set(await broken(files))]).toEqual(['no-circle']);
});

it('a folder that has no floor is refused', async () => {
  expect(
    await broken({ 'src/attic/a.ts': imports('../core/units.ts'), 'src/core/units.ts': nothing }),
  ).toEqual(['from-no-unknown-folder']);
  expect(await broken({ 'src/cli/a.ts': imports('../attic/a.ts') })).toContain('no-unknown-folder');
  expect(
    await broken({ 'src/plan/attic/a.ts': nothing, 'src/plan/a.ts': imports('./attic/a.ts') }),
  ).toContain('room-plan-top');
});

it('the floors are in order: each stands on those before it', () => {
  const names = Object.keys(FLOORS);
  for (const [name, below] of Object.entries(FLOORS))
    for (const each of below)
      expect(names.indexOf(each), `${name} on ${each}`).toBeLessThan(names.indexOf(name));
});
