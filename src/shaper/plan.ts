/** The plan: everything that `inetgw` puts on a device, as a value. Made here, carried out elsewhere. */
import type { FirewallBackend, ShaperSettings } from './settings.ts';
import { defaultFraming, type Framing } from './framing.ts';
import { egressObjects } from './egress.ts';
import { ingressObjects } from './ingress.ts';
import { pacingPlan, queueObjects, type PacingPlan } from './pacing.ts';
import { egressRules, ingressRules } from './rules.ts';
import type { KernelFacts, LinkFacts } from './link.ts';
import type { TcObject } from '../tc/objects.ts';
import type { RuleSet } from '../firewall/rules.ts';

export interface Plan {
  device: string;
  link: LinkFacts;
  framing: Framing;
  upBitPerSec: number;
  downBitPerSec: number;
  tc: readonly TcObject[];
  /** Absent: no window pacing. */
  pacing?: PacingPlan;
  /** Pacing was wanted where possible, and is not possible here. */
  pacingMissing?: true;
  /** Undefined: the administrator's own firewall script carries the rules. */
  firewall: { backend: FirewallBackend; rules: RuleSet } | undefined;
}

/** Same settings and facts, same plan: no clock, no files, no programs. */
export function makePlan(
  settings: ShaperSettings,
  link: LinkFacts,
  kernel: KernelFacts,
  backend: FirewallBackend | undefined,
): Plan {
  const framing = settings.framing ?? defaultFraming(link.kind);
  const pacing = pacingPlan(settings, link, framing, kernel);
  return {
    device: settings.device,
    link,
    framing,
    upBitPerSec: settings.upBitPerSec,
    downBitPerSec: settings.downBitPerSec,
    tc: [
      ...egressObjects(settings, link, framing, kernel),
      ...(pacing === undefined ? [] : queueObjects(settings, link, framing, kernel, pacing)),
      ...ingressObjects(settings, link, framing, pacing),
    ],
    ...(pacing === undefined ? {} : { pacing }),
    ...(settings.pacing === 'auto' && pacing === undefined ? { pacingMissing: true as const } : {}),
    firewall:
      backend === undefined
        ? undefined
        : {
            backend,
            rules: {
              device: settings.device,
              egress: egressRules(settings),
              ingress: ingressRules(settings),
            },
          },
  };
}
