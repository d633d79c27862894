/** How much of what left a line was in tunnels, and which tunnels end on this machine. */
import { readFile } from 'node:fs/promises';
import type { OwnTunnel, TunnelReading } from '../../conditions/condition.ts';
import { bytesInTunnels, isMuchInTunnels } from '../../conditions/tunnels.ts';
import { isTunnel } from '../../plan/input/layers.ts';
import type { Plan } from '../../plan/plan.ts';
import { EGRESS_CLASSES, EGRESS_CLASS_NAMES } from '../../plan/queues/egressClasses.ts';
import { parseQdiscStatistics } from '../../tc/statistics.ts';
import type { Runner } from '../exec/run.ts';
import { answer } from '../exec/runStep.ts';
import { readLayers } from '../link/layers.ts';
import { findLink, listDevices } from '../link/link.ts';
import { readState } from '../record/state.ts';
import { readRules } from './readings.ts';

/** Undefined: next to nothing is in tunnels, or it cannot be told. What is only of use beyond that is not read before. */
export async function readTunnels(plan: Plan, run: Runner): Promise<TunnelReading | undefined> {
  const rules = await readRules(plan, run).catch(() => undefined);
  const inTunnelsBytes = rules === undefined ? 0 : bytesInTunnels(plan, rules);
  if (!isMuchInTunnels(inTunnelsBytes)) return undefined;
  const shown = await answer(['tc', '-s', '-j', 'qdisc', 'show', 'dev', plan.device], run);
  if (shown === undefined) return undefined;
  const qdiscs = parseQdiscStatistics(shown);
  const sentBytes = EGRESS_CLASS_NAMES.reduce(
    (sum, name) => sum + (qdiscs.get(EGRESS_CLASSES[name].id)?.bytes ?? 0),
    0,
  );
  return { inTunnelsBytes, sentBytes, own: await ownTunnels() };
}

/** All of this network namespace. Those of a kind that only the kernel's own word tells (GRE with Ethernet frames) are left out. */
async function ownTunnels(): Promise<OwnTunnel[]> {
  const found = await Promise.all(
    (await listDevices()).map(async (device): Promise<OwnTunnel[]> => {
      const layers = await readLayers(device);
      if (!isTunnel(layers) && layers.deviceType !== 'vxlan' && layers.deviceType !== 'geneve') return [];
      const sent = await readFile(`/sys/class/net/${device}/statistics/tx_bytes`, 'utf8').catch(() => '0');
      return [{ device, sentBytes: Number(sent), isShaped: await isShaped(device) }];
    }),
  );
  return found.flat();
}

/** There is a record of this very device, and not of one that had its name. */
async function isShaped(device: string): Promise<boolean> {
  const [link, reading] = await Promise.all([findLink(device), readState(device)]);
  return reading.kind === 'state' && reading.state.plan.link.ifindex === link?.ifindex;
}
