/** Where the control sockets of running relays lie. */
import { lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, failure } from '../../core/errors.ts';

const SUFFIX = '.sock';

/** Names are part of a path and of log lines. */
export const isRelayName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,31}$/.test(name);

/** The folder in which this process puts its socket; the user's own runtime folder where there is one. */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['XDG_RUNTIME_DIR'];
  if (own !== undefined && own.startsWith('/')) return join(own, 'inetgw', 'iprelay');
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? '/run/inetgw/iprelay' : `/tmp/inetgw-${uid}/iprelay`;
}

/** Services of systemd have a folder each: templates/systemd/iprelay@.service. */
const SERVICE_FOLDERS = '/run';
const SERVICE_PREFIX = 'iprelay-';

interface SearchFolder {
  folder: string;
  /** Whose it must be. */
  uid: number;
}

const ownUid = (): number => process.getuid?.() ?? 0;

/**
 * All folders a client looks into. A service started by systemd as root has no XDG_RUNTIME_DIR, root's own
 * login has one: both are looked at. One with a user of its own has its folder in /run, where only root and
 * systemd make any.
 */
async function searchFolders(env: NodeJS.ProcessEnv = process.env): Promise<SearchFolder[]> {
  const own = [...new Set([runtimeFolder(env), '/run/inetgw/iprelay'])];
  const inRun = await readdir(SERVICE_FOLDERS).catch((): string[] => []);
  const services = inRun.filter((name) => name.startsWith(SERVICE_PREFIX)).sort();
  const found = services.map(async (name): Promise<SearchFolder[]> => {
    const top = join(SERVICE_FOLDERS, name);
    // A link where systemd gives the service a user of its own.
    const owner = await stat(top).catch(() => undefined);
    if (owner === undefined || !owner.isDirectory()) return [];
    return [{ folder: runtimeFolder({ XDG_RUNTIME_DIR: top }), uid: owner.uid }];
  });
  return [...own.map((folder) => ({ folder, uid: ownUid() })), ...(await Promise.all(found)).flat()];
}

export const socketPath = (folder: string, name: string): string => join(folder, `${name}${SUFFIX}`);

/** Makes the folder, for its owner only. Throws if somebody else could put a socket there. */
export async function makeRuntimeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw failure(`cannot make ${folder}: ${errorCode(error) ?? '?'}`);
  });
  const problem = await folderProblem(folder, ownUid());
  if (problem !== undefined) throw failure(problem);
}

/**
 * What is wrong with a folder for control sockets, or nothing. Who owns the folder above could move ours away
 * and put another in its place, so that one must be the same user's or root's, and nobody else's to write.
 */
async function folderProblem(folder: string, uid: number): Promise<string | undefined> {
  const [own, above] = await Promise.all([lstat(folder), lstat(dirname(folder))]);
  if (!own.isDirectory() || own.uid !== uid || (own.mode & 0o077) !== 0)
    return `${folder} must be a folder of this user with mode 0700`;
  if (!above.isDirectory() || (above.uid !== uid && above.uid !== 0) || (above.mode & 0o022) !== 0)
    return `${dirname(folder)} must be a folder of this user that nobody else can write to`;
  return undefined;
}

/** The sockets that lie there, running or left over: name and path. */
export async function findSockets(): Promise<{ name: string; path: string }[]> {
  const found: { name: string; path: string }[] = [];
  for (const { folder, uid } of await searchFolders()) {
    // A socket that somebody else could have put there is not asked.
    const problem = await folderProblem(folder, uid).catch(() => 'not there');
    const files = problem === undefined ? await readdir(folder).catch((): string[] => []) : [];
    for (const file of files.sort()) {
      const name = file.slice(0, -SUFFIX.length);
      if (file.endsWith(SUFFIX) && isRelayName(name) && !found.some((each) => each.name === name)) {
        found.push({ name, path: join(folder, file) });
      }
    }
  }
  return found;
}
