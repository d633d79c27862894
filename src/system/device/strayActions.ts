/** Actions that no filter holds. */
import type { Plan } from '../../plan/plan.ts';
import { strayActionsStep } from '../../plan/steps.ts';
import type { Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';

/** See `strayActionsStep`. */
export async function removeStrayActions(plan: Plan, run: Runner): Promise<void> {
  const step = strayActionsStep(plan);
  if (step !== undefined) await runStep(step, run, { doing: 'taking away' });
}
