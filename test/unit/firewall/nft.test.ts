import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { iptablesInstall } from '../../../src/firewall/iptables.ts';
import { nftInstall, nftRemove, tableName } from '../../../src/firewall/nft.ts';
import { nftStanding } from '../../../src/firewall/standing.ts';
import type { RuleSet } from '../../../src/firewall/rules.ts';
import { fallbacks } from '../../../src/plan/fallbacks.ts';
import { makePlan } from '../../../src/plan/plan.ts';

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
  ingress: [{ name: 'done', matches: [{ kind: 'mark', mark: 20 }], verdict: { kind: 'unmark' } }],
};

const plan = (backend: 'nft' | 'iptables') =>
  makePlan(
    settingsFromArguments('ppp0', '210', '1710', {}).settings,
    { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'cake' },
    backend,
  );
const stage1 = (wanted: object): unknown => expect.objectContaining({ kind: 'mark', mark: 20, ...wanted });

describe('the rules for nft', () => {
  it('are there only if every one of them is, in chains at their hooks', () => {
    const rules = plan('nft').firewall?.rules ?? RULES;
    // As `nft list table` prints it.
    const listed = nftInstall(rules)
      .replace(/^(?:add|delete) .*\n/gm, '')
      .replaceAll('counter ', 'counter packets 0 bytes 0 ');
    expect(nftStanding(rules, listed).state).toBe('whole');
    expect(nftStanding(rules, undefined).state).not.toBe('whole');
    // `nft flush table`, `nft flush chain` of one of the two, one rule deleted, a chain made anew without its hook.
    const rule = /^.* comment ".*"\n/gm;
    expect(nftStanding(rules, listed.replaceAll(rule, '')).state).not.toBe('whole');
    const [egress = '', ingress = ''] = listed.split('chain ingress');
    expect(nftStanding(rules, `${egress.replaceAll(rule, '')}chain ingress${ingress}`).state).not.toBe(
      'whole',
    );
    expect(nftStanding(rules, `${egress}chain ingress${ingress.replaceAll(rule, '')}`).state).not.toBe(
      'whole',
    );
    expect(nftStanding(rules, listed.replace(/^.* comment "mark-done"\n/m, '')).state).not.toBe('whole');
    expect(nftStanding(rules, listed.replace(/^ *type filter hook prerouting .*\n/m, '')).state).not.toBe(
      'whole',
    );
  });
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
      verdict: { kind: 'unmark' },
    });
    const linesFor = (...ingress: RuleSet['ingress']) =>
      nftInstall({ ...RULES, ingress }, 'ingress')
        .split('\n')
        .filter((line) => line.includes('mark'))
        .map((line) => line.trim());
    expect(linesFor(done('one', 20), done('two', 20))).toEqual([
      'meta mark != 20 return',
      'counter meta mark set 0 meta priority set none return comment "one"',
      'counter meta mark set 0 meta priority set none return comment "two"',
    ]);
    expect(linesFor(done('one', 20), done('two', 21))).toEqual([
      'meta mark 20 meta priority 4947:10 counter meta mark set 0 meta priority set none return comment "one"',
      'meta mark 21 meta priority 4947:10 counter meta mark set 0 meta priority set none return comment "two"',
    ]);
  });
  it('take for marked by stage 1 only what carries its priority too, before anybody may restore a mark', () => {
    const [, text = ''] = nftInstall(RULES).split('chain ingress {');
    expect(text.split('\n').slice(1, 5)).toEqual([
      '    type filter hook prerouting priority -199; policy accept;',
      '    meta mark != 20 return',
      '    meta priority != 4947:10 return',
      '    iifname != "ppp0" return',
    ]);
    expect(plan('nft').tc).toContainEqual(
      expect.objectContaining({
        actions: expect.arrayContaining([stage1({ priority: '4947:10' })]) as unknown,
      }),
    );
    const actions = plan('iptables').tc.flatMap((object) => (object.type === 'filter' ? object.actions : []));
    expect(actions.filter(({ kind }) => kind === 'mark')).toEqual([
      { kind: 'mark', index: expect.any(Number) as number, mark: 20, then: 'continue' },
    ]);
  });
  it('have nothing to say of marks that are saved with connections: the priority tells', () => {
    expect(nftInstall(plan('nft').firewall?.rules ?? RULES)).not.toContain('mark-of-others');
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

describe('what opens a connection where window pacing shares by host', () => {
  const planOf = (backend: 'nft' | 'iptables', fair?: string) => {
    const words = fair === undefined ? {} : { fair };
    const { settings } = settingsFromArguments('ppp0', '210', '1710', words);
    const link = { device: 'ppp0', ifindex: 5, kind: 'ppp', mtuBytes: 1492 } as const;
    const kernel = { leafQdisc: 'cake', pacingObjectFile: '/run/inetgw/ppp0.pacing.o' } as const;
    return makePlan(settings, link, kernel, backend);
  };
  const rulesOf = (plan: ReturnType<typeof planOf>): RuleSet => plan.firewall?.rules ?? RULES;

  it('gets the number of its host from nft, which the program is told of', () => {
    const plan = planOf('nft');
    const lines = nftInstall(rulesOf(plan))
      .split('\n')
      .filter((line) => line.includes('tcp-syn'));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/ jhash .* mod 4096 seed 0x1 offset 69632 return /);
    expect(plan.pacing?.config).toMatchObject({ byHost: 1, numberedPriority: 69_632, synPriority: 0x1_0010 });
  });
  it.each([
    ['iptables', undefined, 1],
    ['nft', 'flow', 0],
  ] as const)('goes to its class with %s and --fair %s', (backend, fair, byHost) => {
    const plan = planOf(backend, fair);
    const text =
      backend === 'nft' ? nftInstall(rulesOf(plan)) : iptablesInstall(rulesOf(plan), 'ipv4', 'nothing');
    expect(text).not.toContain('jhash');
    expect(plan.pacing?.config).toMatchObject({ byHost, numberedPriority: 0 });
    expect(fallbacks(plan)).toHaveLength(byHost);
  });
});
