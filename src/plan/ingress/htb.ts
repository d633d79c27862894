/** `--ingress shape-htb`: HTB on the ifb, small packets before large ones, a flow queue for each. Pure. */
import type { TcObject } from '../../tc/objects.ts';
import type { PlanContext } from '../input/context.ts';
import { flowQueueObjects } from '../queues/queue.ts';

export function htbObjects(context: PlanContext, queueDevice: string): TcObject[] {
  return flowQueueObjects('early', context, queueDevice);
}
