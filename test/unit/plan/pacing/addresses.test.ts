import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../../src/plan/pacing/accounts.ts';
import { isHidden, numberOf, parseArpTable, parseConntrack } from '../../../../src/plan/pacing/addresses.ts';

const connection = (words: Partial<Connection>): Connection => ({
  ...{ localAddress: '203.0.113.2', localPort: 40_000, remoteAddress: '198.51.100.9', remotePort: 443 },
  ...{ host: 77, isActive: true, isPaced: false, ...words },
});

describe('connection tracking', () => {
  const behindNat = parseConntrack(
    [
      'ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.1.20 dst=198.51.100.9 sport=51000 dport=443 src=198.51.100.9 dst=203.0.113.2 sport=443 dport=40000 [ASSURED] mark=0 zone=0 use=2',
      'ipv4     2 tcp      6 86 TIME_WAIT src=198.51.100.7 dst=203.0.113.2 sport=6000 dport=8080 packets=5 bytes=300 src=192.168.1.30 dst=198.51.100.7 sport=80 dport=6000 packets=4 bytes=200 [ASSURED] mark=0 use=2',
      'ipv4     2 udp      17 20 src=192.168.1.21 dst=198.51.100.9 sport=51000 dport=443 src=198.51.100.9 dst=203.0.113.2 sport=443 dport=40001 mark=0 use=2',
      'cut off src=',
    ].join('\n'),
  );
  it('tells the host of a connection that it opened', () => {
    expect(behindNat(connection({}))).toBe('192.168.1.20');
  });
  it('tells the host that a port is forwarded to', () => {
    const asked = connection({ localPort: 8080, remoteAddress: '198.51.100.7', remotePort: 6000 });
    expect(behindNat(asked)).toBe('192.168.1.30');
  });
  it('tells nothing of others', () => {
    expect(behindNat(connection({ localPort: 40_001 }))).toBeUndefined();
  });
});

it('neighbours are read from the table of ARP', () => {
  expect(
    parseArpTable(
      'IP address       HW type     Flags       HW address            Mask     Device\n' +
        '192.168.1.20     0x1         0x2         02:00:00:00:00:14     *        eth0\n' +
        '192.168.1.21     0x1         0x0         00:00:00:00:00:00     *        eth0\n',
    ),
  ).toEqual(['192.168.1.20', '192.168.1.21']);
  expect(parseArpTable('')).toEqual([]);
});

describe('connection tracking is asked', () => {
  const hidden = (...connections: Connection[]): boolean =>
    isHidden({ connections, hosts: new Map(), line: {} as never }, ['192.168.1.20']);
  it('where no neighbour has the number of somebody who is active', () => {
    expect(hidden(connection({}))).toBe(true);
  });
  it('not where they all are neighbours, silent, unknown, or seen as they are', () => {
    expect(
      hidden(
        connection({ host: numberOf('192.168.1.20') }),
        connection({ isActive: false }),
        connection({ host: undefined }),
        connection({ localAddress: '2001:db8::1' }),
      ),
    ).toBe(false);
  });
});
