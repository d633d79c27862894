import { describe, expect, it } from 'vitest';
import {
  iptablesInstall,
  iptablesPresent,
  iptablesRemove,
  savedProblem,
} from '../../../src/firewall/iptables.ts';
import type { RuleSet } from '../../../src/firewall/rules.ts';
import { egressRules, ingressRules } from '../../../src/shaper/rules.ts';
import { DEFAULT_SETTINGS } from '../../../src/shaper/settings.ts';

function rulesFor(device: string): RuleSet {
  const settings = { ...DEFAULT_SETTINGS, device, upBitPerSec: 210_000, downBitPerSec: 1_710_000 };
  return { device, egress: egressRules(settings), ingress: ingressRules(settings) };
}

const SAVED = `*mangle
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:inetgw-10-ppp0 - [0:0]
:inetgw-in-ppp0 - [0:0]
:inetgw-in-ppp01 - [0:0]
:inetgw-out-ppp0 - [0:0]
-A PREROUTING -i ppp0 -j inetgw-in-ppp0
-A PREROUTING -i ppp01 -j inetgw-in-ppp01
-A PREROUTING -i eth0 -j MARK --set-mark 7
-A POSTROUTING -o ppp0 -j inetgw-out-ppp0
-A POSTROUTING -o ppp0 -j inetgw-out-ppp0
-A inetgw-10-ppp0 -j CLASSIFY --set-class 1:10
-A inetgw-out-ppp0 -p icmp -g inetgw-10-ppp0
COMMIT
`;

describe('iptables', () => {
  it('takes away every jump of ours, even one that stands twice, and nothing of others', () => {
    expect(iptablesRemove('ppp0', SAVED)?.split('\n')).toEqual([
      '*mangle',
      '-D PREROUTING -i ppp0 -j inetgw-in-ppp0',
      '-D POSTROUTING -o ppp0 -j inetgw-out-ppp0',
      '-D POSTROUTING -o ppp0 -j inetgw-out-ppp0',
      '-F inetgw-10-ppp0',
      '-F inetgw-in-ppp0',
      '-F inetgw-out-ppp0',
      '-X inetgw-10-ppp0',
      '-X inetgw-in-ppp0',
      '-X inetgw-out-ppp0',
      'COMMIT',
      '',
    ]);
  });
  it('has nothing to take away where nothing of ours is', () => {
    expect(iptablesRemove('ppp1', SAVED)).toBeUndefined();
  });
  it('sees whether the rules are still there', () => {
    expect(iptablesPresent('ppp0', SAVED)).toBe(true);
    expect(iptablesPresent('ppp1', SAVED)).toBe(false);
    expect(iptablesPresent('ppp0', SAVED.replaceAll(/^-A P.*\n/gm, ''))).toBe(false);
  });
  it('keeps chain names within the 28 characters that iptables allows, for the longest device name', () => {
    const text = iptablesInstall(rulesFor('enp0s31f6.12345'), 'ipv4', 'nothing');
    for (const chain of text.match(/inetgw-\S+/g) ?? []) expect(chain.length).toBeLessThanOrEqual(28);
  });
  it('splits a list of more than 15 ports, which multiport cannot take', () => {
    const ports = Array.from({ length: 40 }, (_, n) => 1000 + n);
    const rules: RuleSet = {
      device: 'ppp0',
      egress: [
        {
          name: 'many',
          matches: [{ kind: 'port', protocol: 'tcp', side: 'either', ports }],
          verdict: { kind: 'class', classId: '1:30' },
        },
      ],
      ingress: [],
    };
    const lines = iptablesInstall(rules, 'ipv4', 'nothing').match(/--ports \S+/g) ?? [];
    expect(lines.map((line) => line.split(',').length)).toEqual([15, 15, 10]);
  });
});

describe('what iptables-save prints', () => {
  it('is taken as it is, with comments, counters and several tables', () => {
    expect(savedProblem('')).toBeUndefined();
    expect(savedProblem(SAVED)).toBeUndefined();
    expect(savedProblem(`# Warning\n${SAVED}${SAVED.replace('*mangle', '*nat')}# done\n`)).toBeUndefined();
    expect(savedProblem('*mangle\n:A - [0:0]\n[1:60] -A A -j DROP\nCOMMIT\n')).toBeUndefined();
  });
  it('cut off or from another program, is never taken for an empty table', () => {
    expect(savedProblem(SAVED.replace(/COMMIT\n$/, ''))).toBe('its output ends within a table');
    expect(savedProblem('no such thing\n')).toBe("it printed 'no such thing'");
    expect(savedProblem('-A PREROUTING -j X\n')).toContain('it printed');
    expect(savedProblem('*mangle\n{"json": 1}\nCOMMIT\n')).toContain('it printed');
  });
});
