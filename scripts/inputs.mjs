/** What dist/ is made of. By content: a file's time says nothing after `git checkout` of an older state. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const INPUTS = ['src', 'bpf/pacing.o', 'scripts/build.mjs', 'scripts/inputs.mjs', 'scripts/licences.mjs'];
/** The packages are in the bundle, and the version is. */
const MORE_INPUTS = ['package.json', 'package-lock.json'];
const DIGEST_FILE = '.lab/dist.digest';
/** The last file that a build writes. */
const LAST_OUTPUT = 'dist/THIRD-PARTY-LICENCES.txt';

/** One digest over the paths and contents of all inputs; the working directory is the checkout. */
export async function digestOfInputs() {
  const digest = createHash('sha256');
  for (const path of (await Promise.all([...INPUTS, ...MORE_INPUTS].map(filesOf))).flat().sort()) {
    digest.update(`${path}\0`).update(
      createHash('sha256')
        .update(await readFile(path))
        .digest(),
    );
  }
  return digest.digest('hex');
}

async function filesOf(path) {
  const names = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (names === undefined) return [path];
  return (await Promise.all(names.map(({ name }) => filesOf(join(path, name))))).flat();
}

/** Whether dist/ is what these inputs make. */
export async function isBuilt(digest) {
  const built = await readFile(DIGEST_FILE, 'utf8').catch(() => undefined);
  return built === digest && existsSync(LAST_OUTPUT);
}

/** To be called before the first file of dist/ changes. */
export async function forgetBuild() {
  await rm(DIGEST_FILE, { force: true });
}

export async function rememberBuild(digest) {
  await mkdir('.lab', { recursive: true });
  await writeFile(DIGEST_FILE, digest);
}
