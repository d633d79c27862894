/** What the system says about network devices: which exist, and who is at the far end. */
import { readdir } from 'node:fs/promises';
import { usageError, type UserError } from '../errors.ts';
import { run, type Runner } from '../system/run.ts';

/** An error that lists the devices there are, if this one is not among them. */
export async function deviceError(device: string): Promise<UserError | undefined> {
  const devices = (await readdir('/sys/class/net')).filter((name) => name !== 'bonding_masters');
  if (devices.includes(device)) return undefined;
  return usageError(`there is no device '${device}'`, `devices here: ${devices.sort().join(', ')}`);
}

/** The far end of a point-to-point device; null where there is none. */
export async function peerAddress(device: string, runner: Runner = run): Promise<string | null> {
  const { stdout } = await runner(['ip', '-o', 'address', 'show', 'dev', device]);
  // `5: ppp0    inet 10.0.0.2 peer 10.0.0.1/32 scope global ppp0`
  return /\binet6? \S+ peer ([0-9a-fA-F.:]+)\//.exec(stdout)?.[1] ?? null;
}
