/** What docs/architecture.md calls pure has no clock, no chance, no files and no programs: the linter refuses them there. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const architecture = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
const folders = [...architecture.matchAll(/^\| `([\w/.]+)` +\|.*\(pure\) +\|$/gm)].map(
  ([, name = '']) => `src/${name.replace(/\/$/, '')}`,
);

/** The project's own rules, but for those that need types: the files are not there. */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: [
    { languageOptions: { parserOptions: { projectService: false } } },
    tseslint.configs.disableTypeChecked,
  ],
});

async function refusals(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: `${root}/${filePath}` });
  expect(result?.messages.filter(({ fatal }) => fatal === true)).toEqual([]);
  return (result?.messages ?? []).flatMap(({ ruleId }) =>
    ruleId?.startsWith('no-restricted-') === true ? [ruleId] : [],
  );
}

const EFFECTS = [
  ['the time', 'export const now = Date.now();'],
  ['the date', 'export const now = new Date();'],
  ['a duration', 'export const now = performance.now();'],
  ['chance', 'export const any = Math.random();'],
  ['chance of another kind', "import { randomBytes } from 'node:crypto'; export const any = randomBytes(1);"],
  ['files', "import { readFileSync } from 'node:fs'; export const text = readFileSync('x');"],
  ['files, later', "export const text = () => import('node:fs');"],
  ['programs', "import { execa } from 'execa'; export const done = execa('true');"],
  ['sockets', "import { connect } from 'node:net'; export const socket = connect(1);"],
  ['timers', 'setTimeout(() => undefined, 1);'],
  ['the environment', "export const home = process.env['HOME'];"],
  ['what has effects', "import { run } from '../system/run.ts'; export const ran = run;"],
] as const;

it('there are pure folders', () => {
  expect(folders.length).toBeGreaterThan(5);
});

describe.each(folders)('%s', (folder) => {
  it.each(EFFECTS)('refuses %s, in folders below it too', async (_, code) => {
    const places = folder.endsWith('.ts') ? [folder] : [`${folder}/any.ts`, `${folder}/deep/er/any.ts`];
    for (const place of places) expect(await refusals(place, code), place).not.toEqual([]);
  });
  it('takes what only computes', async () => {
    const code =
      "import { isIP } from 'node:net'; export const age = (at: Date) => at.getTime() + isIP('::1') + Date.parse('2026-01-01');";
    expect(await refusals(`${folder.replace(/\/[^/]*\.ts$/, '')}/any.ts`, code)).toEqual([]);
  });
});

it('other folders are not held to it', async () => {
  expect(await refusals('src/system/any.ts', 'export const now = Date.now();')).toEqual([]);
});
