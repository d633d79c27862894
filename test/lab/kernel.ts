/**
 * Debian's stock kernel for the guest: downloaded with apt, unpacked, never installed. Kept below
 * `.lab/kernel/`; a second run finds it there.
 */
import { access, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { failure, missing } from '../../src/errors.ts';
import { labFolder } from './paths.ts';

export interface Kernel {
  /** As `uname -r` says it. */
  release: string;
  /** The uncompressed ELF image: QEMU starts it by its PVH note, which saves the guest unpacking it. */
  imageFile: string;
  /** Folder that holds `<release>/`, to be mounted at /lib/modules. */
  modulesFolder: string;
}

const DOWNLOAD_HINT = 'the kernel comes from Debian: run this where apt-get can reach a mirror';

/** The kernel in the cache, fetched if there is none. */
export async function findKernel(): Promise<Kernel> {
  const cache = await labFolder('kernel');
  return (await cached(cache)) ?? (await fetchKernel(cache));
}

async function cached(cache: string): Promise<Kernel | undefined> {
  for (const name of (await readdir(cache)).sort().reverse()) {
    const kernel = describe(cache, name);
    const complete = await access(kernel.imageFile).then(
      () => true,
      () => false,
    );
    if (complete && !name.startsWith('tmp-')) return kernel;
  }
  return undefined;
}

function describe(cache: string, release: string): Kernel {
  const root = join(cache, release);
  return { release, imageFile: join(root, 'vmlinux'), modulesFolder: join(root, 'lib/modules') };
}

async function fetchKernel(cache: string): Promise<Kernel> {
  const packageName = await kernelPackage();
  const folder = await mkdtemp(join(cache, 'tmp-'));
  try {
    // apt refuses to drop privileges into a folder its own user cannot write to; it then only warns.
    await tool(['apt-get', 'download', '-q', packageName], folder);
    const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw failure(`apt-get downloaded no archive for ${packageName}`);
    await tool(['dpkg', '-x', archive, '.'], folder);
    const release = (await readdir(join(folder, 'lib/modules')))[0];
    if (release === undefined) throw failure(`${packageName} holds no modules`);
    await tool(['depmod', '-b', folder, release], folder);
    const compressed = await readFile(join(folder, 'boot', `vmlinuz-${release}`));
    await writeFile(join(folder, 'vmlinux'), await uncompressed(compressed));
    await rm(join(folder, archive));
    // Another run may have been faster; its copy is as good as this one.
    await rename(folder, join(cache, release)).catch(() => rm(folder, { recursive: true }));
    return describe(cache, release);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** `linux-image-amd64` is empty and depends on the package of the current version. */
async function kernelPackage(): Promise<string> {
  const { stdout } = await tool(['apt-cache', 'depends', 'linux-image-amd64'], '/');
  const name = /Depends: (linux-image-[0-9][^\s]*)/.exec(stdout)?.[1];
  if (name === undefined) throw missing('apt knows no package linux-image-amd64', DOWNLOAD_HINT);
  return name;
}

/** The ELF image inside a bzImage that was compressed with xz, as Debian's are. */
async function uncompressed(bzImage: Buffer): Promise<Uint8Array> {
  const start = bzImage.indexOf(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]));
  if (start < 0) throw failure('the kernel image is not compressed with xz');
  // The xz stream is followed by other parts of the image, which xz calls trailing garbage (exit code 1).
  const { stdout } = await execa('xz', ['-dcq', '--single-stream'], {
    input: bzImage.subarray(start),
    encoding: 'buffer',
    reject: false,
    maxBuffer: 512 * 1024 * 1024,
  });
  if (stdout[0] !== 0x7f || stdout[1] !== 0x45) throw failure('the kernel image holds no ELF file');
  return stdout;
}

async function tool(argv: readonly [string, ...string[]], cwd: string): Promise<{ stdout: string }> {
  const [file, ...args] = argv;
  const result = await execa(file, args, { cwd, reject: false, env: { LC_ALL: 'C' }, timeout: 600_000 });
  if (result.failed) {
    throw failure(`'${argv.join(' ')}' failed: ${result.stderr || result.shortMessage || ''}`, DOWNLOAD_HINT);
  }
  return { stdout: result.stdout };
}
