import { readFile, readlink } from 'node:fs/promises';
import { noPrivilege } from '../../core/errors.ts';
import { ProgramError, run } from './run.ts';

/** CAP_NET_ADMIN in include/uapi/linux/capability.h. */
const CAP_NET_ADMIN = 12n;

/** PROC_USER_INIT_INO in include/linux/proc_ns.h: whoever may change the network there may do so in every namespace. */
const FIRST_USER_NAMESPACE = 'user:[4026531837]';

/** True if this process may change network devices. */
export async function hasNetAdmin(): Promise<boolean> {
  return (await whyNotNetAdmin()) === undefined;
}

/** Throws unless this process may change network devices. */
export async function requireNetAdmin(what: string): Promise<void> {
  const why = await whyNotNetAdmin();
  if (why === undefined) return;
  const needed = `${what} needs the privilege to change the network (CAP_NET_ADMIN)`;
  if (why === 'not there') throw noPrivilege(needed, 'run it as root');
  throw noPrivilege(
    `${needed}, which root of this user namespace has not: the network is that of another one`,
    'run it outside, as root, or with a network of its own: unshare -Urn',
  );
}

/** The privilege counts where the network namespace belongs: root of another user namespace cannot change it. */
async function whyNotNetAdmin(): Promise<'not there' | 'not here' | undefined> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  if (((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 0n) return 'not there';
  if ((await readlink('/proc/self/ns/user')) === FIRST_USER_NAMESPACE) return undefined;
  return (await isRefused()) ? 'not here' : undefined;
}

/** Whose a network namespace is, only an ioctl tells; but the kernel looks at it before each change, so to one of nothing. */
async function isRefused(): Promise<boolean> {
  try {
    await run(['ip', 'link', 'set', 'dev', 'lo']);
    return false;
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return error.result.stderr.includes('Operation not permitted');
  }
}
