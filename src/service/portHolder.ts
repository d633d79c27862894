/** Who holds a TCP port: read from /proc, no program needed. Best effort: undefined where it cannot be seen. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { errorCode } from '../core/errors.ts';

/** The socket inodes that listen on a port, from the text of /proc/net/tcp or tcp6 (proc(5)). */
function listeningInodes(table: string, port: number): string[] {
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    // State 0A is LISTEN; the port is hexadecimal behind the last colon.
    if (state === '0A' && Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port) {
      inodes.push(inode);
    }
  }
  return inodes;
}

const TRIES = 3;

/** The kernel may leave lines out of these tables where sockets come and go while they are read. */
async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  for (let tried = 1; ; tried += 1) {
    const tables = await Promise.all(
      ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'latin1').catch(() => '')),
    );
    const inodes = tables.flatMap((table) => listeningInodes(table, port));
    if (inodes.length > 0 || tried === TRIES) return new Set(inodes.map((inode) => `socket:[${inode}]`));
  }
}

/** `nginx, process 123`, or undefined. Other users' processes can only be seen by root. */
export async function portHolder(port: number): Promise<string | undefined> {
  const sockets = await listeningSockets(port);
  if (sockets.size === 0) return undefined;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch((): string[] => []);
    for (const fd of fds) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!sockets.has(target)) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?');
      return `${name.trim()}, process ${pid}`;
    }
  }
  return undefined;
}

/** How many descriptors this process may have open (the soft limit; Node has raised it to the hard one). Throws if not even one is left to find out. */
export function descriptorLimit(): number {
  let limits = '';
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch (error) {
    if (errorCode(error) === 'EMFILE') throw error;
  }
  const match = /^Max open files\s+(\d+)/m.exec(limits);
  return match === null ? Infinity : Number(match[1]);
}
