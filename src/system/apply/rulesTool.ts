/** Which tool carries the firewall rules, and whether its rules can number hosts for window pacing. */
import { missing, UserError } from '../../core/errors.ts';
import type { RuleSet } from '../../firewall/rules.ts';
import { limitRules } from '../../plan/classes/limits.ts';
import { egressRules, ingressRules } from '../../plan/classes/rules.ts';
import { needsSets } from '../../plan/input/hostLimits.ts';
import type { FirewallBackend, ShaperSettings } from '../../plan/input/settings.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Current } from '../device/device.ts';
import { hasNetAdmin } from '../exec/privilege.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { chooseBackend, isInstalled, tryBackend } from './firewall.ts';

export interface RulesTool {
  /** Undefined: no rules are wanted. */
  backend: FirewallBackend | undefined;
  /** Not without nft, nor where the kernel lacks nft_hash. */
  numbersHosts: boolean;
}

/** What carries the rules now has shown that it works; else it is tried. */
export async function rulesTool(settings: ShaperSettings, current: Current, run: Runner): Promise<RulesTool> {
  const { device, firewall, fair, pacing } = settings;
  if (firewall === 'none' || firewall === 'iptables')
    return { backend: firewall === 'none' ? undefined : firewall, numbersHosts: false };
  const limits = limitRules(settings.hostLimits);
  const rules = (numbersHosts: boolean): RuleSet => ({
    device,
    egress: egressRules(settings, { numbersHosts }),
    ingress: ingressRules(settings),
    ...(limits.length === 0 ? {} : { limits }),
  });
  // Nobody else asks whose a connection is.
  const wantsNumbers = fair === 'host' && pacing !== 'off';
  const recorded = current.record?.plan.firewall?.backend;
  const stands =
    recorded !== undefined && carriesRules(current, recorded) && (await isInstalled(recorded))
      ? recorded
      : undefined;
  const setsNeeded = needsSets(settings.hostLimits);
  if (firewall === 'auto' && stands === 'iptables' && !setsNeeded)
    return { backend: stands, numbersHosts: false };
  const shown = stands === 'nft' ? numbersShownBy(current.inForce) : undefined;
  const numbersHosts = wantsNumbers && (shown ?? (await nftTakes(rules(true), run)));
  if (numbersHosts || firewall === 'nft' || stands === 'nft') return { backend: 'nft', numbersHosts };
  if (!setsNeeded) return { backend: await chooseBackend(rules(false), run), numbersHosts };
  if (await nftTakes(rules(false), run)) return { backend: 'nft', numbersHosts };
  throw missing(
    'hosts = "@…" is a set of nft, and nft does not take these rules here',
    'install nftables, or name addresses',
  );
}

/** Whether the record says that this tool carries our rules, all of them: what a killed run names may never have worked. */
export function carriesRules({ record }: Current, backend: FirewallBackend): boolean {
  return record?.phase === 'active' && record.plan.firewall?.backend === backend;
}

/** What a plan in force has shown of nft: numbers that were wanted and are not there could not be had. */
function numbersShownBy(inForce: Plan | undefined): boolean | undefined {
  return inForce?.pacing?.config.byHost === 1 ? inForce.pacing.config.numberedPriority > 0 : undefined;
}

/** Whether nft takes the rules; a dry run that may not ask the kernel believes so. */
async function nftTakes(rules: RuleSet, run: Runner): Promise<boolean> {
  try {
    await tryBackend({ backend: 'nft', rules }, run);
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.cause instanceof ProgramError && !(await hasNetAdmin());
  }
}
