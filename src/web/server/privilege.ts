/** The process that listens has no privilege: it gives up what it was started with. */
import { readFileSync } from 'node:fs';

/** The kernel's own number for nobody (/proc/sys/kernel/overflowuid); names differ between distributions. */
export const NOBODY = 65_534;

/**
 * Whether this Node changes the user of its own process. Node 20 with the system's libuv, as Debian 13 has it, never does: it may be
 * using io_uring, which would go on as root (CVE-2024-22017).
 */
export function changesUser(): boolean {
  try {
    process.setegid?.(process.getegid?.() ?? NOBODY);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ERR_INVALID_STATE';
  }
}

/** @throws Error where it could not, which then must not serve anybody */
export function dropPrivilege(): void {
  if (process.getuid?.() === 0) {
    process.setgroups?.([]);
    process.setgid?.(NOBODY);
    process.setuid?.(NOBODY);
  }
  const status = readFileSync('/proc/self/status', 'latin1');
  for (const set of ['CapPrm', 'CapEff', 'CapAmb']) {
    const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '1';
    if (BigInt(`0x${mask}`) !== 0n) throw new Error(`it still has capabilities (${set} ${mask})`);
  }
}
