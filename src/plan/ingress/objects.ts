/** What each kind of ingress consists of: one file per kind, and here which is whose. Pure. */
import type { TcObject } from '../../tc/objects.ts';
import type { PlanContext } from '../input/context.ts';
import { hasStages, type IngressKind, type ShapedKind } from '../input/ingressKinds.ts';
import type { FirewallBackend } from '../input/settings.ts';
import type { PacingPlan } from '../pacing/pacing.ts';
import { flowQueueObjects, redirectObjects } from '../queues/queue.ts';
import { cakeObjects } from './cake.ts';
import { htbObjects } from './htb.ts';
import { stageObjects } from './stages.ts';

/** What stands on the ifb, to which everything that comes in is sent. */
const QUEUES: Readonly<Record<ShapedKind, (context: PlanContext, queueDevice: string) => TcObject[]>> = {
  cake: cakeObjects,
  htb: htbObjects,
};

/**
 * The objects in the order in which they are made.
 * @param queueDevice the ifb; undefined: the kind has stages and nothing is paced
 */
export function ingressObjects(
  kind: IngressKind,
  context: PlanContext,
  backend: FirewallBackend | undefined,
  pacing: PacingPlan | undefined,
  queueDevice: string | undefined,
): TcObject[] {
  if (queueDevice === undefined) return stageObjects(context, backend);
  if (!hasStages(kind))
    return [...QUEUES[kind](context, queueDevice), ...redirectObjects(context.link, queueDevice)];
  return [...flowQueueObjects('late', context, queueDevice), ...stageObjects(context, backend, pacing)];
}
