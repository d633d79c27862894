/** Where the control sockets of running relays lie. */
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../errors.ts';

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

/**
 * All folders a client looks into. A service started by systemd as root has no XDG_RUNTIME_DIR, root's own
 * login has one: both are looked at. One with a user of its own has its folder in /run.
 */
async function searchFolders(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const inRun = await readdir(SERVICE_FOLDERS).catch((): string[] => []);
  const services = inRun
    .filter((name) => name.startsWith(SERVICE_PREFIX))
    .map((name) => runtimeFolder({ XDG_RUNTIME_DIR: join(SERVICE_FOLDERS, name) }));
  return [...new Set([runtimeFolder(env), '/run/inetgw/iprelay', ...services.sort()])];
}

export const socketPath = (folder: string, name: string): string => join(folder, `${name}${SUFFIX}`);

/** Makes the folder, for its owner only. Throws if somebody else could put a socket there. */
export async function makeRuntimeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw failure(`cannot make ${folder}: ${(error as NodeJS.ErrnoException).code ?? '?'}`);
  });
  const stat = await lstat(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) {
    throw failure(`${folder} must be a folder of this user with mode 0700`);
  }
}

/** The sockets that lie there, running or left over: name and path. */
export async function findSockets(): Promise<{ name: string; path: string }[]> {
  const found: { name: string; path: string }[] = [];
  for (const folder of await searchFolders()) {
    const files = await readdir(folder).catch((): string[] => []);
    for (const file of files.sort()) {
      const name = file.slice(0, -SUFFIX.length);
      if (file.endsWith(SUFFIX) && isRelayName(name) && !found.some((each) => each.name === name)) {
        found.push({ name, path: join(folder, file) });
      }
    }
  }
  return found;
}
