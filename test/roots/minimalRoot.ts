/**
 * Minimal Debians as folders below `.lab/roots/`, as debootstrap leaves them, from where this machine's apt has Debian
 * from. Each folder is made once; delete it to get the current packages. Needs root.
 */
import { access, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { failure, missing } from '../../src/core/errors.ts';
import { ARCHITECTURES, hostArchitecture, type Architecture } from '../lab/architecture.ts';
import { labFolder } from '../lab/paths.ts';

/** Debian as debootstrap leaves it (`--variant=minbase`). Gives the folder. */
export async function minimalRoot(suite: string, architecture: Architecture): Promise<string> {
  return madeOnce(suite, architecture, 'minimal', async (draft) => {
    const { failed } = await execa('debootstrap', ['--version'], { reject: false });
    if (failed) throw missing('there is no debootstrap here', 'apt-get install debootstrap');
    await requireProcessor(architecture);
    const mirror = await ownMirror();
    const archives = await labFolder('roots', 'archives');
    // It mounts /proc in the draft.
    await quietly(
      contained([
        ...['debootstrap', '--variant=minbase', `--arch=${architecture}`, `--cache-dir=${archives}`],
        ...[suite, draft],
        ...(mirror === undefined ? [] : [mirror]),
      ]),
    );
  });
}

/**
 * A folder of the suite, under its final name only when it is complete.
 * @param make fills the draft, which is not there yet
 */
export async function madeOnce(
  suite: string,
  architecture: Architecture,
  name: string,
  make: (draft: string) => Promise<void>,
): Promise<string> {
  const parent = await labFolder('roots', `${suite}-${architecture}`);
  const folder = join(parent, name);
  if (await isThere(folder)) return folder;
  await removeLeftDrafts(parent);
  const draft = join(parent, `${name}.${process.pid}`);
  process.stderr.write(`roots: making ${suite} for ${architecture}, ${name}\n`);
  try {
    await make(draft);
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another run may have been faster; its folder is as good as this one.
    if (!(await isThere(folder))) throw error;
  }
  return folder;
}

/** Drafts of processes that were ended in the middle: `NAME.PID`. */
async function removeLeftDrafts(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /\.(\d+)$/.exec(name)?.[1];
    if (pid === undefined || (await isThere(`/proc/${pid}`))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Throws where this kernel does not run programs for the processor. */
export async function requireProcessor(architecture: Architecture): Promise<void> {
  if (architecture === hostArchitecture()) return;
  const { machine, qemu } = ARCHITECTURES[architecture];
  if (await isThere(`/proc/sys/fs/binfmt_misc/qemu-${machine}`)) return;
  throw missing(
    `this kernel does not run programs for ${architecture}`,
    `apt-get install ${qemu.debianPackage} qemu-user-static binfmt-support && ` +
      `update-binfmts --enable qemu-${machine} (with binfmt_misc mounted)`,
  );
}

/** Where this machine's apt has Debian from; debootstrap knows one too. */
async function ownMirror(): Promise<string | undefined> {
  const words = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Label: Debian'];
  const { stdout } = await execa('apt-get', words, { reject: false });
  // debootstrap wants a URL of a whole archive.
  return stdout.split('\n').find((line) => /^(https?|file):/.test(line));
}

/** What this machine's apt is told of how to reach an archive (a proxy, dates that are not to be checked), as a file for apt. */
export async function aptSettings(): Promise<string> {
  const { stdout } = await execa('apt-config', ['dump']);
  const lines = stdout.split('\n');
  return lines.filter((line) => /^Acquire::(https?|Retries|Check-)/.test(line)).join('\n') + '\n';
}

/**
 * Words that run the program, and whatever it starts, in namespaces of their own: all of it ends with this process,
 * however that ends, and nothing stays mounted.
 */
export function contained(argv: readonly string[]): string[] {
  const namespaces = ['unshare', '--mount-proc', '--pid', '--fork', '--kill-child'];
  return ['setpriv', '--pdeathsig', 'KILL', ...namespaces, ...argv];
}

/** Shows what the program prints only where it fails. */
export async function quietly(argv: readonly string[], env?: Record<string, string>): Promise<void> {
  const [file = '', ...args] = argv;
  const { failed, all, shortMessage } = await execa(file, args, {
    stdin: 'ignore',
    all: true,
    reject: false,
    ...(env === undefined ? {} : { env }),
  });
  if (!failed) return;
  process.stderr.write(`${all}\n`);
  throw failure(`'${argv.join(' ')}' failed: ${shortMessage ?? ''}`);
}
