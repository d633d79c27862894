/** What clearing a device comes to, found out without changing anything: for its dry run. */
import { tableName } from '../firewall/nft.ts';
import type { FirewallBackend } from '../shaper/settings.ts';
import { strayActionsStep, tcStep, type Step } from '../shaper/steps.ts';
import { tearDownLines } from '../tc/batch.ts';
import { UserError } from '../errors.ts';
import type { ClearOutcome } from './clear.ts';
import { ifindexesOf, readCurrent, withoutForeign } from './device.ts';
import { removalSteps } from './firewall.ts';
import { pacingFiles } from './pacing.ts';
import { pathExists } from './pathExists.ts';
import { hasNetAdmin } from './privilege.ts';
import { queueDeviceRemoval } from './queueDevice.ts';
import { ProgramError, type Runner } from './run.ts';
import { runDir, runFolders } from './runDir.ts';

export interface ClearPlan {
  outcome: ClearOutcome;
  /** In the order in which `clear` runs them. */
  steps: readonly Step[];
  /** Those of ours that are there now. */
  files: readonly string[];
  /** Where the record is; they go with the last one. */
  folders: readonly string[];
  /** False: without privilege the rules could not be looked at, and no step takes them away. */
  firewallSeen: boolean;
}

/** The same looks that `clear` takes, in the same order. */
export async function prepareClear(device: string, run: Runner): Promise<ClearPlan> {
  const current = await readCurrent(device, run);
  const { view, record } = current;
  const ours = current.ours ? view : await withoutForeign(current, record?.plan, run);
  const lines = tearDownLines(device, ours);
  const { root, ingress } = view;
  const leftAlone = [
    ...(root !== undefined && ours.root === undefined ? [`root qdisc ${root.kind} ${root.handle}`] : []),
    ...(ingress !== undefined && ours.ingress === undefined ? [`ingress qdisc ${ingress.kind}`] : []),
  ];
  const backend = record?.plan.firewall?.backend;
  // A table of nft is taken away unseen.
  const firewallSeen = backend === 'nft' || (await hasNetAdmin());
  const steps = [
    ...(lines.length > 0 ? [tcStep(lines)] : []),
    ...(record === undefined ? [] : [strayActionsStep(record.plan)]),
    ...(await queueDeviceRemoval(device)),
    ...(firewallSeen ? await firewallRemoval(device, backend, run) : []),
  ];
  const folders = await runFolders();
  const files: string[] = [];
  for (const file of [
    ...(await pacingFiles(device, ifindexesOf(current))),
    `${await runDir()}/${device}.json`,
  ]) {
    if (await pathExists(file)) files.push(file);
  }
  const outcome = {
    cleared: current.ours || record !== undefined,
    deviceGone: current.link === undefined,
    leftAlone,
  };
  return { outcome, steps, files, folders, firewallSeen };
}

/** With the tool that carried the rules or, if that is unknown, with both where they have something of ours. */
async function firewallRemoval(
  device: string,
  backend: FirewallBackend | undefined,
  run: Runner,
): Promise<Step[]> {
  if (backend !== undefined) return removalSteps(device, backend, run);
  const nft = await answers(['nft', 'list', 'table', 'inet', tableName(device)], run);
  const iptables = await removalSteps(device, 'iptables', run).catch((error: unknown) => {
    if (error instanceof UserError) return [];
    throw error;
  });
  return [...(nft ? await removalSteps(device, 'nft', run) : []), ...iptables];
}

async function answers(argv: readonly [string, ...string[]], run: Runner): Promise<boolean> {
  try {
    await run(argv);
    return true;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return false;
    throw error;
  }
}
