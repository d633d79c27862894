/** The process that listens has no privilege: it gives up what it was started with. */
import { readFileSync } from 'node:fs';

/** The kernel's own number for nobody (/proc/sys/kernel/overflowuid); names differ between distributions. */
const NOBODY = 65_534;

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
