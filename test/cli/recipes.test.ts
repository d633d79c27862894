/** The recipes of CONTRIBUTING.md lead where they say, in the files that they name, and no step can be left out unnoticed. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANG_MS } from '../hang.ts';
import { RECIPES, type Recipe, type Step } from '../recipes/recipes.ts';
import { ROOT } from './helpers/built.ts';

const contributing = await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8');

/** The files that the steps of a recipe name. */
function filesNamed({ title }: Recipe): string[] {
  const [, section = ''] = new RegExp(`^### ${title}\\n([^]*?)(?=^##)`, 'm').exec(contributing) ?? [];
  return [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file = '']) => file);
}

const fileOf = ({ name }: Recipe, { file }: Step): string => file.replace('NAME', name);

function edited(before: string, { file, change }: Step): string {
  if (typeof change === 'string') return change;
  return change.reduce((text, edit) => {
    const mark = 'behind' in edit ? edit.behind : edit.instead;
    if (text.split(mark).length !== 2) throw new Error(`${file} does not have ${JSON.stringify(mark)} once`);
    return text.replace(mark, () => ('behind' in edit ? mark : '') + edit.put);
  }, before);
}

/** Texts of files, by their names below the checkout, after some recipes, each perhaps without one of its steps. */
async function after(recipes: readonly Recipe[], leftOut?: Step): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const recipe of recipes) {
    for (const step of recipe.steps) {
      if (step === leftOut) continue;
      const file = fileOf(recipe, step);
      const before =
        texts.get(file) ?? (typeof step.change === 'string' ? '' : await readFile(join(ROOT, file), 'utf8'));
      texts.set(file, edited(before, step));
    }
  }
  return texts;
}

/** The compiler, on the checkout as it would be with other texts in some files. */
class Compiler {
  private texts: ReadonlyMap<string, string> = new Map();
  private version = 0;
  private readonly config: ts.ParsedCommandLine;
  private readonly service: ts.LanguageService;

  constructor() {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    this.config = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const text = (path: string): string | undefined => this.texts.get(path) ?? ts.sys.readFile(path);
    this.service = ts.createLanguageService({
      getCompilationSettings: () => this.config.options,
      getScriptFileNames: () => [...new Set([...this.config.fileNames, ...this.sources()])],
      getScriptVersion: (path) => (this.texts.has(path) ? String(this.version) : '0'),
      getScriptSnapshot: (path) => {
        const found = text(path);
        return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found);
      },
      getCurrentDirectory: () => ROOT,
      getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
      fileExists: (path) => this.texts.has(path) || ts.sys.fileExists(path),
      readFile: text,
      directoryExists: (path) => ts.sys.directoryExists(path),
      getDirectories: (path) => ts.sys.getDirectories(path),
    });
  }

  private sources(): string[] {
    return [...this.texts.keys()].filter((path) => path.endsWith('.ts'));
  }

  /** What is wrong with some files, or with all that there are. */
  errors(texts: ReadonlyMap<string, string>, files?: readonly string[]): string[] {
    this.version += 1;
    this.texts = new Map([...texts].map(([file, text]) => [join(ROOT, file), text]));
    const all = new Set([...this.config.fileNames, ...this.sources()]);
    const looked = files?.map((file) => join(ROOT, file)) ?? [...all];
    return looked
      .filter((path) => path.endsWith('.ts') && (this.texts.has(path) || ts.sys.fileExists(path)))
      .flatMap((path) =>
        this.service
          .getSemanticDiagnostics(path)
          .map(({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
      );
  }
}

const COPIED = [
  'src',
  'scripts',
  'docs',
  'templates',
  'bpf',
  'package.json',
  'tsconfig.json',
  '.dependency-cruiser.mjs',
  'test/unit',
  'test/golden',
  'test/fixtures',
  'test/hang.ts',
];

const compiler = new Compiler();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-recipes-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    `export default { cacheDir: '.cache', test: { maxWorkers: 2, testTimeout: ${HANG_MS}, hookTimeout: ${HANG_MS} } };\n`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function copyOfTree(name: string, texts: ReadonlyMap<string, string>): Promise<string> {
  const copy = join(folder, name);
  for (const path of COPIED) await cp(join(ROOT, path), join(copy, path), { recursive: true });
  for (const [file, text] of texts) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await writeFile(join(copy, file), text);
  }
  return copy;
}

/** Runs what npm has installed, in a copy. */
async function installed(
  name: 'tsx' | 'vitest',
  cwd: string,
  args: readonly string[],
): Promise<{ exitCode: number; all: string }> {
  const { exitCode, all } = await execa(join(ROOT, 'node_modules/.bin', name), args, {
    cwd,
    reject: false,
    all: true,
    timeout: HANG_MS,
    // vitest sets variables of its own; without CI it writes new snapshots, as for whoever follows a recipe.
    extendEnv: false,
    env: { PATH: process.env['PATH'] },
    stdin: 'ignore',
  });
  return { exitCode: exitCode ?? -1, all };
}

describe.each(RECIPES)('$title', (recipe) => {
  it('touches the files that it names, and no others', () => {
    expect(recipe.steps.map(({ file }) => file)).toEqual(filesNamed(recipe));
  });
});

it('a step that is left out is noticed: by the compiler, or by a test', async () => {
  const byTests: { file: string; step: string }[] = [];
  for (const [n, recipe] of RECIPES.entries()) {
    const files = recipe.steps.map((step) => fileOf(recipe, step));
    expect(compiler.errors(await after([recipe]), files)).toEqual([]);
    for (const [m, step] of recipe.steps.entries()) {
      const texts = await after([recipe], step);
      const what = `${recipe.title} without ${step.file}`;
      const errors = compiler.errors(texts, files);
      if (step.noticedBy === 'types') expect(errors, what).not.toEqual([]);
      else {
        expect(errors, what).toEqual([]);
        await copyOfTree(`without-${n}-${m}`, texts);
        byTests.push({ file: join(`without-${n}-${m}`, step.noticedBy.test), step: what });
      }
    }
  }
  const report = join(folder, 'report.json');
  const args = ['run', '--reporter=json', `--outputFile=${report}`, ...byTests.map(({ file }) => file)];
  await installed('vitest', folder, args);
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as {
    testResults: { name: string; assertionResults: { status: string }[] }[];
  };
  for (const { file, step } of byTests) {
    const found = testResults.find(({ name }) => name === join(folder, file));
    const statuses = found?.assertionResults.map(({ status }) => status) ?? [];
    expect(statuses, step).toContain('failed');
    // One thing is wrong, and not all of the file.
    expect(statuses, step).toContain('passed');
  }
});

it('all three followed: it compiles, its tests pass, and each shows wherever it should', async () => {
  const texts = await after(RECIPES);
  expect(compiler.errors(texts)).toEqual([]);
  const copy = await copyOfTree('followed', texts);
  expect(await installed('tsx', copy, ['scripts/generate.ts'])).toEqual({ exitCode: 0, all: '' });
  const tests = ['config', 'plan', 'cli', 'report', 'manual', 'generated'];
  const { exitCode, all } = await installed('vitest', folder, [
    ...['run', 'followed/test/golden'],
    ...tests.map((name) => `followed/test/unit/${name}`),
    // Last: a word behind it would be taken for what is updated.
    '-u',
  ]);
  expect(exitCode, all).toBe(0);
  for (const { shown, written } of RECIPES) {
    for (const [args, text] of shown) {
      const printed = await installed('tsx', copy, ['src/bin/inetgw.ts', ...args]);
      expect(printed.all).toMatch(text);
      expect(printed.exitCode).toBe(0);
    }
    for (const [file, text] of written) expect(await readFile(join(copy, file), 'utf8')).toMatch(text);
  }
});
