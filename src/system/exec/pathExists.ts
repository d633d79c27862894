/** Whether something is at a path, in /sys, /proc or anywhere: for what the kernel shows as files. */
import { access } from 'node:fs/promises';

export async function pathExists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
