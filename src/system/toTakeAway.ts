/** What of a device's queues is ours to be taken away: looked at by clearing and by its dry run. */
import { tcStep, type Step } from '../shaper/steps.ts';
import { filterRemovalLines, type TcView } from '../tc/batch.ts';
import type { FilterLine } from '../tc/parse.ts';
import { describeFilters, othersFilters, withoutForeign, type Current } from './device.ts';
import type { Parts } from './parts.ts';
import type { Runner } from './run.ts';

export interface ToTakeAway {
  /** The queues. */
  ours: TcView;
  /** Where filters of others hang at our ingress queue, our own filters go by this step, and the queue stays. */
  filtersStep: Step | undefined;
  /** For people: what somebody else has put there. */
  leftAlone: readonly string[];
}

/** What cannot be looked at is told to `parts`, and taken for nothing. */
export async function toTakeAway(current: Current, parts: Parts, run: Runner): Promise<ToTakeAway> {
  const { device, record, view, rootIsOurs, ingressIsOurs } = current;
  const { root, ingress } = view;
  const ours = withoutForeign(current);
  const queuesOfOthers = [
    ...(root !== undefined && !rootIsOurs ? [`root qdisc ${root.kind} ${root.handle}`] : []),
    ...(ingress !== undefined && !ingressIsOurs ? [`ingress qdisc ${ingress.kind}`] : []),
  ];
  const alone = { ours, filtersStep: undefined, leftAlone: queuesOfOthers };
  if (record === undefined || ours.ingress === undefined) return alone;
  const { plan } = record;
  const look = (): Promise<FilterLine[]> => othersFilters(plan, ours, true, run);
  const others = await parts.get('see whether others have filters there', look, []);
  if (others.length === 0) return alone;
  return {
    ours: { ...ours, ingress: undefined },
    filtersStep: { ...tcStep(filterRemovalLines(plan.tc, device)), what: 'the ingress filters' },
    leftAlone: [`${describeFilters(others)} at the ${ours.ingress.kind} qdisc`, ...queuesOfOthers],
  };
}
