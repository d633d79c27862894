/** The files that are made from the source: their names, below the checkout, and what they must contain. */
import { DEFAULT_SETTINGS } from '../src/shaper/settings.ts';
import { egressRules, ingressRules } from '../src/shaper/rules.ts';
import { shellSnippet } from '../src/firewall/snippet.ts';

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['templates/iptables-egress', shellSnippet('egress', egressRules(DEFAULT_SETTINGS))],
    ['templates/iptables-ingress', shellSnippet('ingress', ingressRules(DEFAULT_SETTINGS))],
  ]);
}
