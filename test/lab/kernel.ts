/**
 * Debian's stock kernel for the guest: downloaded with apt, unpacked, never installed. This machine's is kept below
 * `.lab/kernel/`, that of a root beside the root; a second run finds it there.
 */
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { failure, missing } from '../../src/core/errors.ts';
import { ARCHITECTURES, hostArchitecture, type Architecture } from './architecture.ts';
import { kernelOf } from './kernelImage.ts';
import { HANG_MS } from '../hang.ts';
import { labFolder } from './paths.ts';

export interface Kernel {
  /** As `uname -r` says it. */
  release: string;
  /** The uncompressed image: QEMU starts it by its PVH note (amd64), which saves the guest unpacking it. */
  imageFile: string;
  /** Folder that holds `<release>/`, to be mounted at /lib/modules. */
  modulesFolder: string;
}

export interface KernelSource {
  /** Where kernels are kept. */
  cache: string;
  architecture: Architecture;
  /** A folder with another Debian, whose apt is asked; this machine's where there is none. */
  root?: string;
}

const DOWNLOAD_HINT = 'the kernel comes from Debian: run this where apt-get can reach a mirror';

/** The kernel in the cache, fetched if there is none. This machine's unless told otherwise. */
export async function findKernel(source?: KernelSource): Promise<Kernel> {
  const wanted = source ?? { cache: await labFolder('kernel'), architecture: hostArchitecture() };
  return (await cached(wanted.cache)) ?? (await fetchKernel(wanted));
}

async function cached(cache: string): Promise<Kernel | undefined> {
  for (const name of (await readdir(cache)).sort().reverse()) {
    const kernel = describe(cache, name);
    const complete = await isThere(kernel.imageFile);
    if (complete && !name.startsWith('tmp-')) return kernel;
  }
  return undefined;
}

function describe(cache: string, release: string): Kernel {
  const root = join(cache, release);
  return { release, imageFile: join(root, 'vmlinux'), modulesFolder: join(root, 'lib/modules') };
}

async function fetchKernel(source: KernelSource): Promise<Kernel> {
  const { cache } = source;
  const packageNames = await kernelPackages(source);
  const folder = await mkdtemp(join(cache, 'tmp-'));
  try {
    for (const archive of await download(packageNames, folder, source)) {
      await tool(['dpkg', '-x', archive, '.'], folder);
      await rm(join(folder, archive));
    }
    await joinLibraries(folder);
    const release = (await readdir(join(folder, 'lib/modules')))[0];
    if (release === undefined) throw failure(`there are no modules in ${packageNames.join(', ')}`);
    await tool(['depmod', '-b', folder, release], folder);
    // Debian 14 has the image beside the modules.
    const inBoot = join(folder, 'boot', `vmlinuz-${release}`);
    const beside = join(folder, 'lib/modules', release, 'vmlinuz');
    const image = await readFile((await isThere(inBoot)) ? inBoot : beside);
    await writeFile(join(folder, 'vmlinux'), await kernelOf(image));
    // Another run may have been faster; its copy is as good as this one.
    await rename(folder, join(cache, release)).catch(() => rm(folder, { recursive: true }));
    return describe(cache, release);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Debian keeps modules below usr/lib since 13, and depmod looks in one of the two: both names lead to them. */
async function joinLibraries(folder: string): Promise<void> {
  if (await isThere(join(folder, 'usr/lib/modules'))) {
    await symlink('usr/lib', join(folder, 'lib'));
  } else {
    await mkdir(join(folder, 'usr'), { recursive: true });
    await rm(join(folder, 'usr/lib'), { recursive: true, force: true });
    await symlink('../lib', join(folder, 'usr/lib'));
  }
}

/** Downloads into the folder; gives the archives' names there. */
async function download(
  packageNames: readonly string[],
  folder: string,
  { root }: KernelSource,
): Promise<string[]> {
  // apt refuses to drop privileges into a folder its own user cannot write to; it then only warns.
  if (root === undefined) {
    await tool(['apt-get', 'download', '-q', ...packageNames], folder);
  } else {
    // Another system's apt sees nothing of this folder.
    const inside = await mkdtemp(join(root, 'tmp/kernel-'));
    const script = 'cd "$0" && apt-get download -q "$@"';
    await tool(['chroot', root, 'sh', '-c', script, `/tmp/${basename(inside)}`, ...packageNames], '/');
    for (const name of await readdir(inside)) await tool(['mv', join(inside, name), folder], '/');
    await rm(inside, { recursive: true });
  }
  const archives = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
  if (archives.length < packageNames.length) {
    throw failure(`apt-get downloaded no archive for one of ${packageNames.join(', ')}`);
  }
  return archives;
}

/**
 * `linux-image-amd64` is empty and depends on the package of the current version. Since Debian 14 that is empty too, and
 * depends on those with the image and with the modules.
 */
async function kernelPackages({ architecture, root }: KernelSource): Promise<string[]> {
  const dependencies = async (name: string): Promise<string> => {
    const inside = root === undefined ? [] : ['chroot', root];
    return (await tool([...inside, 'apt-cache', 'depends', name], '/')).stdout;
  };
  const { kernelPackage } = ARCHITECTURES[architecture];
  const image = /Depends: (linux-image-[0-9]\S*)/.exec(await dependencies(kernelPackage))?.[1];
  if (image === undefined) throw missing(`apt knows no package ${kernelPackage}`, DOWNLOAD_HINT);
  const parts = (await dependencies(image)).matchAll(/ Depends: (linux-(?:binary|modules)-[0-9]\S*)/g);
  return [image, ...[...parts].map((match) => match[1] ?? '')];
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function tool(argv: readonly string[], cwd: string): Promise<{ stdout: string }> {
  const [file = '', ...args] = argv;
  const result = await execa(file, args, { cwd, reject: false, env: { LC_ALL: 'C' }, timeout: 6 * HANG_MS });
  if (result.failed) {
    throw failure(`'${argv.join(' ')}' failed: ${result.stderr || result.shortMessage || ''}`, DOWNLOAD_HINT);
  }
  return { stdout: result.stdout };
}
