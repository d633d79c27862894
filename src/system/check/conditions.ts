/** Reads what conditions are found in: what readCurrent has not looked at. */
import type { ConditionReadings, FoundCondition } from '../../conditions/condition.ts';
import { conditionsOf } from '../../conditions/find.ts';
import { CONDITIONS } from '../../conditions/table.ts';
import { parseFlowtables } from '../../firewall/flowtables.ts';
import type { FirewallStanding } from '../../firewall/standing.ts';
import type { Current } from '../device/device.ts';
import { readFirewall } from '../apply/firewall.ts';
import { devicesBelow, readLayers } from '../link/layers.ts';
import { findLink } from '../link/link.ts';
import { nameOfIndex } from '../link/linkIndex.ts';
import { recordedNameOf } from '../link/names.ts';
import { passesDecrypted } from '../../plan/plan.ts';
import type { Runner } from '../exec/run.ts';
import { answer } from '../exec/runStep.ts';
import { pausedReading, readPaused } from '../record/paused.ts';
import { networkNamespace } from '../record/runDir.ts';
import { recordedDevices } from '../record/state.ts';
import { tunnelsWithoutDevice } from '../device/ipsec.ts';
import { tcxPrograms } from '../device/tcx.ts';
import { framingSetOn } from '../device/tunnel.ts';
import { wireGuardPorts } from '../device/wireGuard.ts';
import { readTunnels } from './tunnels.ts';

export interface Conditions {
  found: readonly FoundCondition[];
  /** Undefined: there is no plan in force, or it cannot be told. */
  firewall: FirewallStanding | undefined;
}

/**
 * What is the case with a device and its shaper.
 *
 * @param mayLook with the privilege to see firewall rules and programs; without, no condition of these is found
 */
export async function readConditions(current: Current, mayLook: boolean, run: Runner): Promise<Conditions> {
  const readings = await readMore(current, mayLook, run);
  return { found: conditionsOf(readings, CONDITIONS), firewall: readings.firewall };
}

async function readMore(current: Current, mayLook: boolean, run: Runner): Promise<ConditionReadings> {
  const { device, link, record, inForce, readings } = current;
  const recorded = record?.plan.link.ifindex;
  const [namespace, layers, shapedDevices, newName, oldName, firewall, tcx, shownFlowtables] =
    await Promise.all([
      networkNamespace(),
      link === undefined ? undefined : readLayers(device),
      recordedDevices(),
      link === undefined && recorded !== undefined ? nameOfIndex(recorded) : undefined,
      link === undefined || record !== undefined ? undefined : recordedNameOf(device, link.ifindex),
      inForce === undefined || !mayLook ? undefined : readFirewall(inForce, run),
      link === undefined || record === undefined || !mayLook ? undefined : tcxPrograms(link.ifindex, run),
      // Whoever carries our rules: flowtables are of nft alone.
      inForce === undefined || !mayLook ? undefined : answer(['nft', 'list', 'flowtables'], run),
    ]);
  const tunnels =
    inForce?.firewall !== undefined && firewall?.state === 'whole'
      ? await readTunnels(inForce, run)
      : undefined;
  const carrier = inForce?.link.tunnel?.carrier?.device;
  const carrierLink = carrier === undefined ? undefined : await findLink(carrier).catch(() => undefined);
  const carrierFraming = carrierLink === undefined ? undefined : await framingSetOn(carrierLink);
  const isAsked = mayLook && inForce?.firewall !== undefined && inForce.link.tunnel === undefined;
  const listening = isAsked ? (await wireGuardPorts(run)).ports : undefined;
  const countsTwice = mayLook && link !== undefined && inForce !== undefined && !passesDecrypted(inForce);
  const ipsecTunnels = countsTwice ? await tunnelsWithoutDevice(device, run) : undefined;
  const flowtables = shownFlowtables === undefined ? undefined : parseFlowtables(shownFlowtables);
  const isBelowAsked = flowtables !== undefined && flowtables.length > 0 && layers !== undefined;
  const paused = record === undefined ? await readPaused(device) : undefined;
  return {
    ...readings,
    paused: paused === undefined ? undefined : pausedReading(paused, Date.now()),
    ...{ flowtables, devicesBelow: isBelowAsked ? await devicesBelow(layers) : undefined },
    wireGuardPorts: listening,
    ipsecTunnels,
    ...{ namespace, layers, shapedDevices, newName, oldName, firewall, carrierFraming, tunnels },
    clsactHooks: readings.clsactHooks?.map((hook) => ({ ...hook, tcxPrograms: tcx?.[hook.hook] })),
  };
}
