/** What clearing a device comes to, found out without changing anything: for its dry run. */
import type { FirewallBackend } from '../../plan/input/settings.ts';
import { strayActionsStep, tcStep, type Step } from '../../plan/steps.ts';
import { tearDownLines } from '../../tc/batch.ts';
import { noPrivilege, type UserError } from '../../core/errors.ts';
import type { ClearOutcome } from './clear.ts';
import { ifindexesOf, readCurrent, readRenamed } from '../device/device.ts';
import { nftTableExists, removalSteps } from './firewall.ts';
import { madeTablesRemoval } from './madeTables.ts';
import { pacingFiles } from '../device/pacing.ts';
import { Parts } from '../exec/parts.ts';
import { pathExists } from '../exec/pathExists.ts';
import { hasNetAdmin } from '../exec/privilege.ts';
import { queueDeviceRemoval } from '../device/queueDevice.ts';
import type { Runner } from '../exec/run.ts';
import { runDir, runFolders } from '../record/runDir.ts';
import { toTakeAway } from './toTakeAway.ts';

export interface ClearPlan {
  outcome: ClearOutcome;
  /** In the order in which `clear` runs them. */
  steps: readonly Step[];
  /** Those of ours that are there now. */
  files: readonly string[];
  /** Where the record is; they go with the last one. */
  folders: readonly string[];
  /** What could not be looked at, and is left out. */
  notices: readonly string[];
}

/** The same looks that `clear` takes, in the same order. What cannot be seen is named, and the rest is shown. */
export async function prepareClear(device: string, run: Runner): Promise<ClearPlan> {
  const parts = new Parts();
  const unread = (error: UserError): void => {
    parts.note('see the queues', error);
  };
  const current = await readCurrent(device, run, unread);
  const renamed = await readRenamed(current, run, unread);
  const { record } = current;
  const { ours, leftAlone } = toTakeAway(renamed ?? current, parts);
  const lines = tearDownLines(renamed?.device ?? device, ours);
  const stray = record === undefined ? undefined : strayActionsStep(record.plan);
  const steps = [
    ...(lines.length > 0 ? [tcStep(lines)] : []),
    ...(stray === undefined ? [] : [stray]),
    ...(await queueDeviceRemoval(device)),
    ...(await firewallRemoval(device, record?.plan.firewall?.backend, parts, run)),
    ...(await madeTablesRemoval(record?.madeTables ?? [], 'ours', run)),
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
    deviceGone: current.link === undefined && renamed === undefined,
    ...(renamed === undefined ? {} : { newName: renamed.device }),
    leftAlone,
  };
  return { outcome, steps, files, folders, notices: parts.failures.map(({ message }) => message) };
}

/**
 * With the tool that carried the rules, and with the other where it has something of ours; a table of nft that is known
 * to be there is taken away unseen.
 */
async function firewallRemoval(
  device: string,
  backend: FirewallBackend | undefined,
  parts: Parts,
  run: Runner,
): Promise<Step[]> {
  const mayLook = await hasNetAdmin();
  if (!mayLook && backend !== 'nft') {
    const why = noPrivilege(
      'looking at firewall rules needs the privilege to change the network (CAP_NET_ADMIN)',
    );
    parts.note('see the firewall rules', why);
    return [];
  }
  const nft = backend === 'nft' || (await nftTableExists(device, run));
  const ofNft = nft ? await removalSteps(device, 'nft', run) : [];
  if (!mayLook) return ofNft;
  // Where iptables carried no rules, one that is missing or cannot be read has none of ours.
  const looked = backend === 'iptables' ? parts : new Parts();
  const look = (): Promise<Step[]> => removalSteps(device, 'iptables', run);
  const ofIptables = await looked.get('see the iptables rules', look, []);
  return backend === 'iptables' ? [...ofIptables, ...ofNft] : [...ofNft, ...ofIptables];
}
