/** Installing and removing the firewall rules, whatever was or was not there before. */
import { failure, UserError } from '../errors.ts';
import { nftInstall } from '../firewall/nft.ts';
import { iptablesPresent, savedProblem, type Family } from '../firewall/iptables.ts';
import { tableName } from '../firewall/nft.ts';
import type { RuleSet } from '../firewall/rules.ts';
import type { Plan } from '../shaper/plan.ts';
import type { FirewallBackend } from '../shaper/settings.ts';
import { firewallSteps, iptablesRemoveStep, nftRemoveStep, saveArgv, type Step } from '../shaper/steps.ts';
import { hasIpv6 } from './link.ts';
import { hasNetAdmin } from './privilege.ts';
import { ProgramError, type Runner } from './run.ts';
import { runStep } from './runStep.ts';

/** The families for which iptables needs rules of their own. */
export async function families(): Promise<Family[]> {
  return (await hasIpv6()) ? ['ipv4', 'ipv6'] : ['ipv4'];
}

/**
 * Which tool works on this kernel, found by trying: nft is asked to check the very rules without taking
 * them; if it cannot, it is iptables. A dry run that may not ask the kernel takes nft where it is installed.
 */
export async function chooseBackend(rules: RuleSet, run: Runner): Promise<FirewallBackend> {
  try {
    await run(['nft', '--check', '-f', '-'], { input: nftInstall(rules) });
    return 'nft';
  } catch (error) {
    if (error instanceof ProgramError && !(await hasNetAdmin())) return 'nft';
    if (error instanceof ProgramError || error instanceof UserError) return 'iptables';
    throw error;
  }
}

/** Installs the plan's rules; `expected` is what our record says is there. */
export async function installFirewall(
  plan: Plan,
  expected: 'nothing' | 'ours',
  familyList: readonly Family[],
  run: Runner,
): Promise<void> {
  try {
    for (const step of firewallSteps(plan, expected, familyList)) await runStep(step, run);
  } catch (error) {
    if (plan.firewall?.backend !== 'iptables' || !(error instanceof UserError)) throw error;
    // The tables are not as recorded: leftovers of a killed run, or flushed by the firewall's restart.
    const found = await removeIptables(plan.device, familyList, run);
    if (expected === 'nothing' && !found) throw error;
    for (const step of firewallSteps(plan, 'nothing', familyList)) await runStep(step, run);
  }
}

/** Takes our rules away, with the tool that carried them or, if that is unknown, with both. */
export async function removeFirewall(
  device: string,
  backend: FirewallBackend | undefined,
  run: Runner,
): Promise<void> {
  if (backend !== 'iptables') await removeNft(device, backend === undefined, run);
  if (backend !== 'nft') {
    try {
      await removeIptables(device, await families(), run);
    } catch (error) {
      // Without a record it is only a look, in case something was left: no iptables, no leftovers.
      if (backend !== undefined || !(error instanceof UserError)) throw error;
    }
  }
}

async function removeNft(device: string, onlyIfThere: boolean, run: Runner): Promise<void> {
  if (onlyIfThere && !(await nftTableExists(device, run))) return;
  await runStep(nftRemoveStep(device), run);
}

async function nftTableExists(device: string, run: Runner): Promise<boolean> {
  try {
    await run(['nft', 'list', 'table', 'inet', tableName(device)]);
    return true;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return false;
    throw error;
  }
}

/** True if anything of ours was there. */
async function removeIptables(device: string, familyList: readonly Family[], run: Runner): Promise<boolean> {
  const steps = await iptablesRemovalSteps(device, familyList, run);
  for (const step of steps) await runStep(step, run);
  return steps.length > 0;
}

async function iptablesRemovalSteps(
  device: string,
  familyList: readonly Family[],
  run: Runner,
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const family of familyList) {
    const step = iptablesRemoveStep(device, family, await savedMangle(family, run));
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

/** What `removeFirewall` will run for a known tool, for a plan that changes to another one. */
export async function removalSteps(device: string, backend: FirewallBackend, run: Runner): Promise<Step[]> {
  switch (backend) {
    case 'nft':
      return [nftRemoveStep(device)];
    case 'iptables':
      return iptablesRemovalSteps(device, await families(), run);
  }
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

/** True if the rules that the plan wants are there: an administrator's firewall restart flushes them. */
export async function firewallPresent(plan: Plan, run: Runner): Promise<boolean> {
  if (plan.firewall === undefined) return true;
  if (plan.firewall.backend === 'nft') return nftTableExists(plan.device, run);
  for (const family of await families()) {
    if (!iptablesPresent(plan.device, await savedMangle(family, run))) return false;
  }
  return true;
}
