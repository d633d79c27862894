/** Who talks to whom over a line: which connections go over it, whose they are, what they take together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../../src/plan/pacing/accounts.ts';
import {
  addressesToAsk,
  byTuple,
  flowsOf,
  leftOutOf,
  noFlows,
  openedBy,
  whyNone,
  withFlowNames,
  type GrownConnection,
  type LineFacts,
} from '../../../../src/report/flows/flows.ts';
import type { TrackedConnection } from '../../../../src/report/flows/messages.ts';
import { behindNat } from './someConnections.ts';

const LINE = '198.51.100.2';
/** A gateway with NAT on ppp0, and another line that has the default route. */
const FACTS: LineFacts = {
  device: 'ppp0',
  own: new Set([LINE, '2001:db8:0:1::2']),
  machine: new Set([LINE, '2001:db8:0:1::2', '192.168.77.1', '203.0.113.7', '127.0.0.1']),
  isNeighbour: (address) => address.startsWith('192.168.'),
  deviceTo: () => undefined,
  remembered: new Map(),
};
const outside: TrackedConnection = {
  protocol: 6,
  opened: { from: '192.0.2.9', to: LINE, fromPort: 5555, toPort: 2222 },
  answered: { from: '192.168.77.2', to: '192.0.2.9', fromPort: 22, toPort: 5555 },
};
const ipv6: TrackedConnection = {
  protocol: 17,
  opened: { from: '2001:db8:3::2', to: '2001:db8:9::1', fromPort: 4000, toPort: 443 },
  answered: { from: '2001:db8:9::1', to: '2001:db8:3::2', fromPort: 443, toPort: 4000 },
};
const between = (from: string, to: string): TrackedConnection => ({
  protocol: 6,
  opened: { from, to, fromPort: 4000, toPort: 80 },
  answered: { from: to, to: from, fromPort: 80, toPort: 4000 },
});
const grown = (connection: TrackedConnection, opened: number, answered: number): GrownConnection => ({
  connection,
  grown: {
    ...{ message: Buffer.alloc(0), openedBytes: 10 * opened, answeredBytes: 10 * answered },
    ...{ openedGrowth: opened, answeredGrowth: answered },
  },
});
const remembered = (localPort: number, isPaced: boolean): Connection => ({
  ...{ localAddress: LINE, localPort, remoteAddress: '192.0.2.1', remotePort: 443 },
  ...{ host: 7, isActive: true, isPaced },
});

describe('a connection goes over the line', () => {
  it.each([
    ['behind NAT', behindNat(1), 'host'],
    ['sent on to a host from outside', outside, 'remote'],
    ["the gateway's own", between(LINE, '192.0.2.1'), 'host'],
    ['to the gateway', between('192.0.2.1', LINE), 'remote'],
  ] as const)('%s', (_, connection, side) => {
    expect(openedBy(connection, FACTS)).toBe(side);
    expect(addressesToAsk([connection], FACTS)).toEqual([]);
  });
  it('without NAT where the kernel would send to one of its ends by it', () => {
    expect(addressesToAsk([ipv6], FACTS)).toEqual(['2001:db8:9::1', '2001:db8:3::2']);
    const ways = (there: string, here: string): LineFacts => ({
      ...FACTS,
      deviceTo: (address) => (address === '2001:db8:9::1' ? there : here),
    });
    expect(openedBy(ipv6, ways('ppp0', 'lan'))).toBe('host');
    expect(openedBy(ipv6, ways('lan', 'ppp0'))).toBe('remote');
    expect(openedBy(ipv6, ways('eth1', 'lan'))).toBeUndefined();
    expect(openedBy(ipv6, ways('ppp0', 'ppp0'))).toBeUndefined();
  });
  it('where window pacing has seen it, whatever ways there are', () => {
    const tcp = { ...ipv6, protocol: 6 };
    const { from, to } = ipv6.opened;
    const seen: Connection = {
      ...{ localAddress: from, localPort: 4000, remoteAddress: to, remotePort: 443 },
      ...{ host: 7, isActive: true, isPaced: true },
    };
    const facts = { ...FACTS, deviceTo: () => 'eth1', remembered: byTuple([seen]) };
    expect(openedBy(tcp, facts)).toBe('host');
    expect(openedBy(ipv6, facts)).toBeUndefined();
  });
  it.each([
    ['of a host with the gateway', between('192.168.77.2', '192.168.77.1')],
    ["of a host with the line's address", between('192.168.77.2', LINE)],
    ['of the gateway with a host', between(LINE, '192.168.77.2')],
    ['of the gateway with itself', between(LINE, '127.0.0.1')],
    ["of another line's address", between('203.0.113.7', '192.0.2.1')],
  ])('but not one %s', (_, connection) => {
    expect(openedBy(connection, FACTS)).toBeUndefined();
  });
});

describe('flows', () => {
  it('are by host, other end, protocol and port; who takes most comes first', () => {
    const facts = { ...FACTS, remembered: byTuple([remembered(1025, true), remembered(1026, false)]) };
    const connections = [
      grown(outside, 100, 4000),
      grown(behindNat(1), 500, 60_000),
      grown(behindNat(2), 500, 20_000),
      grown(behindNat(2, { protocol: 17 }), 1, 2),
      grown(between('192.168.77.2', '192.168.77.1'), 1e9, 1e9),
    ];
    const nameless = (address: string) => ({ name: null, address });
    expect(flowsOf(connections, facts, 2000)).toEqual([
      {
        ...{ protocol: 'tcp', port: 443, openedBy: 'host', connections: 2, pacedConnections: 1 },
        ...{ host: nameless('192.168.77.2'), remote: nameless('192.0.2.1') },
        ...{ downBitPerSec: 320_000, upBitPerSec: 4000, downBytes: 800_000, upBytes: 10_000 },
      },
      {
        ...{ protocol: 'tcp', port: 22, openedBy: 'remote', connections: 1, pacedConnections: 0 },
        ...{ host: nameless('192.168.77.2'), remote: nameless('192.0.2.9') },
        ...{ downBitPerSec: 400, upBitPerSec: 16_000, downBytes: 1000, upBytes: 40_000 },
      },
      {
        ...{ protocol: 'udp', port: 443, openedBy: 'host', connections: 1, pacedConnections: 0 },
        ...{ host: nameless('192.168.77.2'), remote: nameless('192.0.2.1') },
        ...{ downBitPerSec: 8, upBitPerSec: 4, downBytes: 20, upBytes: 10 },
      },
    ]);
  });
  it('are not said to be unpaced where that cannot be read', () => {
    const [flow] = flowsOf([grown(behindNat(1), 1, 1)], { ...FACTS, remembered: undefined }, 1000);
    expect(flow?.pacedConnections).toBeNull();
  });
  it('take together what their connections take, however these are spread', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 1e6 }), fc.nat({ max: 1e6 })), { maxLength: 40 }),
        fc.integer({ min: 1, max: 10_000 }),
        (all, overMs) => {
          const connections = all.map(([n, up, down]) =>
            grown({ ...behindNat(n), protocol: n < 3 ? 6 : 17 }, up, down),
          );
          const flows = flowsOf(connections, FACTS, overMs);
          const sum = (of: readonly number[]): number => of.reduce((total, each) => total + each, 0);
          expect((sum(flows.map(({ downBitPerSec }) => downBitPerSec)) * overMs) / 8000).toBeCloseTo(
            sum(all.map(([, , down]) => down)),
            3,
          );
          expect(sum(flows.map((flow) => flow.connections))).toBe(all.length);
          expect(new Set(flows.map(({ protocol, port }) => `${protocol} ${port}`)).size).toBe(flows.length);
        },
      ),
    );
  });
});

it('both ends have the names that are known', () => {
  const flows = flowsOf([grown(behindNat(1), 1, 1)], FACTS, 1000);
  const figures = { ...noFlows(''), flows, reason: null };
  const names = new Map([
    ['192.168.77.2', 'laptop'],
    ['192.0.2.1', 'www.example.net'],
  ]);
  expect(withFlowNames(figures, names).flows).toMatchObject([
    { host: { name: 'laptop' }, remote: { name: 'www.example.net' } },
  ]);
  expect(withFlowNames(figures, new Map()).flows).toEqual(flows);
  expect(withFlowNames(noFlows('no perl'), names)).toEqual(noFlows('no perl'));
});

describe('what cannot be told has a reason', () => {
  const seen = { connections: 10, active: 1, uncounted: 0, unknown: 0, isAll: true };
  it('no connection, none counted, none counted yet', () => {
    expect(whyNone(seen, '1')).toBeUndefined();
    expect(whyNone({ ...seen, uncounted: 9 }, '0')).toBeUndefined();
    expect(whyNone({ ...seen, connections: 0 }, undefined)).toContain('has no connection');
    expect(whyNone({ ...seen, uncounted: 10 }, '0')).toContain('nf_conntrack_acct=1');
    expect(whyNone({ ...seen, uncounted: 10 }, '1')).toContain('older than the counting');
  });
  it('what was not looked at is said', () => {
    expect(leftOutOf(seen)).toBeNull();
    expect(leftOutOf({ ...seen, connections: 210_000, isAll: false })).toBe(
      'only the first 210,000 connections were read',
    );
    expect(leftOutOf({ ...seen, active: 5000, unknown: 70 })).toBe(
      'of 5,000 active connections the 1,024 that took most were looked at; 70 were too many to be compared',
    );
  });
});
