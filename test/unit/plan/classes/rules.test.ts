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
  it('of WireGuard on this machine are known by the port they come from, and may be passed by small packets', () => {
    const list = rules({ wireGuardPorts: [443, 51_820] });
    expect(udpPorts(list, 'tunnel')).toEqual([51_820, 1701, 4789, 6081]);
    for (const name of ['tunnel-own', 'tunnel-small-own'])
      expect(list.find((rule) => rule.name === name)?.matches[0]).toEqual({
        ...{ kind: 'port', protocol: 'udp', side: 'source', ports: [443] },
      });
    // QUIC to port 443 goes on being a large upload, and what comes from a peer's port need not be known.
    expect(udpPorts(list, 'tunnel-in-order')).toEqual([1194, 4500]);
    expect(positions(rules({ wireGuardPorts: [51_820] }), 'tunnel-own')).toEqual([]);
  });
  it('of WireGuard on a port of tunnel-ports need no order, unless it is OpenVPN’s or IPsec’s', () => {
    const tunnels = { tcpPorts: [], udpPorts: [443, 1194, 4500, 5000] };
    const list = rules({ tunnels, wireGuardPorts: [443, 4500] });
    expect(udpPorts(list, 'tunnel')).toEqual([443]);
    expect(udpPorts(list, 'tunnel-in-order')).toEqual([1194, 4500, 5000]);
  });
  it('on ports of the administrator’s stay in order', () => {
    const list = rules({ tunnels: { tcpPorts: [], udpPorts: [443, { from: 5000, to: 5010 }] } });
    expect(udpPorts(list, 'tunnel-in-order')).toEqual([443, { from: 5000, to: 5010 }]);
    expect(udpPorts(list, 'tunnel')).toEqual([]);
  });
  it('whose port the administrator has named for a class are in that one, whatever their DSCP', () => {
    const interactive = { ...DEFAULT_SETTINGS.interactive, udpPorts: [1194, { from: 5003, to: 5004 }] };
    const bulk = { ...DEFAULT_SETTINGS.bulk, udpPorts: [{ from: 5009, to: 5020 }, 6881] };
    const tunnels = { tcpPorts: [], udpPorts: [1194, 4500, { from: 5000, to: 5010 }] };
    const list = rules({ interactive, bulk, tunnels });
    const named = list.filter(({ name }) => name.endsWith('-udp-ports') && name.startsWith('tunnel-'));
    expect(named).toEqual([
      {
        name: 'tunnel-in-order-interactive-udp-ports',
        matches: [{ kind: 'port', protocol: 'udp', side: 'either', ports: [1194, { from: 5003, to: 5004 }] }],
        verdict: { kind: 'class', classId: '1:10' },
      },
      {
        name: 'tunnel-in-order-bulk-udp-ports',
        matches: [{ kind: 'port', protocol: 'udp', side: 'either', ports: [{ from: 5009, to: 5010 }] }],
        verdict: { kind: 'class', classId: '1:30' },
      },
    ]);
    const [normal = -1] = positions(list, 'tunnel-in-order-udp');
    const [dscpBulk = -1] = positions(list, 'dscp-bulk');
    expect(list.indexOf(named[1] as Rule)).toBeLessThan(normal);
    expect(normal).toBeLessThan(dscpBulk);
  });
  it.each([
    ['interactive', '1:10'],
    ['bulk', '1:30'],
  ] as const)('to hosts that the administrator has named %s are in that class, in order', (name, classId) => {
    const hosts = ['198.51.100.7'];
    const list = rules({ [name]: { ...DEFAULT_SETTINGS[name], hosts } });
    const [ipsec, udp] = [`tunnel-in-order-${name}-hosts-ipsec`, `tunnel-in-order-${name}-hosts-udp`].map(
      (wanted) => list.find((rule) => rule.name === wanted),
    );
    expect(ipsec).toMatchObject({
      matches: [{ kind: 'protocolNumbers' }, { kind: 'host', hosts }],
      verdict: { classId },
    });
    expect(udp).toMatchObject({
      matches: [
        { kind: 'port', protocol: 'udp', ports: [1194, 4500] },
        { kind: 'host', hosts },
      ],
      verdict: { classId },
    });
    expect(list.indexOf(udp as Rule)).toBeLessThan(positions(list, 'tunnel-in-order-ipsec')[0] ?? -1);
    expect(list.indexOf(udp as Rule)).toBeLessThan(positions(list, 'dscp-bulk')[0] ?? -1);
  });
  it('are no large downloads: WireGuard that comes from port 443 is told by its own port, QUIC goes on being one', () => {
    const list = ingressRules({ ...DEFAULT_SETTINGS, wireGuardPorts: [40_000, 51_820] });
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
