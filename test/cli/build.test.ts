/** scripts/build.mjs does not go on where it names what is not there: the bundle would be scattered, and still run. */
import { execa } from 'execa';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from './helpers/built.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-build-'));
  for (const name of ['src', 'scripts', 'bpf', 'package.json', 'package-lock.json', 'tsconfig.json'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

const build = () => execa(process.execPath, ['scripts/build.mjs'], { cwd: folder, reject: false });

it('makes a few files, which an apply needs', async () => {
  expect((await build()).exitCode).toBe(0);
  expect(await readdir(join(folder, 'dist/lib'))).toEqual(
    expect.arrayContaining(['main.js', 'commander.js', 'apply.js', 'common.js']),
  );
});

it('writes plain ASCII, which Node reads as one byte each', async () => {
  for (const part of ['lib', 'page'])
    for (const name of (await readdir(join(folder, 'dist', part))).filter((each) => each.endsWith('.js')))
      expect(await readFile(join(folder, 'dist', part, name), 'latin1'), name).not.toMatch(/[^\0-\x7f]/);
});

it.each(['inetgw', 'searchbw', 'iprelay'])(
  'keeps the help of %s as it is where it is made anew',
  async (name) => {
    const help = async () => (await execa(join(folder, `dist/bin/${name}.js`), ['--help'])).stdout;
    const kept = await help();
    await rm(join(folder, `dist/lib/help-${name}.txt`));
    expect(kept).toContain(`Usage: ${name}`);
    expect(await help()).toBe(kept);
  },
);

it('fails where a path that it names is no module any more', async () => {
  const script = join(folder, 'scripts/build.mjs');
  const text = await readFile(script, 'utf8');
  const [named = ''] = /(?<=const APPLY = \[')[^']+/.exec(text) ?? [];
  await writeFile(script, text.replace(named, 'src/cli/moved.ts'));
  const { exitCode, stderr } = await build();
  expect(exitCode).toBe(1);
  expect(stderr).toContain('src/cli/moved.ts is no module of the bundle');
});
