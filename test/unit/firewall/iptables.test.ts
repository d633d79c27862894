import { describe, expect, it } from 'vitest';
import {
  iptablesInstall,
  iptablesRemove,
  savedProblem,
  type Family,
} from '../../../src/firewall/iptables.ts';
import { iptablesStanding } from '../../../src/firewall/standing.ts';
import type { RuleSet } from '../../../src/firewall/rules.ts';
import { egressRules, ingressRules } from '../../../src/plan/classes/rules.ts';
import { DEFAULT_SETTINGS } from '../../../src/plan/input/settings.ts';

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

/** What iptables-save prints of the whole set. */
function savedOf(device: string, family: Family): string {
  return iptablesInstall(rulesFor(device), family, 'nothing')
    .replaceAll(/^-N (\S+)$/gm, ':$1 - [0:0]')
    .replaceAll(/^-I (\S+) 1 /gm, '-A $1 ');
}

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
  it.each(['ipv4', 'ipv6'] as const)('sees whether the rules are still there, of %s', (family) => {
    const whole = savedOf('ppp0', family);
    const isPresent = (text: string, device = 'ppp0') =>
      iptablesStanding(rulesFor(device), family, text).state === 'whole';
    expect(isPresent(whole)).toBe(true);
    expect(isPresent(whole, 'ppp1')).toBe(false);
    expect(isPresent(whole.replaceAll(/^-A P.*\n/gm, ''))).toBe(false);
    // `iptables -F CHAIN`, and one rule taken out of it.
    expect(isPresent(whole.replaceAll(/^-A inetgw-in-ppp0 .*\n/gm, ''))).toBe(false);
    expect(isPresent(whole.replaceAll(/^-A inetgw-out-ppp0 .*\n/gm, ''))).toBe(false);
    expect(isPresent(whole.replaceAll(/^.* --comment mark-done .*\n/gm, ''))).toBe(false);
  });
  it('keeps chain names within the 28 characters that iptables allows, for the longest device name', () => {
    const text = iptablesInstall(rulesFor('enp0s31f6.12345'), 'ipv4', 'nothing');
    for (const chain of text.match(/inetgw-\S+/g) ?? []) expect(chain.length).toBeLessThanOrEqual(28);
  });
  it('asks in IPv6 for no extension header, which would never be found', () => {
    const tunnels = (family: Family): string[] =>
      iptablesInstall(rulesFor('ppp0'), family, 'nothing')
        .split('\n')
        .filter((line) => line.includes('--comment tunnel-in-order-ipsec '))
        .map((line) => / -p (\d+) /.exec(line)?.[1] ?? '');
    expect(tunnels('ipv4')).toEqual(['50', '51']);
    expect(tunnels('ipv6')).toEqual(['50']);
  });
  it('counts a range of ports as two of the 15', () => {
    const ports = Array.from({ length: 9 }, (_, n) => ({ from: 1000 * n + 1, to: 1000 * n + 9 }));
    const rules: RuleSet = {
      device: 'ppp0',
      egress: [
        {
          name: 'ranges',
          matches: [{ kind: 'port', protocol: 'tcp', side: 'either', ports: [22, ...ports] }],
          verdict: { kind: 'class', classId: '1:30' },
        },
      ],
      ingress: [],
    };
    const lines = iptablesInstall(rules, 'ipv4', 'nothing').match(/--ports \S+/g) ?? [];
    expect(lines.map((line) => line.split(',').length)).toEqual([8, 2]);
    expect(lines[0]).toContain('--ports 22,1:9,1001:1009,');
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

describe('the rules for iptables', () => {
  it('replace a whole set of ours: chains emptied, jumps taken away and set again, in one commit', () => {
    const lines = iptablesInstall(rulesFor('ppp0'), 'ipv4', 'ours').split('\n');
    expect(lines).toContain(':inetgw-out-ppp0 - [0:0]');
    expect(lines.filter((line) => line.startsWith('-D '))).toEqual([
      '-D POSTROUTING -o ppp0 -j inetgw-out-ppp0',
      '-D PREROUTING -i ppp0 -j inetgw-in-ppp0',
    ]);
    expect(lines.filter((line) => line.startsWith('-N '))).toEqual([]);
    expect(lines.filter((line) => line === 'COMMIT')).toHaveLength(1);
  });
  it('fail rather than jump twice where nothing of ours is expected', () => {
    const lines = iptablesInstall(rulesFor('ppp0'), 'ipv4', 'nothing').split('\n');
    expect(lines).toContain('-N inetgw-out-ppp0');
    expect(lines.filter((line) => /^(?::|-D )/.test(line))).toEqual([]);
  });
  it('name a host at either end, each family its own', () => {
    const hosts = {
      name: 'hosts',
      matches: [{ kind: 'host', hosts: ['192.0.2.1', '2001:db8::1'] }],
    } as const;
    const rules: RuleSet = {
      device: 'ppp0',
      egress: [{ ...hosts, verdict: { kind: 'class', classId: '1:10' } }],
      ingress: [],
    };
    const ends = (family: 'ipv4' | 'ipv6') =>
      iptablesInstall(rules, family, 'nothing').match(/-[sd] (?=\S+ -m comment)\S+/g);
    expect(ends('ipv4')).toEqual(['-s 192.0.2.1', '-d 192.0.2.1']);
    expect(ends('ipv6')).toEqual(['-s 2001:db8::1', '-d 2001:db8::1']);
  });
  it('name ports at the end that is meant, and no more rules than there are ports for', () => {
    const ports = Array.from({ length: 30 }, (_, n) => 1000 + n);
    const rule = (side: 'source' | 'destination') => ({
      name: side,
      matches: [{ kind: 'port', protocol: 'tcp', side, ports } as const],
      verdict: { kind: 'drop' } as const,
    });
    const rules: RuleSet = { device: 'ppp0', egress: [rule('source'), rule('destination')], ingress: [] };
    const options = iptablesInstall(rules, 'ipv4', 'nothing').match(/multiport --\w+ \d/g);
    expect(options).toEqual([
      ...['multiport --sports 1', 'multiport --sports 1'],
      ...['multiport --dports 1', 'multiport --dports 1'],
    ]);
  });
});

describe('what is left of ours', () => {
  it('is taken away even if only jumps or only chains are there', () => {
    expect(iptablesRemove('ppp0', '*mangle\n:inetgw-in-ppp0 - [0:0]\nCOMMIT\n')).toContain(
      '-X inetgw-in-ppp0',
    );
    const jump = '-A PREROUTING -i ppp0 -j inetgw-in-ppp0';
    expect(iptablesRemove('ppp0', `*mangle\n${jump}\nCOMMIT\n`)).toContain('-D PREROUTING');
  });
  it("is not an administrator's chain that only contains such a name", () => {
    const saved = '*mangle\n:my-inetgw-in-ppp0 - [0:0]\n-A PREROUTING -j my-inetgw-in-ppp0\nCOMMIT\n';
    expect(iptablesRemove('ppp0', saved)).toBeUndefined();
  });
  it('is not all there if one jump or one chain is missing', () => {
    const whole = savedOf('ppp0', 'ipv4');
    const isPresent = (text: string) => iptablesStanding(rulesFor('ppp0'), 'ipv4', text).state === 'whole';
    for (const gone of [/^-A PRE.* -i ppp0 .*\n/m, /^-A POST.*\n/m, /^:inetgw-in-ppp0 .*\n/m]) {
      expect(isPresent(whole.replace(gone, ''))).toBe(false);
    }
    expect(isPresent(whole.replaceAll('POSTROUTING -o', 'OUTPUT -o'))).toBe(false);
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
