import { describe, expect, it } from 'vitest';
import { egressRules, ingressRules, type RuleSettings } from '../../../../src/plan/classes/rules.ts';
import { DEFAULT_SETTINGS } from '../../../../src/plan/input/settings.ts';
import type { Rule } from '../../../../src/firewall/rules.ts';

const rules = (more: Partial<RuleSettings> = {}): Rule[] => egressRules({ ...DEFAULT_SETTINGS, ...more });
const positions = (list: readonly Rule[], name: string): number[] =>
  list.flatMap((rule, at) => (rule.name.startsWith(name) ? [at] : []));
const udpPorts = (list: readonly Rule[], name: string): unknown[] =>
  list
    .filter((rule) => rule.name === `${name}-udp`)
    .flatMap(({ matches }) =>
      matches.flatMap((match) => (match.kind === 'port' && match.protocol === 'udp' ? match.ports : [])),
    );

describe('tunnels', () => {
  it('never come to the rules for large uploads', () => {
    const list = rules();
    const [firstLarge = -1] = positions(list, 'large-upload-original');
    for (const name of ['tunnel-in-order', 'tunnel-small', 'tunnel'])
      for (const at of positions(list, name)) expect(at).toBeLessThan(firstLarge);
    for (const name of ['tunnel-in-order', 'tunnel-ip', 'tunnel-udp', 'tunnel-tcp'])
      for (const at of positions(list, name))
        expect(list[at]?.verdict).toEqual({ kind: 'class', classId: '1:20' });
  });
  it('that drop what comes late are in one class, before any rule that looks at length or DSCP', () => {
    const list = rules();
    const last = positions(list, 'tunnel-in-order').at(-1) ?? Infinity;
    for (const name of ['dscp-bulk', 'dscp-realtime', 'small'])
      expect(Math.min(...positions(list, name))).toBeGreaterThan(last);
    expect(udpPorts(list, 'tunnel-in-order')).toEqual([1194, 4500]);
  });
  it('of WireGuard on this machine are known by their ports, and may be passed by small packets', () => {
    const list = rules({ wireGuardPorts: [443, 51_820] });
    expect(udpPorts(list, 'tunnel')).toEqual([51_820, 1701, 4789, 6081, 443]);
    expect(udpPorts(list, 'tunnel-small')).toEqual(udpPorts(list, 'tunnel'));
  });
  it('on ports of the administrator’s stay in order', () => {
    const list = rules({ tunnels: { tcpPorts: [], udpPorts: [443, { from: 5000, to: 5010 }] } });
    expect(udpPorts(list, 'tunnel-in-order')).toEqual([443, { from: 5000, to: 5010 }]);
    expect(udpPorts(list, 'tunnel')).toEqual([]);
  });
  it('that the administrator has named for a class are in that one', () => {
    const interactive = { ...DEFAULT_SETTINGS.interactive, udpPorts: [1194, { from: 5003, to: 5004 }] };
    const tunnels = { tcpPorts: [], udpPorts: [1194, 4500, { from: 5000, to: 5010 }] };
    expect(udpPorts(rules({ interactive, tunnels }), 'tunnel-in-order')).toEqual([
      4500,
      { from: 5000, to: 5002 },
      { from: 5005, to: 5010 },
    ]);
  });
  it('are no large downloads: WireGuard that comes from port 443 is told by its own port, QUIC goes on being one', () => {
    const list = ingressRules({ ...DEFAULT_SETTINGS, wireGuardListenPorts: [40_000, 51_820] });
    const [own] = list.filter(({ name }) => name === 'tunnel-download-own');
    expect(own).toMatchObject({
      matches: [{ kind: 'mark' }, { kind: 'port', side: 'destination', ports: [40_000] }],
      verdict: { kind: 'unmark' },
    });
    const before = (name: string): number => list.findIndex((rule) => rule.name === name);
    expect(before('tunnel-download-own')).toBeLessThan(before('large-download-udp'));
    expect(before('tunnel-download-udp')).toBeLessThan(before('large-download-udp'));
    expect(list[before('large-download-udp')]?.matches).toContainEqual(
      expect.objectContaining({ kind: 'port', side: 'source', ports: [443] }),
    );
    expect(ingressRules({ ...DEFAULT_SETTINGS, largeDownloads: undefined }).map(({ name }) => name)).toEqual([
      'mark-of-others',
      'mark-done',
    ]);
  });
});
