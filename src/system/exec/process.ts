/** Other processes, as /proc shows them. */
import { readFile } from 'node:fs/promises';

/**
 * When a process was started, in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)): together with
 * the number it names one process for good. Undefined if it does not run: gone, or dead and only not yet
 * waited for by its parent (a zombie still takes signals, so asking by signal 0 is not enough).
 */
export async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command's name stands in parentheses and may contain spaces: count from behind it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  return state === undefined || state === 'Z' || state === 'X' ? undefined : fields?.[19];
}

export async function isRunning(pid: number): Promise<boolean> {
  return (await startTime(pid)) !== undefined;
}
