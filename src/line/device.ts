/** What the system says about network devices: who is at the far end, what they have received. */
import { readdir, readFile } from 'node:fs/promises';
import { run, type Runner } from '../system/exec/run.ts';

export interface Addresses {
  /** The far end of a point-to-point device; null where there is none. */
  peer: string | null;
  /** The families in which the device has an address that the internet can answer to. */
  families: ReadonlySet<'ipv4' | 'ipv6'>;
}

export async function readAddresses(device: string, runner: Runner = run): Promise<Addresses> {
  const { stdout } = await runner(['ip', '-o', 'address', 'show', 'dev', device]);
  const families = new Set<'ipv4' | 'ipv6'>();
  if (/\binet \d/.test(stdout)) families.add('ipv4');
  if (/\binet6 \S+ .*\bscope global\b/.test(stdout)) families.add('ipv6');
  // `5: ppp0    inet 10.0.0.2 peer 10.0.0.1/32 scope global ppp0`
  const peer = /\binet6? \S+ peer ([0-9a-fA-F.:]+)\//.exec(stdout)?.[1] ?? null;
  return { peer, families };
}

const FOLDER = '/sys/class/net';

/** What each device has received, in bytes. One that goes away meanwhile is left out. */
export async function receivedBytes(): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of await readdir(FOLDER)) {
    const text = await readFile(`${FOLDER}/${name}/statistics/rx_bytes`, 'utf8').catch(() => undefined);
    if (text !== undefined) found.set(name, Number(text));
  }
  return found;
}
