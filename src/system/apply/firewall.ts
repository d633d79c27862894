/** Installing and removing the firewall rules, whatever was or was not there before. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { failure, missing, UserError } from '../../core/errors.ts';
import { savedProblem, type Family, type Present } from '../../firewall/iptables.ts';
import { tableName } from '../../firewall/nft.ts';
import type { RuleSet } from '../../firewall/rules.ts';
import { iptablesStanding, nftStanding, type FirewallStanding } from '../../firewall/standing.ts';
import type { Plan } from '../../plan/plan.ts';
import type { FirewallBackend } from '../../plan/input/settings.ts';
import {
  familyName,
  firewallSteps,
  firewallTrials,
  iptablesRemoveStep,
  nftRemoveStep,
  saveArgv,
  type Step,
} from '../../plan/steps.ts';
import { hasIpv6 } from '../link/link.ts';
import { Parts } from '../exec/parts.ts';
import { hasNetAdmin } from '../exec/privilege.ts';
import { ProgramError, SEARCH_PATH, type Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';

/** The families for which iptables needs rules of their own. */
export async function families(): Promise<Family[]> {
  return (await hasIpv6()) ? ['ipv4', 'ipv6'] : ['ipv4'];
}

/**
 * Which tool works on this kernel: nft if it takes the rules when asked to look at them, else iptables if it is
 * installed. A dry run that may not ask the kernel takes nft where it is installed. Throws where there is neither.
 */
export async function chooseBackend(rules: RuleSet, run: Runner): Promise<FirewallBackend> {
  try {
    await tryBackend({ backend: 'nft', rules }, run);
    return 'nft';
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.cause instanceof ProgramError && !(await hasNetAdmin())) return 'nft';
    if (await isInstalled('iptables')) return 'iptables';
    throw missing(
      `nothing can carry the firewall rules: ${error.message}, and there is no iptables-restore`,
      'install nftables, or do without these rules: --firewall none',
    );
  }
}

/** Has the tool look at the rules without taking them. Throws a `UserError` if it cannot. */
export async function tryBackend(firewall: NonNullable<Plan['firewall']>, run: Runner): Promise<void> {
  for (const step of firewallTrials(firewall, await families()))
    await runStep(step, run, { doing: 'trying' });
}

/** Whether the tool that carries the rules is still where programs are looked for; starts none. */
export async function isInstalled(backend: FirewallBackend): Promise<boolean> {
  const name = backend === 'nft' ? 'nft' : 'iptables-restore';
  const found = SEARCH_PATH.split(':').map((folder) =>
    access(`${folder}/${name}`, constants.X_OK).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(found)).includes(true);
}

/** Installs the plan's rules; `expected` is what our record says is there: nothing of ours, or these rules. */
export async function installFirewall(
  plan: Plan,
  expected: 'nothing' | RuleSet,
  familyList: readonly Family[],
  run: Runner,
): Promise<void> {
  try {
    for (const step of firewallSteps(plan, ...standingBefore(expected, familyList))) await runStep(step, run);
  } catch (error) {
    if (plan.firewall?.backend !== 'iptables' || !(error instanceof UserError)) throw error;
    // The tables are not as recorded: leftovers of a killed run, or flushed by the firewall's restart.
    const leftovers = new Parts();
    const found = await removeIptables(plan.device, familyList, leftovers, run);
    if (leftovers.failures.length > 0 || (expected === 'nothing' && !found)) throw error;
    for (const step of firewallSteps(plan, 'nothing', familyList)) await runStep(step, run);
  }
}

/** As `firewallSteps` takes it. */
export function standingBefore(
  expected: 'nothing' | RuleSet,
  familyList: readonly Family[],
): [Present, readonly Family[], RuleSet?] {
  return expected === 'nothing' ? ['nothing', familyList] : ['ours', familyList, expected];
}

/**
 * Takes our rules away, with the tool that carried them or, if that is unknown, with each that shows some. What could
 * not be taken away is told in `parts`. A tool that has nothing of ours may be missing.
 */
export async function removeFirewall(
  device: string,
  backend: FirewallBackend | undefined,
  parts: Parts,
  run: Runner,
): Promise<void> {
  if (backend !== 'iptables') await removeNft(device, backend === undefined, parts, run);
  if (backend === 'iptables') await removeIptables(device, await families(), parts, run);
  if (backend === undefined) await removeIptablesIfThere(device, parts, run);
}

/** The same with both tools: strictly with the one that carries the rules, and with the other if it shows some. */
export async function removeAllFirewall(
  device: string,
  backend: FirewallBackend | undefined,
  parts: Parts,
  run: Runner,
): Promise<void> {
  await removeFirewall(device, backend, parts, run);
  if (backend === 'iptables') await removeNft(device, true, parts, run);
  if (backend === 'nft') await removeIptablesIfThere(device, parts, run);
}

async function removeNft(device: string, onlyIfThere: boolean, parts: Parts, run: Runner): Promise<void> {
  if (onlyIfThere && !(await nftTableExists(device, run))) return;
  await parts.do('take away the firewall rules of nft', () =>
    runStep(nftRemoveStep(device), run, TAKING_AWAY),
  );
}

const TAKING_AWAY = { doing: 'taking away' } as const;

/** Whether nft shows a table of ours for the device. */
export async function nftTableExists(device: string, run: Runner): Promise<boolean> {
  return (await shownTable(device, run)) !== undefined;
}

/** Our table for the device as nft shows it; a tool that is missing or fails shows none. */
async function shownTable(device: string, run: Runner): Promise<string | undefined> {
  try {
    return (await run(['nft', 'list', 'table', 'inet', tableName(device)])).stdout;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return undefined;
    throw error;
  }
}

/** It is only a look, in case something was left: no iptables, no leftovers. */
async function removeIptablesIfThere(device: string, parts: Parts, run: Runner): Promise<void> {
  const looked = new Parts();
  await removeIptables(device, await families(), looked, run, parts);
}

/**
 * True if anything of ours was there. Each family by itself: that one cannot be read keeps nothing of the other.
 * @param parts where it is told that the tables cannot be read
 * @param removing where it is told that rules which are there cannot be taken away
 */
async function removeIptables(
  device: string,
  familyList: readonly Family[],
  parts: Parts,
  run: Runner,
  removing: Parts = parts,
): Promise<boolean> {
  let found = false;
  for (const family of familyList) {
    const what = `take away the ${familyName(family)} firewall rules of iptables`;
    let step: Step | undefined;
    await parts.do(what, async () => {
      step = iptablesRemoveStep(device, family, await savedMangle(family, run));
    });
    const removal = step;
    if (removal === undefined) continue;
    found = true;
    await removing.do(what, () => runStep(removal, run, TAKING_AWAY));
  }
  return found;
}

/** What `removeFirewall` will run for a known tool, for a plan that changes to another one. */
export async function removalSteps(device: string, backend: FirewallBackend, run: Runner): Promise<Step[]> {
  if (backend === 'nft') return [nftRemoveStep(device)];
  const steps: Step[] = [];
  for (const family of await families()) {
    const step = iptablesRemoveStep(device, family, await savedMangle(family, run));
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

async function savedMangle(family: Family, run: Runner): Promise<string> {
  try {
    const argv = saveArgv(family);
    const saved = (await run(argv)).stdout;
    const problem = savedProblem(saved);
    if (problem !== undefined) throw failure(`cannot read what ${argv[0]} says of the firewall: ${problem}`);
    return saved;
  } catch (error) {
    if (error instanceof ProgramError) throw error.toUserError();
    throw error;
  }
}

/** How the rules that the plan wants stand: an administrator's firewall restart flushes them. */
export async function readFirewall({ device, firewall }: Plan, run: Runner): Promise<FirewallStanding> {
  if (firewall === undefined) return { state: 'whole' };
  const { backend, rules } = firewall;
  if (backend === 'nft') return nftStanding(rules, await shownTable(device, run));
  const missing: string[] = [];
  for (const family of await families()) {
    const standing = iptablesStanding(rules, family, await savedMangle(family, run));
    if (standing.state === 'gone') return standing;
    if (standing.state === 'altered') missing.push(...standing.missing);
  }
  return missing.length === 0 ? { state: 'whole' } : { state: 'altered', missing: [...new Set(missing)] };
}
