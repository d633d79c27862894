/**
 * Lays out a signed apt repository as static files, for any web server:
 * `npm run apt-repository -- --key KEYID --out FOLDER [DEB…]`. Without a DEB it builds the package. What stands in
 * FOLDER/pool already stays offered; the indices are made anew and put in place as a whole.
 *
 * By apt-ftparchive, apt's own: it reads a folder of packages and keeps no database beside it, as reprepro does, which
 * would have to be kept with the key. Signed by gpg with a key of the user's; none is made here.
 */
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa, ExecaError } from 'execa';
import { buildDeb } from './deb.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The package is for all of them; each has an index of its own, as in Debian's archive. */
const ARCHITECTURES = ['amd64', 'arm64', 'armhf', 'i386', 'ppc64el', 'riscv64', 's390x'];
const SUITE = 'stable';
const COMPONENT = 'main';
const POOL = `pool/${COMPONENT}/i/inetgw`;

interface Repository {
  /** As gpg takes it: a fingerprint, a mail address. */
  key: string;
  folder: string;
  debs: readonly string[];
}

/** Throws an error with one line for the user; the repository is then as it was. */
export async function layOut({ key, folder, debs }: Repository): Promise<void> {
  await execa('gpg', ['--batch', '--list-secret-keys', key]).catch((error: unknown) => {
    if (error instanceof ExecaError && error.code === 'ENOENT')
      throw new Error('gpg was not found: apt-get install gnupg');
    throw new Error(`gpg has no secret key '${key}': gpg --quick-generate-key 'NAME <MAIL>' ed25519 sign`);
  });
  for (const deb of debs) {
    const { stdout } = await execa('dpkg-deb', ['--field', deb, 'Package'], { reject: false });
    if (stdout !== 'inetgw') throw new Error(`${deb} is no package of inetgw`);
  }
  const pool = join(folder, POOL);
  await mkdir(pool, { recursive: true });
  for (const deb of debs) await addToPool(deb, pool);
  const draft = join(folder, 'dists.new');
  await rm(draft, { recursive: true, force: true });
  try {
    await writeIndices(folder, draft);
    await sign(key, join(draft, SUITE));
    const old = join(folder, 'dists.old');
    await rm(old, { recursive: true, force: true });
    await rename(join(folder, 'dists'), old).catch(() => undefined);
    await rename(draft, join(folder, 'dists'));
    await rm(old, { recursive: true, force: true });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  // By gpg itself: a key whose last byte is a line feed would lose it as output of a program.
  const publicKey = join(folder, 'inetgw.gpg');
  await execa('gpg', ['--batch', '--yes', '--output', `${publicKey}.new`, '--export', key]);
  await rename(`${publicKey}.new`, publicKey);
}

/** Named after its version. A version that has been given out must not change: apt would find its checksum wrong. */
async function addToPool(deb: string, pool: string): Promise<void> {
  const { stdout } = await execa('dpkg-deb', ['--showformat', '${Version}_${Architecture}', '--show', deb]);
  const path = join(pool, `inetgw_${stdout}.deb`);
  const { exitCode } = await execa('cmp', ['-s', deb, path], { reject: false });
  if (exitCode === 0) return;
  const isThere = await execa('test', ['-e', path], { reject: false });
  if (isThere.exitCode === 0)
    throw new Error(`${basename(path)} is in the repository already, and another: raise the version`);
  await copyFile(deb, `${path}.new`);
  await rename(`${path}.new`, path);
}

/** Packages, as it is, by gzip and by xz, and Release above them. */
async function writeIndices(folder: string, dists: string): Promise<void> {
  for (const architecture of ARCHITECTURES) {
    const place = join(dists, SUITE, COMPONENT, `binary-${architecture}`);
    await mkdir(place, { recursive: true });
    // Paths in it count from the repository's folder.
    const { stdout } = await execa('apt-ftparchive', ['--arch', architecture, 'packages', 'pool'], {
      cwd: folder,
      stripFinalNewline: false,
    });
    const index = join(place, 'Packages');
    await writeFile(index, stdout);
    await execa('gzip', ['-9nk', index]);
    await execa('xz', ['-9k', index]);
  }
  const fields = {
    Origin: 'inetgw',
    Label: 'inetgw',
    Suite: SUITE,
    Codename: SUITE,
    Architectures: ARCHITECTURES.join(' '),
    Components: COMPONENT,
  };
  const options = Object.entries(fields).flatMap(([name, value]) => [
    '-o',
    `APT::FTPArchive::Release::${name}=${value}`,
  ]);
  const { stdout } = await execa('apt-ftparchive', [...options, 'release', join(dists, SUITE)], {
    stripFinalNewline: false,
  });
  await writeFile(join(dists, SUITE, 'Release'), stdout);
}

async function sign(key: string, folder: string): Promise<void> {
  // The terminal, if there is one, is gpg's to ask for a passphrase.
  const words = ['--yes', '--local-user', key, '--digest-algo', 'SHA512'];
  const run = (...more: string[]) =>
    execa('gpg', [...words, ...more, join(folder, 'Release')], { stdio: ['inherit', 'inherit', 'inherit'] });
  await run('--clearsign', '--output', join(folder, 'InRelease'));
  await run('--detach-sign', '--armor', '--output', join(folder, 'Release.gpg'));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { key: { type: 'string' }, out: { type: 'string' } },
    allowPositionals: true,
  });
  if (values.key === undefined || values.out === undefined)
    throw new TypeError(
      '--key and --out are needed: npm run apt-repository -- --key KEYID --out FOLDER [DEB…]',
    );
  const folder = resolve(values.out);
  if (positionals.length > 0) {
    await layOut({ key: values.key, folder, debs: positionals });
  } else {
    const build = await mkdtemp(join(tmpdir(), 'inetgw-deb-'));
    try {
      await execa(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
      await layOut({ key: values.key, folder, debs: [await buildDeb(build)] });
    } finally {
      await rm(build, { recursive: true });
    }
  }
  console.log(`${folder}: pool/, dists/, inetgw.gpg (the public key); docs/install.md says how it is used`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(`apt-repository: ${error instanceof Error ? error.message : String(error)}`);
    // parseArgs throws TypeErrors, too.
    process.exitCode = error instanceof TypeError ? 2 : 1;
  }
}
