/** What a newcomer does first, whatever it is, in a copy of this checkout in which nothing was done before. */
import { execa } from 'execa';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './helpers/built.ts';

let clone: string;
beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), 'inetgw-clone-'));
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  });
  for (const path of stdout.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    // Deleted, but not committed yet.
    await cp(join(ROOT, path), join(clone, path)).catch(() => undefined);
  }
});
afterAll(() => rm(clone, { recursive: true, force: true }));

/** Without what vitest and the npm around it set; packages come from npm's cache where they are there. */
const environment = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  npm_config_prefer_offline: 'true',
};

const npm = (...words: string[]) =>
  execa('npm', words, {
    cwd: clone,
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    all: true,
  });

async function expectSuccess(...words: string[]): Promise<string> {
  const { exitCode, all, stdout } = await npm(...words);
  expect(exitCode, all).toBe(0);
  return stdout;
}

describe('as the first command', () => {
  beforeEach(async () => {
    for (const name of ['node_modules', 'dist', '.lab']) {
      await rm(join(clone, name), { recursive: true, force: true });
    }
  });

  it.each([
    ['demo', ['--help'], /^Usage: npm run demo/m],
    ['coverage', ['test/unit/core/units.test.ts'], /^\| `src\/core\/` \| /m],
    ['deb', ['.lab/packages'], /^\S+\/inetgw_\S+_all\.deb$/m],
    ['fuzz', ['--seconds', '0.1', 'units'], /units/],
    ['typecheck', ['--version'], /^Version \d/m],
  ])('npm run %s works', async (name, words, shown) => {
    expect(await expectSuccess('run', name, '--', ...words)).toMatch(shown);
  });

  it('npm pack works, also when it only pretends, and prints nothing but its JSON', async () => {
    const packed = JSON.parse(await expectSuccess('pack', '--json', '--dry-run')) as [
      { files: { path: string }[] },
    ];
    expect(packed[0].files.map(({ path }) => path)).toContain('dist/bin/inetgw.js');
  });
});

describe('a checkout that is ready', () => {
  const versionOf = async (): Promise<string> =>
    (await execa(process.execPath, [join(clone, 'dist/bin/inetgw.js'), '--version'])).stdout;
  const setUp = (...needs: string[]) =>
    execa('sh', ['scripts/setup.sh', ...needs], {
      cwd: clone,
      env: environment,
      extendEnv: false,
      all: true,
      reject: false,
    });

  it('is left alone, and says nothing', async () => {
    expect(await setUp('npm', 'build')).toMatchObject({ exitCode: 0 });
    const before = await readdir(join(clone, 'node_modules'));
    expect(await setUp('npm', 'build')).toMatchObject({ exitCode: 0, all: '' });
    expect(await readdir(join(clone, 'node_modules'))).toEqual(before);
  });

  it('is built anew when a source has other content, though its time be old, and not when only its time is new', async () => {
    const file = join(clone, 'src/bin/inetgw.ts');
    const source = await readFile(file, 'utf8');
    await writeFile(file, source.replace(/^(import .*)$/m, "process.stdout.write('other\\n');\n$1"));
    await execa('touch', ['-d', '2001-01-01', file]);
    await setUp('build');
    expect(await versionOf()).toMatch(/^other\n/);
    // As `git checkout` of the older state does it.
    await writeFile(file, source);
    await setUp('build');
    expect(await versionOf()).not.toMatch(/^other/);
    await execa('touch', [file]);
    expect((await setUp('build')).all).toBe('');
  });

  it('is built anew after somebody built another state, or took dist/ away', async () => {
    await writeFile(join(clone, 'src/core/printable.ts.bak'), '');
    await execa(process.execPath, ['scripts/build.mjs'], { cwd: clone });
    await rm(join(clone, 'src/core/printable.ts.bak'));
    const builtAtMs = async (): Promise<number> => (await stat(join(clone, 'dist/bin/inetgw.js'))).mtimeMs;
    const beforeMs = await builtAtMs();
    await setUp('build');
    expect(await builtAtMs()).toBeGreaterThan(beforeMs);
    await rm(join(clone, 'dist'), { recursive: true });
    await setUp('build');
    expect(await versionOf()).toMatch(/\d/);
  });
  it('names what it does not know', async () => {
    expect(await setUp('everything')).toMatchObject({
      exitCode: 2,
      all: 'setup: unknown need everything: npm, system or build',
    });
  });
});
