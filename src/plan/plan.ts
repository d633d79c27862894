/** The plan: everything that `inetgw` puts on a device, as a value. Made here, carried out elsewhere. */
import { hasStages, kindsBefore, type IngressKind } from './input/ingressKinds.ts';
import type { FirewallBackend, ShaperSettings } from './input/settings.ts';
import { lineLimits, type LineLimits } from './input/limits.ts';
import { type Framing } from './input/framing.ts';
import { resolveFraming } from './input/framingChoice.ts';
import { egressObjects } from './queues/egress.ts';
import { ingressObjects } from './ingress/objects.ts';
import { isPacingWanted, pacingPlan, type PacingPlan } from './pacing/pacing.ts';
import { queueDeviceName } from './queues/queue.ts';
import { limitRules } from './classes/limits.ts';
import { egressRules, ingressRules } from './classes/rules.ts';
import { besideOthers } from './sharedClsact.ts';
import type { KernelFacts, LinkFacts, SharedClsact } from './input/link.ts';
import type { TcObject } from '../tc/objects.ts';
import type { RuleSet } from '../firewall/rules.ts';

export interface Plan {
  device: string;
  link: LinkFacts;
  framing: Framing;
  upBitPerSec: number;
  downBitPerSec: number;
  tc: readonly TcObject[];
  ingress: IngressKind;
  /** Kinds that were to be tried before it, and are not possible here; absent: none. */
  missingKinds?: readonly IngressKind[];
  /** Hosts were to share the line, and there is no cake to let them take turns: their flows do. */
  hostsMissing?: true;
  /** Rules were to tell window pacing which host behind NAT a connection belongs to, and those that can be had do not. */
  hostsHidden?: true;
  /** The ifb that holds the local queue of what comes in; absent: there is none. */
  queueDevice?: string;
  /** Absent: no window pacing. */
  pacing?: PacingPlan;
  /** Pacing was wanted where possible, and is not possible here: it is not tried again. */
  pacingMissing?: true;
  /** Why there is none although it was wanted; absent where that is not known. */
  pacingWhy?: string;
  /** Present: the clsact qdisc is not in the plan, since filters of others hang there, too. */
  sharedClsact?: SharedClsact;
  /** The rates follow the line: `inetgw serve` sets others in place of those, within the limits. Absent: they are fixed. */
  follows?: FollowPlan;
  /** Undefined: the administrator's own firewall script carries the rules. */
  firewall: { backend: FirewallBackend; rules: RuleSet } | undefined;
}

export interface FollowPlan {
  limits: LineLimits;
  /** What the same plan is made from at other rates. */
  settings: ShaperSettings;
}

/** What is left out means something else at other rates: limits, and whether there is pacing at all. */
function followedSettings(
  settings: ShaperSettings,
  { down, up }: LineLimits,
  framing: Framing,
): ShaperSettings {
  return {
    ...settings,
    framing: { exact: framing },
    pacing: 'bpf',
    limits: {
      ...{ downMin: down.leastBitPerSec, downMax: down.mostBitPerSec },
      ...{ upMin: up.leastBitPerSec, upMax: up.mostBitPerSec },
    },
  };
}

/** What a plan in force has shown of the kernel: another one made with it can be reached by changing rates. */
export function factsShownBy(plan: Plan): KernelFacts {
  const leaves = plan.tc.flatMap((object) =>
    object.type === 'qdisc' && object.parent !== 'root' ? [object.spec.kind] : [],
  );
  return {
    leafQdisc: (['cake', 'sfq'] as const).find((kind) => leaves.includes(kind)) ?? 'fq_codel',
    ingress: plan.ingress,
    ...(plan.pacing === undefined || passesDecrypted(plan) ? {} : { hasIpsec: false }),
    ...(plan.sharedClsact === undefined ? {} : { sharedClsact: plan.sharedClsact }),
  };
}

/** Whether what IPsec has decrypted passes, as it has been counted before. */
export const passesDecrypted = ({ tc }: Pick<Plan, 'tc'>): boolean =>
  tc.some((object) => object.type === 'program' && object.section === 'again');

/** Whether hosts share the line, or were to, and not flows. */
export function sharesByHost(plan: Plan): boolean {
  return plan.hostsMissing === true || factsShownBy(plan).leafQdisc === 'cake';
}

/** Who chooses a firewall without such rules has chosen that, too. */
function hidesHosts({ firewall }: ShaperSettings, pacing: PacingPlan | undefined): boolean {
  if (firewall === 'none' || firewall === 'iptables') return false;
  return pacing?.config.byHost === 1 && pacing.config.numberedPriority === 0;
}

/** Same settings and facts, same plan: no clock, no files, no programs. */
export function makePlan(
  settings: ShaperSettings,
  link: LinkFacts,
  kernel: KernelFacts,
  backend: FirewallBackend | undefined,
): Plan {
  const framing = resolveFraming(settings.framing, link, settings);
  const ingress = kernel.ingress ?? 'police';
  const pacing = pacingPlan(settings, link, framing, kernel, backend);
  const limits = lineLimits(settings.limits, settings);
  const missingKinds = kindsBefore(ingress, settings.ingress);
  const context = { settings, link, framing, kernel };
  const ruleSettings = { ...settings, wireGuardPorts: kernel.wireGuardPorts ?? [] };
  const hostLimits = limitRules(settings.hostLimits);
  const queueDevice =
    hasStages(ingress) && pacing === undefined ? undefined : queueDeviceName(settings.device);
  return {
    device: settings.device,
    link,
    framing,
    upBitPerSec: settings.upBitPerSec,
    downBitPerSec: settings.downBitPerSec,
    tc: [...egressObjects(context), ...incoming()],
    ingress,
    ...(missingKinds.length === 0 ? {} : { missingKinds }),
    ...(settings.fair === 'host' && kernel.leafQdisc !== 'cake' ? { hostsMissing: true as const } : {}),
    ...(hidesHosts(settings, pacing) ? { hostsHidden: true as const } : {}),
    ...(queueDevice === undefined ? {} : { queueDevice }),
    ...(pacing === undefined ? {} : { pacing }),
    ...(isPacingWanted(settings) && pacing === undefined && kernel.pacingUntried !== true
      ? { pacingMissing: true as const }
      : {}),
    ...(isPacingWanted(settings) && pacing === undefined && kernel.pacingWhy !== undefined
      ? { pacingWhy: kernel.pacingWhy }
      : {}),
    ...(kernel.sharedClsact === undefined ? {} : { sharedClsact: kernel.sharedClsact }),
    ...(limits === undefined
      ? {}
      : { follows: { limits, settings: followedSettings(settings, limits, framing) } }),
    firewall:
      backend === undefined
        ? undefined
        : {
            backend,
            rules: {
              device: settings.device,
              egress: egressRules(ruleSettings, {
                numbersHosts: pacing !== undefined && pacing.config.numberedPriority > 0,
              }),
              // Only stage 1 marks: without it there is nothing for them to see.
              ingress: hasStages(ingress) ? ingressRules(ruleSettings) : [],
              ...(hostLimits.length === 0 ? {} : { limits: hostLimits }),
            },
          },
  };

  function incoming(): TcObject[] {
    const objects = ingressObjects(ingress, context, backend, pacing, queueDevice);
    return kernel.sharedClsact === undefined ? objects : besideOthers(objects, kernel.sharedClsact);
  }
}
