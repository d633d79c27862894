/** Rules that were taken away in part are seen, with either tool. */
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { iptablesInstall } from '../../../src/firewall/iptables.ts';
import { parseMangleTable, removeMangleTable } from '../../../src/firewall/madeTables.ts';
import { nftInstall } from '../../../src/firewall/nft.ts';
import { iptablesStanding, nftStanding } from '../../../src/firewall/standing.ts';
import { egressRules, ingressRules } from '../../../src/plan/classes/rules.ts';

const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
const rules = { device: 'ppp0', egress: egressRules(settings), ingress: ingressRules(settings) };
const lines = (text: string, keep: (line: string) => boolean): string =>
  text.split('\n').filter(keep).join('\n');

describe('nft', () => {
  const shown = nftInstall(rules);
  it('whole, gone, without one rule, emptied', () => {
    expect(nftStanding(rules, shown)).toEqual({ state: 'whole' });
    expect(nftStanding(rules, undefined)).toEqual({ state: 'gone' });
    const one = lines(shown, (line) => !line.endsWith('comment "mark-done"'));
    expect(nftStanding(rules, one)).toEqual({ state: 'altered', missing: ['mark-done'] });
    const emptied = lines(shown, (line) => !line.includes('comment'));
    expect(nftStanding(rules, emptied)).toMatchObject({ state: 'altered' });
  });
});

describe.each(['ipv4', 'ipv6'] as const)('iptables, %s', (family) => {
  // What iptables-save prints of it: chains with their counters, jumps appended.
  const saved = iptablesInstall(rules, family, 'nothing')
    .replaceAll(/^-N (\S+)$/gm, ':$1 - [0:0]')
    .replaceAll(/^-I (\S+) 1 /gm, '-A $1 ');
  it('whole, without its jumps, without a rule, without a class', () => {
    expect(iptablesStanding(rules, family, saved)).toEqual({ state: 'whole' });
    const noJump = lines(saved, (line) => !line.startsWith('-A POSTROUTING'));
    expect(iptablesStanding(rules, family, noJump)).toEqual({ state: 'gone' });
    const one = lines(saved, (line) => !line.includes('--comment mark-done'));
    expect(iptablesStanding(rules, family, one)).toEqual({ state: 'altered', missing: ['mark-done'] });
    const noClass = lines(saved, (line) => !line.startsWith('-A inetgw-10-ppp0'));
    expect(iptablesStanding(rules, family, noClass)).toEqual({
      state: 'altered',
      missing: ['inetgw-10-ppp0'],
    });
  });
});

describe('the mangle table that iptables-nft leaves behind', () => {
  const chain = (name: string, ...rest: string[]): string =>
    [`\tchain ${name} {`, ...rest.map((line) => `\t\t${line}`), '\t}', ''].join('\n');
  const hook = 'type filter hook prerouting priority mangle; policy accept;';
  const table = (...chains: string[]): string =>
    `# Warning: table ip mangle is managed by iptables-nft, do not touch!\ntable ip mangle {\n${chains.join('')}}\n`;
  it.each([
    [table(chain('PREROUTING', hook), chain('OUTPUT', hook)), 'empty'],
    [
      table(chain('PREROUTING', hook, 'iifname "ppp0" counter packets 0 bytes 0 jump inetgw-in-ppp0')),
      'ours',
    ],
    [table(chain('inetgw-in-ppp0', 'meta mark 20 counter drop'), chain('PREROUTING', hook)), 'ours'],
    [table(chain('PREROUTING', hook, 'tcp dport 81 counter meta mark set 7')), 'used'],
    [table(chain('PREROUTING', hook.replace('accept', 'drop'))), 'used'],
    [table(chain('PREROUTING', hook), chain('theirs', 'counter return')), 'used'],
    [table(chain('PREROUTING', hook), chain('theirs')), 'used'],
  ])('case %#', (text, state) => {
    expect(parseMangleTable(text).state).toBe(state);
  });
  it('goes chain by chain, so that a rule that has come meanwhile keeps it', () => {
    expect(removeMangleTable('ipv6', ['PREROUTING'])).toBe(
      'delete chain ip6 mangle PREROUTING\ndelete table ip6 mangle\n',
    );
  });
});
