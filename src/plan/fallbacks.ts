/** What is said of a fallback for something that the kernel lacks: it is never silent. Pure. */
import { ingressKind } from './input/ingressKinds.ts';
import type { Plan } from './plan.ts';

/** One text for each fallback in the plan, told each time that it is set up or shown. */
export function fallbacks(plan: Plan): string[] {
  const usesSfq = plan.tc.some((object) => object.type === 'qdisc' && object.spec.kind === 'sfq');
  return [
    ...(usesSfq ? ['this kernel has no fq_codel: sfq queues the flows instead'] : []),
    ...(plan.missingKinds ?? []).flatMap(
      (kind) => ingressKind(kind).whenMissing?.(plan.queueDevice ?? 'an ifb') ?? [],
    ),
  ];
}
