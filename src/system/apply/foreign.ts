/** What others have put on a device is not taken away unasked. */
import { failure } from '../../core/errors.ts';
import type { QueueChange } from '../../plan/steps.ts';
import { tearDownPlace } from '../../tc/batch.ts';
import { describeFilters, type Current } from '../device/device.ts';

/** Throws where a queue of somebody else stands in the place of ours. */
export function refuseForeign(device: string, current: Current): void {
  const { rootIsOurs, ingressIsOurs, view } = current;
  const { root, ingress } = view;
  // Beside the filters of a clsact there is room for ours.
  const inTheWay = ingress !== undefined && !ingressIsOurs && ingress.kind !== 'clsact';
  const found = [
    ...(root === undefined || rootIsOurs ? [] : [`a root qdisc (${root.kind} ${root.handle})`]),
    ...(inTheWay ? [`an ingress qdisc (${ingress.kind})`] : []),
  ];
  if (found.length === 0) return;
  throw failure(
    `${device} already has ${found.join(' and ')} that inetgw has not set`,
    'to have it replaced, say --replace',
  );
}

/** Throws where an ingress queue of ours, of the kind that has no room for others, would have to be made anew. */
export function keepOthersFilters(
  { device, view, others, ingressIsOurs }: Current,
  queues: QueueChange,
): void {
  const { ingress } = view;
  if (ingress === undefined || ingress.kind === 'clsact' || others.length === 0 || !ingressIsOurs) return;
  const isTouched = tearDownPlace(device, 'ingress', view).some((line) => queues.lines.includes(line));
  if (!isTouched) return;
  throw failure(
    `${describeFilters(others)} hang at the ${ingress.kind} qdisc of ${device}, which has to be made anew`,
    'to have them taken away with it, say --replace',
  );
}
