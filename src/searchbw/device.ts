/** What the system says about a network device: who is at its far end. */
import { run, type Runner } from '../system/run.ts';

/** The far end of a point-to-point device; null where there is none. */
export async function peerAddress(device: string, runner: Runner = run): Promise<string | null> {
  const { stdout } = await runner(['ip', '-o', 'address', 'show', 'dev', device]);
  // `5: ppp0    inet 10.0.0.2 peer 10.0.0.1/32 scope global ppp0`
  return /\binet6? \S+ peer ([0-9a-fA-F.:]+)\//.exec(stdout)?.[1] ?? null;
}
