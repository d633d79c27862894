/**
 * Puts back what somebody has taken away of a plan in force: an administrator's firewall that was loaded anew takes
 * all rules with it, some of them all queues. What still stands is not touched. The plan is the record's, so it does not
 * matter who had set the device up: a file, a hook or a person.
 */
import { failure, UserErrors } from '../../core/errors.ts';
import type { Plan } from '../../plan/plan.ts';
import { queueChange, tcStep } from '../../plan/steps.ts';
import { treesOf, type Tree } from '../../tc/batch.ts';
import { keepOthersFilters } from './foreign.ts';
import { rollBack } from './rollBack.ts';
import { readCurrent, type Current } from '../device/device.ts';
import { families, installFirewall, readFirewall } from './firewall.ts';
import { withLock } from '../record/lock.ts';
import { writePacingObject } from '../device/pacing.ts';
import { installQueueDevice } from '../device/queueDevice.ts';
import type { Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';
import { tablesOf, writeState } from '../record/state.ts';
import { removeStrayActions } from '../device/strayActions.ts';

/** What can be put back. */
export type Mendable =
  /** The firewall rules are gone; all else stands. */
  | { kind: 'rules'; plan: Plan }
  /** Some or all of the queues and filters are gone. `standing`: the trees that are not, `rules`: the rules stand. */
  | {
      kind: 'queues';
      plan: Plan;
      current: Current;
      standing: Tree[];
      queueDeviceStands: boolean;
      rules: boolean;
    }
  /** A run was killed while it was changing what was in force. */
  | { kind: 'half'; previous: Plan; current: Current };

export type Damage =
  | Mendable
  /** Nothing is set up here, or the device that it was set up on is gone: there is nothing to put back. */
  | { kind: 'nothing' }
  | { kind: 'whole' }
  /** Another process is changing the device, or measuring on it. */
  | { kind: 'busy'; pid: number }
  /** A run was killed while it was setting up what nothing had been in force on before. */
  | { kind: 'begun' }
  /** Somebody else's queues stand in the place of ours. */
  | { kind: 'foreign'; why: string };

export function isMendable(damage: Damage): damage is Mendable {
  return damage.kind === 'rules' || damage.kind === 'queues' || damage.kind === 'half';
}

/** What is missing of what the record says. Starts four programs where nothing is, reads only. */
export async function findDamage(device: string, run: Runner): Promise<Damage> {
  const current = await readCurrent(device, run);
  const { record, link } = current;
  if (record === undefined || link === undefined) return { kind: 'nothing' };
  if (current.changedBy !== undefined) return { kind: 'busy', pid: current.changedBy };
  if (record.phase !== 'active') {
    const { previous } = record;
    return previous?.link.ifindex === link.ifindex ? { kind: 'half', previous, current } : { kind: 'begun' };
  }
  const { plan } = record;
  if (plan.link.ifindex !== link.ifindex) return { kind: 'nothing' };
  if (!current.rootIsOurs || !current.ingressIsOurs)
    return { kind: 'foreign', why: current.notices.join('; ') };
  const rules = (await readFirewall(plan, run)).state === 'whole';
  const { queueDevice, ingress, clsactHooks = [] } = current.readings;
  const queueDeviceStands = queueDevice !== 'absent' && queueDevice !== 'down';
  const filtersStand =
    (ingress?.actions === 'yes' || ingress?.actions === 'open') &&
    clsactHooks.every(({ missing }) => missing === 0);
  const standing = standingTrees(plan, current, { queueDeviceStands, filtersStand });
  if (standing.length < treesOf(plan.tc).length)
    return { kind: 'queues', plan, current, standing, queueDeviceStands, rules };
  return rules ? { kind: 'whole' } : { kind: 'rules', plan };
}

/** The trees of the plan that stand as planned. Filters that redirect to an ifb stand only while that one does. */
function standingTrees(
  plan: Plan,
  { view, readings }: Current,
  { queueDeviceStands, filtersStand }: { queueDeviceStands: boolean; filtersStand: boolean },
): Tree[] {
  return treesOf(plan.tc).filter(({ dev, place }) => {
    if (dev !== plan.device) return readings.queueDevice === 'whole';
    if (place === 'root') return readings.root?.standing === 'whole';
    return view.ingress !== undefined && queueDeviceStands && filtersStand;
  });
}

/** What was done about a device. */
export interface Healed {
  /** As it was found. */
  damage: Damage;
  /** For a person, without the device: `the firewall rules were gone; they are back`. Undefined: nothing was done. */
  done: string | undefined;
}

/**
 * Looks, and puts back what is missing. A device that is whole costs no lock.
 *
 * @throws UserError for what cannot be put back
 */
export async function heal(device: string, run: Runner): Promise<Healed> {
  const seen = await findDamage(device, run);
  if (!isMendable(seen)) return { damage: seen, done: undefined };
  return withLock(device, async () => {
    // Looked at again: meanwhile it may have been put right, or cleared.
    const damage = await findDamage(device, run);
    if (!isMendable(damage)) return { damage, done: undefined };
    await mend(device, damage, run);
    return { damage, done: describeMending(damage) };
  });
}

/** What `heal` says of it when it is done. */
export function describeMending(damage: Mendable): string {
  switch (damage.kind) {
    case 'rules':
      return 'the firewall rules were taken away by someone: they are back, no queue was touched';
    case 'queues': {
      const names = goneTrees(damage).map(({ dev, place }) =>
        dev !== damage.plan.device
          ? `the queues of ${dev}`
          : place === 'root'
            ? 'the queues'
            : 'the ingress filters',
      );
      if (!damage.rules) names.push('the firewall rules');
      return `${names.join(', ')} were taken away by someone, or changed: they are back`;
    }
    case 'half':
      return 'a run that was killed had left it half changed: the earlier settings are in force again';
  }
}

function goneTrees({ plan, standing }: Extract<Damage, { kind: 'queues' }>): Tree[] {
  return treesOf(plan.tc).filter(
    ({ dev, place }) => !standing.some((tree) => tree.dev === dev && tree.place === place),
  );
}

async function mend(device: string, damage: Mendable, run: Runner): Promise<void> {
  switch (damage.kind) {
    case 'rules':
      return installFirewall(damage.plan, 'nothing', await families(), run);
    case 'queues':
      return putQueuesBack(device, damage, run);
    case 'half':
      return putAllBack(device, damage.previous, damage.current.record?.plan, run);
  }
}

async function putQueuesBack(
  device: string,
  damage: Extract<Damage, { kind: 'queues' }>,
  run: Runner,
): Promise<void> {
  const { plan, current, standing, queueDeviceStands, rules } = damage;
  const left: Plan = { ...plan, tc: standing.flatMap(({ objects }) => objects) };
  if (!queueDeviceStands) delete left.queueDevice;
  const queues = queueChange(plan, left, current.view);
  keepOthersFilters(current, queues);
  const tables = tablesOf(current.record);
  await writeState(device, {
    phase: 'changing',
    plan,
    previous: plan,
    since: new Date().toISOString(),
    ...tables,
  });
  try {
    if (plan.pacing !== undefined) await writePacingObject(plan.pacing);
    if (queues.queueDevice === 'fresh') await installQueueDevice(plan, run);
    await removeStrayActions(plan, run);
    await runStep(tcStep(queues.lines), run);
    if (!rules) await installFirewall(plan, 'nothing', await families(), run);
    await writeState(device, { phase: 'active', plan, since: new Date().toISOString(), ...tables });
  } catch {
    // It is not as it looked: all of it, then.
    await putAllBack(device, plan, undefined, run);
  }
}

/** @param half the plan that a killed run was at: its rules may stand, carried by another tool */
async function putAllBack(device: string, plan: Plan, half: Plan | undefined, run: Runner): Promise<void> {
  const tools = { now: plan.firewall?.backend, before: half?.firewall?.backend };
  const since = new Date().toISOString();
  const { foreign, restored, failures } = await rollBack(device, { plan, since }, tools, run);
  if (failures.length > 0) throw new UserErrors(failures);
  if (restored) return;
  if (foreign === undefined)
    throw failure(`${device} could not be put right`, `set it up anew: inetgw ${device} UP DOWN`);
  throw failure(
    `somebody else has put ${foreign} on ${device} meanwhile: it was left alone`,
    'to have it replaced, set it up with --replace',
  );
}
