/** What is said of a fallback for something that the kernel lacks: it is never silent. Pure. */
import { ingressKind } from './input/ingressKinds.ts';
import type { Plan } from './plan.ts';

const HIDDEN_HOSTS = {
  nft: 'nft has no hash here (nft_hash), so window pacing cannot tell hosts behind NAT apart: there it paces by flow',
  other: 'window pacing cannot tell hosts behind NAT apart without rules of nft: there it paces by flow',
};

/** iptables has a table for each family, and each counts for itself. */
function limitsTwice({ firewall }: Plan): string[] {
  if (firewall?.backend !== 'iptables') return [];
  const both = (firewall.rules.limits ?? []).filter(
    ({ hosts }) => hosts.some((host) => host.includes(':')) && hosts.some((host) => !host.includes(':')),
  );
  const names = [...new Set(both.map(({ name }) => name))];
  return names.length === 0
    ? []
    : [
        `iptables counts IPv4 and IPv6 apart: ${names.join(', ')} may have the limit by each; nft counts them together`,
      ];
}

/** One text for each fallback in the plan, told each time that it is set up or shown. */
export function fallbacks(plan: Plan): string[] {
  const usesSfq = plan.tc.some((object) => object.type === 'qdisc' && object.spec.kind === 'sfq');
  return [
    ...(usesSfq ? ['this kernel has no fq_codel: sfq queues the flows instead'] : []),
    ...(plan.hostsMissing === true && !usesSfq
      ? ['this kernel has no cake: flows take turns in the queues, whatever host they belong to']
      : []),
    ...(plan.hostsHidden === true ? [HIDDEN_HOSTS[plan.firewall?.backend === 'nft' ? 'nft' : 'other']] : []),
    ...limitsTwice(plan),
    ...(plan.follows !== undefined && plan.pacing === undefined
      ? [
          'there is no window pacing here, so nobody sees what the line carries: the rates stay as they were set',
        ]
      : []),
    ...(plan.missingKinds ?? []).flatMap(
      (kind) => ingressKind(kind).whenMissing?.(plan.queueDevice ?? 'an ifb') ?? [],
    ),
  ];
}
