import { describe, expect, it } from 'vitest';
import { NO_ANSWERS, type Accounts, type Connection } from '../../../../src/plan/pacing/accounts.ts';
import { numberOf, type KnownAddresses } from '../../../../src/plan/pacing/addresses.ts';
import { hostLines, hostStatistics } from '../../../../src/report/statistics/hosts.ts';

const OWN = '203.0.113.2';
const counts = (receivedBytes: number, sentBytes = 0) => ({ receivedBytes, sentBytes, answers: NO_ANSWERS });
const flow = (host: number, localAddress: string, isActive = true): Connection => ({
  ...{ localAddress, localPort: 40_000, remoteAddress: '198.51.100.9', remotePort: 443 },
  ...{ host, isActive, isPaced: false },
});
const known = (words: Partial<KnownAddresses> = {}): KnownAddresses => ({
  ...{ ipv4: [], own: new Set([OWN]), behindNat: () => undefined },
  ...words,
});
const accounts = (hosts: [number, ReturnType<typeof counts>][], connections: Connection[]): Accounts => ({
  hosts: new Map(hosts),
  connections,
  line: { downloads: NO_ANSWERS, uploads: NO_ANSWERS, handshakes: NO_ANSWERS },
});

describe('hosts', () => {
  it('come in the order of what they took, with their connections', () => {
    const [one, other] = hostStatistics(
      accounts(
        [
          [1, counts(10, 5)],
          [2, counts(1, 500)],
        ],
        [flow(1, OWN), flow(1, OWN, false), flow(2, OWN)],
      ),
      known(),
    );
    expect(one).toMatchObject({ number: 2, receivedBytes: 1, sentBytes: 500, flows: 1, activeFlows: 1 });
    expect(other).toMatchObject({ number: 1, flows: 2, activeFlows: 1 });
  });
  it('behind NAT have the address of the neighbour whose number they have', () => {
    const number = numberOf('192.168.1.20') ?? 0;
    const all = accounts([[number, counts(1)]], [flow(number, OWN)]);
    expect(hostStatistics(all, known({ ipv4: [OWN, '192.168.1.20'] }))[0]?.addresses).toEqual([
      '192.168.1.20',
    ]);
  });
  it('have the address that connection tracking tells, or none where nothing does', () => {
    const all = accounts([[3, counts(1)]], [flow(3, OWN)]);
    expect(hostStatistics(all, known({ behindNat: () => '10.0.0.9' }))[0]?.addresses).toEqual(['10.0.0.9']);
    expect(hostStatistics(all, known())[0]?.addresses).toEqual([]);
  });
  it('have all of their addresses that are seen on the line', () => {
    const all = accounts(
      [[4, counts(1)]],
      [flow(4, '2001:db8::2'), flow(4, '2001:db8::1'), flow(4, '2001:db8::2')],
    );
    expect(hostStatistics(all, known())[0]?.addresses).toEqual(['2001:db8::1', '2001:db8::2']);
  });
  it('are a table of ten', () => {
    const many = Array.from({ length: 12 }, (_, n): [number, ReturnType<typeof counts>] => [
      n,
      counts(12 - n),
    ]);
    const [table = '', rest] = hostLines(hostStatistics(accounts(many, [flow(0, '192.0.2.1')]), known()));
    expect(table.split('\n').slice(0, 3)).toMatchInlineSnapshot(`
      [
        "host       received  sent  connections  active  answer p50  p95",
        "192.0.2.1      12 B   0 B            1       1           -    -",
        "host 1         11 B   0 B            0       0           -    -",
      ]
    `);
    expect(rest).toBe('and 2 more: --json has them');
  });
});
