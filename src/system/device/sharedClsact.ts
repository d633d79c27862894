/** Whether our filters have to stand beside those of others, and where. */
import { failure } from '../../core/errors.ts';
import { freeFirstPref } from '../../plan/sharedClsact.ts';
import type { SharedClsact } from '../../plan/input/link.ts';
import { parseFilters } from '../../tc/parse.ts';
import { readHook, type Current } from './device.ts';
import type { Runner } from '../exec/run.ts';

/**
 * Undefined: there is no clsact on the device, or only we use it. Ours keep their place as long as it is behind all
 * filters of others.
 *
 * @throws UserError where others have taken the last preferences
 */
export async function sharedClsact(
  device: string,
  current: Current,
  run: Runner,
): Promise<SharedClsact | undefined> {
  const { view, record, others, ingressIsOurs } = current;
  if (view.ingress?.kind !== 'clsact') return undefined;
  if (ingressIsOurs && view.ingress.ownFilters === undefined) return undefined;
  const before = record?.plan.sharedClsact;
  const taken = ingressIsOurs ? others.map(({ pref }) => pref) : await prefsAt(device, run);
  const madeByUs = ingressIsOurs && before?.madeByUs !== false;
  if (before !== undefined && taken.every((pref) => pref < before.firstPref))
    return { firstPref: before.firstPref, madeByUs };
  const firstPref = freeFirstPref(taken);
  if (firstPref !== undefined) return { firstPref, madeByUs };
  throw failure(
    `there is no room behind the filters of others at the clsact qdisc of ${device}: preference ${Math.max(...taken)} is taken`,
    'give them lower preferences, or have them taken away with --replace',
  );
}

async function prefsAt(device: string, run: Runner): Promise<number[]> {
  const texts: string[] = [];
  for (const hook of ['ingress', 'egress'] as const) texts.push(await readHook(device, hook, run));
  return texts.flatMap(parseFilters).map(({ pref }) => pref);
}
