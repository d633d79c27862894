/** What is taken where the kernel lacks the first choice; plan/fallbacks.ts tells the user. */
import {
  firstKind,
  hasStages,
  ingressKind,
  nextKind,
  type IngressChoice,
  type IngressKind,
} from '../../plan/input/ingressKinds.ts';
import type { KernelFacts } from '../../plan/input/link.ts';
import { factsShownBy, type Plan } from '../../plan/plan.ts';
import type { ShaperSettings } from '../../plan/input/settings.ts';
import { modulesOf, type Rehearsal } from './rehearse.ts';

/** What is tried first at ingress: what the user wants, unless what stands has shown that it cannot be. */
export function firstIngress(choice: IngressChoice, inForce: Plan | undefined): IngressKind {
  return firstKind(choice, inForce?.missingKinds ?? []);
}

/** What is tried first in the classes. */
export function firstLeaf(inForce: Plan | undefined): KernelFacts['leafQdisc'] {
  if (inForce === undefined) return 'cake';
  const { leafQdisc } = factsShownBy(inForce);
  return leafQdisc === 'fq_codel' && inForce.hostsMissing !== true ? 'cake' : leafQdisc;
}

export interface NextTry {
  kernel: KernelFacts;
  notice: string | undefined;
}

/** The next facts to try after a rehearsal that failed; undefined: there is no way around what is missing. */
export function without(
  { object, reason, shown }: Extract<Rehearsal, { ok: false }>,
  plan: Plan,
  kernel: KernelFacts,
  settings: ShaperSettings,
): NextTry | undefined {
  const kind = object?.type === 'qdisc' ? object.spec.kind : undefined;
  if (kind === 'cake' && object?.type === 'qdisc' && 'hosts' in object.spec)
    return { kernel: { ...kernel, leafQdisc: 'fq_codel' }, notice: undefined };
  if (kind === 'fq_codel') return { kernel: { ...kernel, leafQdisc: 'sfq' }, notice: undefined };
  if (plan.pacing !== undefined && settings.pacing === 'auto') {
    const withoutPacing = {
      ...kernel,
      pacingObjectFile: undefined,
      pacingUntried: !shown,
      pacingWhy: reason,
    };
    return { kernel: withoutPacing, notice: noPacingNotice(reason) };
  }
  const ingress = nextKind(settings.ingress, plan.ingress);
  if (ingress === undefined) return undefined;
  if (object?.type === 'filter' && hasStages(plan.ingress) && settings.pacing !== 'bpf') {
    const notice = `the kernel said of the ingress stages: ${reason} (they need ${modulesOf(object, reason).join(', ')})`;
    return { kernel: { ...kernel, ingress }, notice };
  }
  if (kind !== undefined && kind === ingressKind(plan.ingress).needsQdisc)
    return { kernel: { ...kernel, ingress }, notice: undefined };
  return undefined;
}

export function noPacingNotice(reason: string): string {
  return `no window pacing here: ${reason}`;
}
