/** What of a device's queues is ours to be taken away: looked at by clearing and by its dry run. */
import type { TcView } from '../../tc/batch.ts';
import { describeFilters, withoutForeign, type Current } from '../device/device.ts';
import type { Parts } from '../exec/parts.ts';

export interface ToTakeAway {
  /** The queues; where others use the ingress queue as well, our filters there. */
  ours: TcView;
  /** For people: what somebody else has put there. */
  leftAlone: readonly string[];
}

/** What could not be looked at is told to `parts`, and taken for nothing. */
export function toTakeAway(current: Current, parts: Parts): ToTakeAway {
  const { view, others, filtersUnseen, rootIsOurs, ingressIsOurs } = current;
  const { root, ingress } = view;
  if (filtersUnseen !== undefined) parts.note('see whether others have filters there', filtersUnseen);
  const besides = ingressIsOurs && ingress?.ownFilters !== undefined ? [ingress] : [];
  return {
    ours: withoutForeign(current),
    leftAlone: [
      ...besides.map(({ kind }) =>
        others.length === 0 ? `the ${kind} qdisc` : `${describeFilters(others)} at the ${kind} qdisc`,
      ),
      ...(root !== undefined && !rootIsOurs ? [`root qdisc ${root.kind} ${root.handle}`] : []),
      ...(ingress !== undefined && !ingressIsOurs ? [`ingress qdisc ${ingress.kind}`] : []),
    ],
  };
}
