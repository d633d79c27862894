/**
 * Network namespaces beside this process's own in which there are records of ours. A device can be cleared only from
 * inside its namespace, where /sys shows it.
 */
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, type UserError } from '../../core/errors.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { BASE_RUN_DIR, removeEmptyRunDir, removeError, runDir } from '../record/runDir.ts';
import { recordedDevices } from '../record/state.ts';

export interface OtherNamespace {
  /** As `ip netns` has it, else its inode. */
  name: string;
  /** Those that there is a record of. */
  devices: string[];
  /** The folder of the records. */
  folder: string;
  /** A file that leads into it; undefined: nothing does, it is gone with its devices. */
  path: string | undefined;
}

const nothing = (): undefined => undefined;

export async function otherNamespaces(): Promise<OtherNamespace[]> {
  const own = await runDir();
  const names = (await readdir(BASE_RUN_DIR).catch((): string[] => [])).sort();
  const found: OtherNamespace[] = [];
  const ways = names.some((name) => FOLDER.test(name)) ? await waysIn() : new Map<string, string>();
  for (const name of names) {
    const inode = FOLDER.exec(name)?.[1];
    const folder = join(BASE_RUN_DIR, name);
    if (inode === undefined || folder === own) continue;
    const path = ways.get(inode);
    const known = /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(path ?? '')?.[1];
    found.push({ name: known ?? inode, devices: await recordedDevices(folder), folder, path });
  }
  if (own !== BASE_RUN_DIR) {
    const devices = await recordedDevices(BASE_RUN_DIR);
    if (devices.length > 0)
      found.push({ name: 'of process 1', devices, folder: BASE_RUN_DIR, path: '/proc/1/ns/net' });
  }
  return found;
}

/** As runDir.ts names it. */
const FOLDER = /^netns-(\d+)$/;

/** A file that leads into each namespace, by inode: a mount (`ip netns`, containers), else a process that is in it. */
async function waysIn(): Promise<Map<string, string>> {
  const ways = new Map<string, string>();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const inode = inodeIn(await readlink(`/proc/${pid}/ns/net`).catch(nothing));
    if (inode !== undefined && !ways.has(inode)) ways.set(inode, `/proc/${pid}/ns/net`);
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8').catch(nothing)) ?? '';
  for (const line of mounts.split('\n')) {
    // proc_pid_mountinfo(5): the fourth field is what is mounted, the fifth where.
    const [, , , root, mountPoint] = line.split(' ');
    const inode = inodeIn(root);
    // What stands in octal there has a blank in its name.
    if (inode !== undefined && mountPoint !== undefined && !mountPoint.includes('\\'))
      ways.set(inode, mountPoint);
  }
  return ways;
}

function inodeIn(text: string | undefined): string | undefined {
  return /^net:\[(\d+)\]$/.exec(text ?? '')?.[1];
}

/** As `ip netns exec`, but the maps of window pacing stay to be seen. Without -n mount would leave a folder in /run. */
const WITH_ITS_SYS = `
  if [ -d /sys/fs/bpf ]; then exec 9</sys/fs/bpf; fi
  mount -n -t sysfs sysfs /sys
  if [ -d /sys/fs/bpf ] && [ -e /proc/self/fd/9 ]; then
    mount -n --no-canonicalize --bind /proc/self/fd/9 /sys/fs/bpf
  fi
  exec "$@"`;

/**
 * Clears a device in another namespace by this very program; resolves to what that said of it.
 * @throws UserError with what it could not do
 */
export async function clearThere(
  { name, path = '' }: OtherNamespace,
  device: string,
  run: Runner,
): Promise<{ said: string; warnings: string[] }> {
  const inside = ['unshare', '--mount', 'sh', '-euc', WITH_ITS_SYS, 'sh'];
  const program = [process.execPath, process.argv[1] ?? '', device, 'clear'];
  try {
    const { stdout, stderr } = await run(['nsenter', `--net=${path}`, ...inside, ...program], {
      timeoutMs: 120_000,
    });
    return { said: withoutName(stdout, `${device}: `).join('; '), warnings: withoutName(stderr, 'inetgw: ') };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const said = withoutName(error.result.stderr, 'inetgw: ').join('; ');
    throw failure(`in the network namespace ${name}: ${said === '' ? error.message : said}`, undefined, {
      cause: error,
    });
  }
}

function withoutName(text: string, name: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => (line.startsWith(name) ? line.slice(name.length) : line));
}

/** Takes away the records of a namespace that is gone; its devices and rules went with it. */
export async function forgetNamespace({ folder }: OtherNamespace): Promise<UserError | undefined> {
  const error = await rm(folder, { recursive: true, force: true }).then(nothing, (reason: unknown) =>
    removeError(folder, reason),
  );
  await removeEmptyRunDir();
  return error;
}
