/** The npm package: what is in it, and that it runs without anything else. */
import { execa } from 'execa';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from './helpers/buildOnce.ts';
import { ROOT } from './helpers/built.ts';

let folder: string;
let files: string[];
beforeAll(async () => {
  await build();
  folder = await mkdtemp(join(tmpdir(), 'inetgw-pack-'));
  // The build is up to date already; prepack would make it anew under the other tests' feet.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await execa('npm', args, { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  files = packed?.files.map(({ path }) => path) ?? [];
  const install = [
    'install',
    '--global',
    '--offline',
    '--no-audit',
    '--no-fund',
    '--prefix',
    join(folder, 'prefix'),
  ];
  await execa('npm', [...install, join(folder, packed?.filename ?? '')]);
});
afterAll(() => rm(folder, { recursive: true }));

it('carries the built commands, templates, documentation and notices, and no source', () => {
  const outside = files.filter((path) => !/^(dist|templates|docs)\//.test(path));
  expect(outside.filter((path) => path !== 'README.md').sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'SECURITY.md',
    'package.json',
  ]);
  expect(files).toEqual(
    expect.arrayContaining(['dist/bin/inetgw.js', 'dist/THIRD-PARTY-LICENCES.txt', 'docs/man/inetgw.8']),
  );
  expect(files.filter((path) => path.endsWith('.ts'))).toEqual([]);
});
it.each(['inetgw', 'searchbw', 'iprelay'])(
  '%s runs as it was installed, offline and without a build',
  async (name) => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { stdout } = await execa(join(folder, 'prefix/bin', name), ['--version']);
    expect(stdout).toContain(version);
    await execa(join(folder, 'prefix/bin', name), ['--help']);
  },
);
it('plans a shaper as it was installed', async () => {
  const { stdout } = await execa(join(folder, 'prefix/bin/inetgw'), [
    'ppp0',
    '210',
    '1710',
    '--dry-run',
    '--firewall',
    'nft',
  ]);
  expect(stdout).toContain('tc -batch -');
});
it('finds the example of the configuration and the completions as it was installed', async () => {
  const installed = (...words: string[]) => execa(join(folder, 'prefix/bin/inetgw'), words);
  expect((await installed('config', 'example')).stdout).toContain('[ppp0]');
  expect((await installed('completion', 'bash')).stdout).toContain('complete -F _searchbw searchbw');
});
it('carries the licence of every package in the bundle', async () => {
  const notices = await readFile(join(ROOT, 'dist/THIRD-PARTY-LICENCES.txt'), 'utf8');
  for (const name of ['commander', 'execa', 'ping', 'pino', 'smol-toml']) {
    expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|BSD-3-Clause)\\)$`, 'm'));
  }
});
