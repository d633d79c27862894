import { readFile } from 'node:fs/promises';
import { noPrivilege } from '../../core/errors.ts';

/** CAP_NET_ADMIN in include/uapi/linux/capability.h. */
const CAP_NET_ADMIN = 12n;

/** True if this process may change network devices. */
export async function hasNetAdmin(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/** Throws unless this process may change network devices. */
export async function requireNetAdmin(what: string): Promise<void> {
  if (!(await hasNetAdmin())) {
    throw noPrivilege(`${what} needs the privilege to change the network (CAP_NET_ADMIN)`, 'run it as root');
  }
}
