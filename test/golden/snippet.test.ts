/** The texts for administrators who carry the rules themselves, as they are sourced or loaded. */
import { describe, expect, it } from 'vitest';
import { iptablesTable, shellSnippet } from '../../src/firewall/snippet.ts';
import { egressRules, ingressRules } from '../../src/plan/classes/rules.ts';
import { DEFAULT_SETTINGS } from '../../src/plan/input/settings.ts';

/** Made anew in each test: what is made outside of tests, mutation testing takes to be of none. */
const RULES = {
  egress: () =>
    egressRules({
      ...DEFAULT_SETTINGS,
      interactive: { ...DEFAULT_SETTINGS.interactive, hosts: ['192.0.2.1', '2001:db8::1'] },
    }),
  ingress: () => ingressRules(DEFAULT_SETTINGS),
};

describe.each(['egress', 'ingress'] as const)('the snippet for %s', (side) => {
  it('is the recorded one', async () => {
    const snippet = shellSnippet(side, RULES[side]());
    await expect(snippet).toMatchFileSnapshot(`files/iptables-${side}.sh`);
  });
  it('for one device differs in nothing but that DEV has a value', () => {
    const any = shellSnippet(side, RULES[side]()).split('\n');
    const one = shellSnippet(side, RULES[side](), 'ppp0').split('\n');
    expect(one.filter((line) => !any.includes(line))).toEqual(['  DEV=${DEV-ppp0}']);
    expect(one.length).toBe(any.length + 1);
  });
  it.each(['ipv4', 'ipv6'] as const)('as a table for %s is the recorded one', async (family) => {
    const table = iptablesTable(side, RULES[side](), 'ppp0', family);
    await expect(table).toMatchFileSnapshot(`files/table-${side}.${family}`);
  });
});
