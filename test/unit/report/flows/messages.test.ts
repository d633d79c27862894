/** What the kernel tells of connections: a recorded answer, and any others. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  connectionOf,
  ConnectionMessages,
  countedOf,
  type TrackedConnection,
  type Tuple,
} from '../../../../src/report/flows/messages.ts';
import { ipv6Text } from '../../../../src/plan/pacing/accounts.ts';
import { behindNat, done, failed, messageOf, netlink } from './someConnections.ts';

/**
 * Of Linux 6.18, as `readConnections` gets it: on a gateway with masquerading, a ping, a packet of UDP, a download by IPv6 and one by
 * IPv4 of a host behind it, and a connection from outside that is sent on to that host.
 */
const RECORDED = readFileSync(new URL('../../../fixtures/conntrack/gateway.bin', import.meta.url));

function told(chunks: readonly Buffer[], isLittle = true): { messages: Buffer[]; end: unknown } {
  const found: Buffer[] = [];
  const messages = new ConnectionMessages(isLittle, (message) => {
    found.push(Buffer.from(message));
  });
  for (const chunk of chunks) messages.take(chunk);
  return { messages: found, end: messages.end };
}

describe('a recorded answer', () => {
  const { messages, end } = told([RECORDED]);
  it('has all connections, as they were opened and as they are answered', () => {
    expect(end).toBe('whole');
    const [host, server, line] = ['192.168.77.2', '198.51.100.1', '198.51.100.2'];
    const [host6, server6] = ['2001:db8:3::2', '2001:db8:0:1::1'];
    const tuple = (from: string, to: string, fromPort: number | null, toPort: number | null): Tuple => ({
      ...{ from, to, fromPort, toPort },
    });
    expect(messages.map((each) => connectionOf(each, true))).toEqual([
      { protocol: 1, opened: tuple(host, server, null, null), answered: tuple(server, line, null, null) },
      { protocol: 17, opened: tuple(host, server, 49520, 5000), answered: tuple(server, line, 5000, 49520) },
      {
        protocol: 6,
        opened: tuple(host6, server6, 35106, 443),
        answered: tuple(server6, host6, 443, 35106),
      },
      { protocol: 6, opened: tuple(host, server, 40792, 443), answered: tuple(server, line, 443, 40792) },
      { protocol: 6, opened: tuple(server, line, 54584, 2222), answered: tuple(host, server, 22, 54584) },
    ]);
  });
  it('has what they carried, as /proc/net/nf_conntrack said at the same time', () => {
    const counted = messages.map((each) => countedOf(each, true));
    expect(counted.map(({ openedBytes, answeredBytes }) => [openedBytes, answeredBytes])).toEqual([
      ...[[84, 84] as const, [928, 0] as const, [2088, 501_232] as const],
      ...[[1736, 500_840] as const, [164, 3112] as const],
    ]);
    expect(new Set(counted.map(({ key }) => key)).size).toBe(5);
    expect(counted.every(({ isOffloaded }) => !isOffloaded)).toBe(true);
  });
  it('is the same however a pipe cuts it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: RECORDED.length })), (cuts) => {
        const places = [0, ...cuts.toSorted((one, other) => one - other), RECORDED.length];
        const chunks = places.slice(1).map((to, n) => RECORDED.subarray(places[n], to));
        const cut = told(chunks);
        expect([Buffer.concat(cut.messages).equals(Buffer.concat(messages)), cut.end]).toEqual([true, end]);
      }),
    );
  });
  it('is not whole while its end is missing', () => {
    expect(told([RECORDED.subarray(0, -1)]).end).toBe('open');
  });
});

const address = fc.oneof(
  fc.ipV4(),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipv6Text(bytes)),
);
const port = fc.integer({ min: 0, max: 65_535 });
const tuple = fc.record({ from: address, fromPort: port, toPort: port }).chain((one) => {
  const isSame = (other: string): boolean => other.includes(':') === one.from.includes(':');
  return address.filter(isSame).map((to): Tuple => ({ ...one, to }));
});

it('any connection is read as it was written, in either order of bytes', () => {
  fc.assert(
    fc.property(
      fc.record({ protocol: fc.constantFrom(6, 17, 132), opened: tuple, answered: tuple }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.maxSafeNat(),
      fc.maxSafeNat(),
      fc.boolean(),
      (connection: TrackedConnection, id, openedBytes, answeredBytes, isLittle) => {
        const message = messageOf({ connection, id, openedBytes, answeredBytes }, isLittle);
        const { messages, end } = told([message, done(isLittle)], isLittle);
        expect([messages.length, end]).toEqual([1, 'whole']);
        const [read = Buffer.alloc(0)] = messages;
        expect(connectionOf(read, isLittle)).toEqual(connection);
        expect(countedOf(read, isLittle)).toMatchObject({ openedBytes, answeredBytes, isOffloaded: false });
      },
    ),
  );
});

it('a connection keeps its key, and others of the same number of the kernel have other keys', () => {
  const key = (n: number, bytes: number): number =>
    countedOf(messageOf({ connection: behindNat(n), id: 7, openedBytes: bytes, answeredBytes: 0 }), true).key;
  expect(key(1, 1)).toBe(key(1, 999));
  expect(key(1, 1)).not.toBe(key(2, 1));
});

it('what has no ports has none, and what is not counted is not zero', () => {
  const icmp = behindNat(1, { protocol: 1 });
  const message = messageOf({ connection: icmp, id: 1 });
  expect(connectionOf(message, true)?.answered).toMatchObject({ fromPort: null, toPort: null });
  expect(countedOf(message, true)).toMatchObject({ openedBytes: undefined, answeredBytes: undefined });
});

it('an error of the kernel is its end', () => {
  expect(told([failed(22)]).end).toBe(22);
  expect(told([netlink(3, Buffer.from([0xff, 0xff, 0xff, 0xff]))]).end).toBe(1);
});

it('nothing is read of rubbish, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, isLittle) => {
      const body = Buffer.from(bytes);
      for (const message of [body, netlink(0x100, body, isLittle)]) {
        for (const each of told([message, message], isLittle).messages) {
          connectionOf(each, isLittle);
          countedOf(each, isLittle);
        }
      }
    }),
  );
});
