/** A Node that is too old, the real thing (npm's packages of it, kept in .lab): one line and exit code 5. */
import { execa } from 'execa';
import { access, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/core/errors.ts';
import { labFolder } from '../lab/paths.ts';
import { build } from './helpers/buildOnce.ts';
import { ROOT } from './helpers/built.ts';

/** The oldest that a supported Debian has (11), and the last one that is too old. */
const VERSIONS = ['12.22.12', '18.20.8'];

/** The program of this version; fetched once. */
async function nodeOf(version: string): Promise<string> {
  const folder = await labFolder('nodes');
  const program = join(folder, version, 'bin/node');
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  const draft = await mkdtemp(join(folder, 'draft-'));
  const { stdout } = await execa('npm', ['pack', '--silent', `node-linux-${process.arch}@${version}`], {
    cwd: draft,
  });
  await execa('tar', ['xzf', stdout.trim(), 'package/bin/node'], { cwd: draft });
  await rm(join(folder, version), { recursive: true, force: true });
  await rename(join(draft, 'package'), join(folder, version));
  await rm(draft, { recursive: true });
  return program;
}

beforeAll(build);

it.each(
  VERSIONS.flatMap((version) => ['inetgw', 'searchbw', 'iprelay'].map((name) => [name, version] as const)),
)('%s with Node %s says which one it needs', async (name, version) => {
  const node = await nodeOf(version);
  for (const words of [['--version'], [], ['ppp0', '210', '1710', '--dry-run']]) {
    const { exitCode, stdout, stderr } = await execa(node, [`${ROOT}/dist/bin/${name}.js`, ...words], {
      reject: false,
    });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: EXIT.missing,
      stdout: '',
      stderr: `${name}: ${name} needs Node 20 or later, this is ${version} (${node})`,
    });
  }
});
