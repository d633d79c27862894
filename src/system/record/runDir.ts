/** Where state lives: /run/inetgw, which vanishes with the kernel's own state at the next boot. */
import { mkdir, readlink, rmdir, stat } from 'node:fs/promises';
import { errorCode, failure, noPrivilege, type UserError } from '../../core/errors.ts';

export const BASE_RUN_DIR = '/run/inetgw';

const nothing = (): undefined => undefined;

let found: Promise<string> | undefined;

/**
 * The folder for devices of this network namespace. Device names are unique in one namespace only, so the
 * others get a folder each, named after the namespace's inode. Looked for once: a process stays in its namespace, and an
 * apply asks for this folder a dozen times.
 */
export function runDir(): Promise<string> {
  found ??= findRunDir();
  return found;
}

async function findRunDir(): Promise<string> {
  const [own, first] = await Promise.all(
    ['/proc/self/ns/net', '/proc/1/ns/net'].map((path) => readlink(path).catch(() => undefined)),
  );
  if (own === undefined || own === first) return BASE_RUN_DIR;
  // A service without CAP_SYS_PTRACE may not see the namespace of process 1.
  if (first === undefined && (await sharesNetworkOfFirstProcess())) return BASE_RUN_DIR;
  return `${BASE_RUN_DIR}/netns-${/\d+/.exec(own)?.[0] ?? 'unknown'}`;
}

/**
 * Whether process 1 is in this network namespace, as anybody may see: each namespace has files of its own below
 * /proc/PID/net. In a container process 1 is the container's, so that its services and its shells agree.
 */
async function sharesNetworkOfFirstProcess(): Promise<boolean> {
  const [own, first] = await Promise.all(
    ['/proc/self/net/dev', '/proc/1/net/dev'].map((path) => stat(path).catch(nothing)),
  );
  return own !== undefined && own.ino === first?.ino;
}

/** That of this process, as the kernel names it: `net:[4026531840]`; undefined: /proc does not show it. */
export async function networkNamespace(): Promise<string | undefined> {
  return readlink('/proc/self/ns/net').catch(nothing);
}

export async function makeRunDir(): Promise<string> {
  const dir = await runDir();
  await mkdir(dir, { recursive: true, mode: 0o755 }).catch(async (error: unknown) => {
    // On a read-only file system the recursive form says ENOENT; the plain one says what is the matter.
    const plainly = (path: string): Promise<unknown> => mkdir(path).then(nothing, (plain: unknown) => plain);
    let cause: unknown = error;
    if (errorCode(error) === 'ENOENT') {
      cause = await plainly(BASE_RUN_DIR);
      if (dir !== BASE_RUN_DIR && (cause === undefined || errorCode(cause) === 'EEXIST'))
        cause = await plainly(dir);
    }
    if (cause !== undefined) throw writeError(dir, cause);
  });
  return dir;
}

/** Takes the folders away if nothing is in them any more, so that /run is as it was before. */
export async function removeEmptyRunDir(): Promise<void> {
  for (const dir of await runFolders()) await rmdir(dir).catch(() => undefined);
}

/** The folder of this network namespace and the one it is in, the inner one first. */
export async function runFolders(): Promise<string[]> {
  return [...new Set([await runDir(), BASE_RUN_DIR])];
}

/** The error for a file in /run that cannot be written: no privilege, full, read-only. */
export function writeError(path: string, error: unknown): UserError {
  return fileError('write', path, error);
}

/** The same for one that cannot be taken away. */
export function removeError(path: string, error: unknown): UserError {
  return fileError('remove', path, error);
}

function fileError(verb: 'write' | 'remove', path: string, error: unknown): UserError {
  const code = errorCode(error);
  if (code === 'EACCES' || code === 'EPERM')
    return noPrivilege(`no permission to ${verb} ${path}`, 'run it as root');
  return failure(`cannot ${verb} ${path}: ${reasonOf(error)}`);
}

/** In plain words; those of the system where there are none of ours: `EIO: i/o error, write` → `i/o error`. */
function reasonOf(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOSPC') return 'the file system is full';
  if (code === 'EROFS') return 'the file system is read-only';
  const text = error instanceof Error ? error.message : String(error);
  return code === undefined ? text : (/^[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? text);
}
