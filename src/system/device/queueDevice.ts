/** The ifb of the local queue: made, looked for, taken away. */
import type { Plan } from '../../plan/plan.ts';
import { queueDeviceName } from '../../plan/queues/queue.ts';
import { ifbRemoveStep, ifbStep, type Step } from '../../plan/steps.ts';
import { pathExists } from '../exec/pathExists.ts';
import type { Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';

/** A fresh ifb without queues, if the plan wants one: its tc batch builds on it. */
export async function installQueueDevice({ queueDevice }: Plan, run: Runner): Promise<void> {
  if (queueDevice !== undefined) await runStep(ifbStep(queueDevice, await deviceExists(queueDevice)), run);
}

/** Nothing there is fine. */
export async function removeQueueDevice(device: string, run: Runner): Promise<void> {
  for (const step of await queueDeviceRemoval(device)) await runStep(step, run, { doing: 'taking away' });
}

/** What `removeQueueDevice` will run. */
export async function queueDeviceRemoval(device: string): Promise<Step[]> {
  const queueDevice = queueDeviceName(device);
  return (await deviceExists(queueDevice)) ? [ifbRemoveStep(queueDevice)] : [];
}

export async function deviceExists(name: string): Promise<boolean> {
  return pathExists(`/sys/class/net/${name}`);
}
