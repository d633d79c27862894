import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nftInstall, nftRemove, tableName } from '../../../src/firewall/nft.ts';
import type { RuleSet } from '../../../src/firewall/rules.ts';

const RULES: RuleSet = {
  device: 'ppp0',
  egress: [
    {
      name: 'hosts',
      matches: [{ kind: 'host', hosts: ['192.0.2.1', '2001:db8::/32'] }],
      verdict: { kind: 'class', classId: '1:10' },
    },
    {
      name: 'from',
      matches: [
        { kind: 'port', protocol: 'udp', side: 'source', ports: [53, 123, { from: 5000, to: 5100 }] },
      ],
      verdict: { kind: 'class', classId: '1:10' },
    },
    {
      name: 'to',
      matches: [{ kind: 'port', protocol: 'tcp', side: 'destination', ports: [25] }],
      verdict: { kind: 'class', classId: '1:30' },
    },
  ],
  ingress: [{ name: 'done', matches: [{ kind: 'mark', mark: 20 }], verdict: { kind: 'setMark', mark: 0 } }],
};

describe('the rules for nft', () => {
  it('name a host at either end, in its own family', () => {
    const lines = nftInstall(RULES)
      .split('\n')
      .filter((line) => line.includes('"hosts"'))
      .map((line) => line.trim().split(' counter ')[0]);
    expect(lines).toEqual([
      'ip saddr 192.0.2.1',
      'ip daddr 192.0.2.1',
      'ip6 saddr 2001:db8::/32',
      'ip6 daddr 2001:db8::/32',
    ]);
  });
  it('name ports at the end that is meant', () => {
    expect(nftInstall(RULES)).toMatch(/^ {4}udp sport \{ 53, 123, 5000-5100 \} counter .* comment "from"$/m);
    expect(nftInstall(RULES)).toMatch(/^ {4}tcp dport \{ 25 \} counter .* comment "to"$/m);
  });
  it('ask for the mark that all of them want once, and each for its own where they differ', () => {
    const done = (name: string, mark: number): RuleSet['ingress'][number] => ({
      name,
      matches: [{ kind: 'mark', mark }],
      verdict: { kind: 'setMark', mark: 0 },
    });
    const linesFor = (...ingress: RuleSet['ingress']) =>
      nftInstall({ ...RULES, ingress }, 'ingress')
        .split('\n')
        .filter((line) => line.includes('mark'))
        .map((line) => line.trim());
    expect(linesFor(done('one', 20), done('two', 20))).toEqual([
      'meta mark != 20 return',
      'counter meta mark set 0 comment "one"',
      'counter meta mark set 0 comment "two"',
    ]);
    expect(linesFor(done('one', 20), done('two', 21))).toEqual([
      'meta mark 20 counter meta mark set 0 comment "one"',
      'meta mark 21 counter meta mark set 0 comment "two"',
    ]);
  });
  it('of one side stand in a table of their own, without the other side', () => {
    const egress = nftInstall(RULES, 'egress');
    expect(egress.split('\n')[0]).toBe('add table inet inetgw_ppp0_egress');
    expect(egress).toContain('chain egress {');
    expect(egress).not.toContain('chain ingress {');
    const ingress = nftInstall(RULES, 'ingress');
    expect(ingress).toContain('table inet inetgw_ppp0_ingress {\n  chain ingress {');
    expect(ingress).not.toContain('chain egress {');
    expect(nftInstall(RULES)).toMatch(
      /table inet inetgw_ppp0 \{\n {2}chain egress \{\n[^]*\n {2}chain ingress \{/,
    );
  });
  it('are taken away whether they are there or not', () => {
    expect(nftRemove('ppp0')).toBe('add table inet inetgw_ppp0\ndelete table inet inetgw_ppp0\n');
  });
  it('of two devices never stand in one table', () => {
    const device = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/);
    fc.assert(
      fc.property(device, device, (one, other) => {
        fc.pre(one !== other);
        expect(tableName(one)).toMatch(/^inetgw_\w+$/);
        expect(tableName(one)).not.toBe(tableName(other));
      }),
      {
        examples: [
          ['a.b', 'a-b'],
          ['a_b', 'a.b'],
        ],
      },
    );
  });
});
