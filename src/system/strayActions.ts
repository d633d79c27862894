/** Actions that no filter holds. */
import type { Plan } from '../shaper/plan.ts';
import type { Runner } from './run.ts';
import { runStep } from './runStep.ts';

/**
 * Takes away the plan's police actions that have outlived their filters, or came of changing one whose filter somebody
 * has just taken away: tc then makes it. A filter that took one up would hold it for ever. Those in use, and that
 * there are none, are no error.
 */
export async function removeStrayActions(plan: Plan, run: Runner): Promise<void> {
  const indices = plan.tc
    .flatMap((object) => (object.type === 'filter' ? object.actions : []))
    .flatMap((action) => (action.kind === 'police' || action.kind === 'policeSize' ? [action.index] : []));
  const lines = indices.map((index) => `actions del action police index ${index}\n`);
  const argv = ['tc', '-force', '-batch', '-'] as const;
  await runStep({ what: 'aside the actions that no filter holds', argv, input: lines.join('') }, run, [1, 2]);
}
