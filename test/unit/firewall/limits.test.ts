/** Limits of hosts as rules of either tool: what is there, what is missed, what goes and what stays when they change. */
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { parseIptablesCounters, parseNftCounters } from '../../../src/firewall/counters.ts';
import { iptablesInstall, iptablesRemove } from '../../../src/firewall/iptables.ts';
import { nftInstall } from '../../../src/firewall/nft.ts';
import type { RuleSet } from '../../../src/firewall/rules.ts';
import { iptablesStanding, nftStanding } from '../../../src/firewall/standing.ts';
import { OTHERS_CONDITIONS } from '../../../src/conditions/others.ts';
import { fallbacks } from '../../../src/plan/fallbacks.ts';
import type { HostLimit } from '../../../src/plan/input/hostLimits.ts';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';
import { limitLines, limitStatistics, limitTexts } from '../../../src/report/statistics/limits.ts';

const HOST: HostLimit = {
  name: '192.0.2.7',
  hosts: ['192.0.2.7'],
  downBitPerSec: 400_000,
  upBitPerSec: 80_000,
};
const GUEST: HostLimit = {
  name: 'guest',
  hosts: ['198.51.100.0/24', '2001:db8::/64'],
  downBitPerSec: 800_000,
};
const KIDS: HostLimit = { name: 'kids', hosts: ['@kids'], downBitPerSec: 600_000 };

function planOf(hostLimits: readonly HostLimit[], backend: 'nft' | 'iptables' = 'nft'): Plan {
  const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
  const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
  return makePlan({ ...settings, hostLimits }, link, { leafQdisc: 'cake' }, backend);
}
function rulesOf(...hostLimits: readonly HostLimit[]): RuleSet {
  const rules = planOf(hostLimits).firewall?.rules;
  if (rules === undefined) throw new Error('the plan has no rules');
  return rules;
}
const without = (text: string, part: string): string =>
  text
    .split('\n')
    .filter((line) => !line.includes(part))
    .join('\n');

describe('limits by nft', () => {
  it('drop what is above the rate, of all their hosts together, in one bucket of at least 64 KiB', () => {
    const text = nftInstall(rulesOf(HOST, GUEST));
    expect(text).toContain('limit rate over 50000 bytes/second burst 15536 bytes counter drop');
    expect(text).toContain('limit rate over 100000 bytes/second burst 0 bytes counter drop');
    expect(text.match(/goto limit_2/g)).toHaveLength(4);
    expect(text).toContain('    iifname "ppp0" jump match_0');
    expect(text).toContain('    oifname "ppp0" jump match_1');
  });
  it('are missed when somebody takes a part of them away', () => {
    const rules = rulesOf(HOST, KIDS);
    const shown = nftInstall(rules);
    expect(nftStanding(rules, shown)).toEqual({ state: 'whole' });
    for (const [part, missing] of [
      ['limit-down-192.0.2.7', 'limit-down-192.0.2.7'],
      ['hosts-down-kids', 'hosts-down-kids'],
      ['to-up-192.0.2.7', 'to-up-192.0.2.7'],
      ['hook forward', 'the hook forward'],
    ] as const)
      expect(nftStanding(rules, without(shown, part))).toEqual({ state: 'altered', missing: [missing] });
  });
  it('with a set leave the table in place, and take all else out of it, also what was there before', () => {
    const text = nftInstall(rulesOf(KIDS), undefined, rulesOf(HOST, GUEST, { ...KIDS, hosts: ['@old'] }));
    expect(text).not.toContain('delete table');
    expect(text).toContain('flush table inet inetgw_ppp0\n');
    expect(text).toContain('delete chain inet inetgw_ppp0 limit_3\n');
    expect(text).toContain('delete set inet inetgw_ppp0 old_4\n');
    expect(text).not.toContain('delete set inet inetgw_ppp0 kids_4');
    expect(text).toContain('  set kids_4 { type ipv4_addr; flags timeout; }\n  set kids_6 { type ipv6_addr;');
    expect(nftInstall(rulesOf(HOST), undefined, rulesOf(KIDS))).toContain('delete table inet inetgw_ppp0\n');
  });
});

describe.each(['ipv4', 'ipv6'] as const)('limits by iptables, %s', (family) => {
  const saved = (rules: RuleSet): string =>
    iptablesInstall(rules, family, 'nothing')
      .replaceAll(/^-N (\S+)$/gm, ':$1 - [0:0]')
      .replaceAll(/^-I (\S+) 1 /gm, '-A $1 ');
  it('are missed when somebody takes a part of them away', () => {
    const rules = rulesOf(GUEST);
    expect(iptablesStanding(rules, family, saved(rules))).toEqual({ state: 'whole' });
    const part = without(saved(rules), '--hashlimit-above');
    expect(iptablesStanding(rules, family, part)).toEqual({
      state: 'altered',
      missing: ['limit-down-guest'],
    });
    expect(iptablesStanding(rules, family, without(saved(rules), '-A FORWARD'))).toEqual({ state: 'gone' });
  });
  it('go with their chains and the jump when there are none any more, and with everything', () => {
    const text = iptablesInstall(rulesOf(), family, 'ours', rulesOf(GUEST));
    expect(text).toContain('-D FORWARD -j inetgw-fwd-ppp0\n');
    for (const chain of ['fwd', 'm0', 'l0']) {
      expect(text).toContain(`:inetgw-${chain}-ppp0 - [0:0]\n`);
      expect(text).toContain(`-X inetgw-${chain}-ppp0\n`);
      expect(iptablesRemove('ppp0', saved(rulesOf(GUEST)))).toContain(`-X inetgw-${chain}-ppp0\n`);
    }
    expect(text).not.toContain('-I FORWARD');
    expect(iptablesRemove('ppp0', saved(rulesOf(GUEST)))).toContain('-D FORWARD -j inetgw-fwd-ppp0\n');
  });
  it('come without a jump to take away when there were none', () => {
    const text = iptablesInstall(rulesOf(GUEST), family, 'ours', rulesOf());
    expect(text).not.toContain('-D FORWARD');
    expect(text).toContain('-I FORWARD 1 -j inetgw-fwd-ppp0\n');
  });
  it('have another bucket for another rate', () => {
    const names = [GUEST, { ...GUEST, downBitPerSec: 900_000 }].map(
      (each) => /--hashlimit-name (\S+)/.exec(iptablesInstall(rulesOf(each), family, 'ours'))?.[1],
    );
    expect(new Set(names).size).toBe(2);
  });
});

it('iptables has nothing of a host for the other family', () => {
  expect(iptablesInstall(rulesOf(HOST), 'ipv6', 'nothing')).not.toMatch(/FORWARD|fwd/);
});

it('what iptables cannot count together is said', () => {
  expect(fallbacks(planOf([HOST, GUEST], 'iptables'))).toEqual([
    expect.stringContaining('iptables counts IPv4 and IPv6 apart: guest may have'),
  ]);
  expect(fallbacks(planOf([HOST, GUEST]))).toEqual([]);
});

it('a priority sends what the hosts send to its class, a tunnel of theirs as well', () => {
  const [rules, tunnels] = ['priority-bulk-guest', 'tunnel-in-order-bulk-guest-ipsec'].map((name) =>
    rulesOf({ ...GUEST, priority: 'bulk' }).egress.find((rule) => rule.name === name),
  );
  expect(rules).toMatchObject({ verdict: { classId: '1:30' }, matches: [{ hosts: GUEST.hosts }] });
  expect(tunnels).toMatchObject({ verdict: { classId: '1:30' } });
});

describe('what passed and what was dropped', () => {
  const nft = `
    limit rate over 50000 bytes/second burst 15536 bytes counter packets 3 bytes 4476 drop comment "limit-down-192.0.2.7"
    counter packets 90 bytes 100000 comment "passed-down-192.0.2.7"`;
  const iptables = `
[3:4476] -A inetgw-l0-ppp0 -m hashlimit --hashlimit-above 50000b/s --hashlimit-name x -m comment --comment limit-down-192.0.2.7 -j DROP
[90:100000] -A inetgw-l0-ppp0 -m comment --comment passed-down-192.0.2.7 -j RETURN
[7:7] -A inetgw-l0-eth1 -m comment --comment passed-down-192.0.2.7 -j RETURN`;
  it.each([
    ['nft', parseNftCounters(nft)],
    ['iptables', parseIptablesCounters(iptables, 'ppp0')],
  ])('is told from what %s shows', (_, counters) => {
    const [down, up] = limitStatistics(planOf([HOST]), counters);
    expect(down).toEqual({
      ...{ name: '192.0.2.7', direction: 'down', limitBitPerSec: 400_000 },
      ...{ passedPackets: 90, passedBytes: 100_000, droppedPackets: 3, droppedBytes: 4476 },
    });
    expect(up).toMatchObject({ direction: 'up', limitBitPerSec: 80_000, passedPackets: 0 });
    expect(limitLines([...(down === undefined ? [] : [down])]).join('\n')).toMatch(
      /192\.0\.2\.7 +down +400 kbit\/s +100 kB +90 +4\.476 kB +3/,
    );
  });
  it('a dry run tells the limits', () => {
    expect(limitTexts(rulesOf(HOST, GUEST).limits ?? [])).toEqual([
      '192.0.2.7: down 400 kbit/s, up 80 kbit/s',
      'guest: down 800 kbit/s',
    ]);
  });
});

it('of a flowtable it is told that no limit holds where there are some', () => {
  const found = (plan: Plan) =>
    OTHERS_CONDITIONS.find(({ id }) => id === 'flow-offload')?.find({
      device: 'ppp0',
      link: undefined,
      record: { phase: 'active', plan, namespace: undefined },
      flowtables: [{ name: 'inet fw4 ft', devices: ['lan0', 'ppp0'] }],
    });
  expect(found(planOf([HOST]))).toEqual([expect.stringMatching(/, and no limit of hosts holds for them$/)]);
  expect(found(planOf([]))).toEqual([expect.stringMatching(/ are normal$/)]);
});
