/** What is said of a stand-in for something that the kernel lacks: it is never silent. Pure. */
import type { Plan } from './plan.ts';

/** What a plan stands in with, said each time that it is set up or shown. */
export function standIns(plan: Plan): string[] {
  const usesSfq = plan.tc.some((object) => object.type === 'qdisc' && object.spec.kind === 'sfq');
  return [
    ...(usesSfq ? ['this kernel has no fq_codel: sfq queues the flows instead'] : []),
    ...(plan.policeMissing === true
      ? [
          `this kernel cannot police as the three stages need it: what comes in is shaped on ${plan.queueDevice ?? 'an ifb'} instead`,
        ]
      : []),
    ...(plan.cakeMissing === true
      ? ['this kernel has no cake: HTB with flow queues shapes what comes in']
      : []),
  ];
}
