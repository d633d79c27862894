/**
 * Keeps the processor from idling for a while. The virtual clock jumps over idle time, also over the time the
 * host needs to deliver a file, which is neither short nor repeatable for the clock that jumps. A loop at idle
 * priority (SCHED_IDLE: any other program comes first) fills that time with instructions instead.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

let spinner: ChildProcess | undefined;
let users = 0;

/** Returns when the loop has begun, and stands still until it is wanted: what is read for it has been read. */
export async function startSpinner(): Promise<void> {
  const child = spawn('chrt', ['--idle', '0', 'sh', '-c', 'echo; while :; do :; done'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  spinner = child;
}

/** Spins for so much virtual time, or until the function that it returns is called. */
export function spin(forMs: number): () => void {
  if (forMs <= 0) return () => undefined;
  users += 1;
  if (users === 1) spinner?.kill('SIGCONT');
  let spinning = true;
  const stop = (): void => {
    if (!spinning) return;
    spinning = false;
    clearTimeout(timer);
    users -= 1;
    if (users === 0) spinner?.kill('SIGSTOP');
  };
  const timer = setTimeout(stop, forMs);
  return stop;
}
