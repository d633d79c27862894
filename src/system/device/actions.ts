/** The actions that hang at a device's hooks, as the kernel counts them. */
import { UnreadableOutput } from '../../tc/parse.ts';
import { parseActionStatistics, type Counters } from '../../tc/statistics.ts';
import type { Runner } from '../exec/run.ts';
import { ask } from '../exec/runStep.ts';

/**
 * Counters of the actions at one hook of the device, by kind and index: `police 10`. Where this tc's JSON is none, its
 * text is read. Throws a `UserError` where tc fails, `UnreadableOutput` where its text is none either.
 */
export async function readActions(
  device: string,
  hook: 'ingress' | 'egress',
  run: Runner,
): Promise<Map<string, Counters>> {
  const words = ['filter', 'show', 'dev', device, hook] as const;
  const shown = await ask(['tc', '-s', '-j', ...words], run);
  try {
    return parseActionStatistics(shown);
  } catch (error) {
    if (!(error instanceof UnreadableOutput)) throw error;
    return parseActionStatistics(await ask(['tc', '-s', ...words], run));
  }
}
