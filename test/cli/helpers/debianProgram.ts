/**
 * A program of Debian without its service: the one that is installed, else its package is unpacked below `.lab/programs`, with the
 * libraries it depends on. Installing haproxy or nginx would have them listen on this machine.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { labFolder } from '../../lab/paths.ts';

export interface Program {
  readonly file: string;
  /** Where its package is unpacked, `/` if it is installed. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * @param file where the packages have it, `/usr/sbin/haproxy`
 * @param packages those that this Debian does not have are left out: promtool is in one of its own from 13 on
 */
export async function debianProgram(file: string, packages: readonly string[]): Promise<Program> {
  if (existsSync(file)) return { file, root: '/', env: process.env };
  const root = join(await labFolder('programs'), packages.join('+'));
  if (!existsSync(join(root, file))) await unpack(root, file, packages);
  return { file: join(root, file), root, env: await withLibraries(root) };
}

async function withLibraries(root: string): Promise<NodeJS.ProcessEnv> {
  const folders = (await readdir(join(root, 'usr/lib'))).map((each) => join(root, 'usr/lib', each));
  return { ...process.env, LD_LIBRARY_PATH: folders.join(':') };
}

async function libraries(packages: readonly string[], options: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('apt-cache', ['depends', '--important', ...options, ...packages]);
  const found = [...stdout.matchAll(/^ +(?:Pre)?Depends: (lib[\w.+-]+)$/gm)].map((match) => match[1] ?? '');
  return [...new Set(found)];
}

async function download(names: readonly string[], folder: string, to: string): Promise<void> {
  await execa('apt-get', ['download', '-q', ...new Set(names)], { cwd: folder });
  for (const name of await readdir(folder))
    if (name.endsWith('.deb')) await execa('dpkg-deb', ['-x', join(folder, name), to]);
}

async function lacksLibraries(file: string, root: string): Promise<boolean> {
  const { stdout } = await execa('ldd', [file], { env: await withLibraries(root), reject: false });
  return stdout.includes('not found');
}

async function unpack(root: string, file: string, wanted: readonly string[]): Promise<void> {
  const { stdout: known } = await execa('apt-cache', ['show', '--no-all-versions', ...wanted], {
    reject: false,
  });
  const packages = wanted.filter((name) => known.split('\n').includes(`Package: ${name}`));
  const folder = await mkdtemp(`${root}-`);
  const unpacked = join(folder, 'root');
  await mkdir(unpacked);
  await download([...packages, ...(await libraries(packages, []))], folder, unpacked);
  // What libraries need that this machine has not: haproxy's from Debian 13 on.
  if (await lacksLibraries(join(unpacked, file), unpacked))
    await download(await libraries(packages, ['--recurse']), folder, unpacked);
  // Another test may have been faster.
  await rename(unpacked, root).catch((error: unknown) => {
    if (!existsSync(root)) throw error;
  });
  await rm(folder, { recursive: true });
}
