/** The ifb of the local queue: made, looked for, taken away. */
import type { Plan } from '../shaper/plan.ts';
import { queueDeviceName } from '../shaper/queue.ts';
import { ifbRemoveStep, ifbStep } from '../shaper/steps.ts';
import { pathExists } from './pathExists.ts';
import type { Runner } from './run.ts';
import { runStep } from './runStep.ts';

/** A fresh ifb without queues, if the plan wants one: its tc batch builds on it. */
export async function installQueueDevice({ queueDevice }: Plan, run: Runner): Promise<void> {
  if (queueDevice !== undefined) await runStep(ifbStep(queueDevice, await deviceExists(queueDevice)), run);
}

/** Nothing there is fine. */
export async function removeQueueDevice(device: string, run: Runner): Promise<void> {
  const queueDevice = queueDeviceName(device);
  if (await deviceExists(queueDevice)) await runStep(ifbRemoveStep(queueDevice), run);
}

export async function deviceExists(name: string): Promise<boolean> {
  return pathExists(`/sys/class/net/${name}`);
}
