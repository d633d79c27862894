import { describe, expect, it } from 'vitest';
import { ANSWERS_OF, bucketMostMs, ipv6Text, parseAccounts } from '../../../../src/plan/pacing/accounts.ts';
import { ANSWERS_LAYOUT, FLOW_KEY_LAYOUT, TOTAL_LAYOUT } from '../../../../src/plan/pacing/pacingLayout.ts';

const hex = (bytes: number, write: (value: Buffer) => void): string => {
  const value = Buffer.alloc(bytes);
  write(value);
  return value.toString('hex');
};
const key = (version: 4 | 6, local: readonly number[], remote: readonly number[]): string =>
  hex(FLOW_KEY_LAYOUT.bytes, (value) => {
    const { at } = FLOW_KEY_LAYOUT;
    value.set(local, at.local);
    value.set(remote, at.remote);
    value.writeUInt16BE(40_000, at.local_port);
    value.writeUInt16BE(443, at.remote_port);
    value.writeUInt32LE(version, at.version);
  });
const total = (received: bigint, sent: bigint): string =>
  hex(TOTAL_LAYOUT.bytes, (value) => {
    value.writeBigUInt64LE(received, TOTAL_LAYOUT.at.received);
    value.writeBigUInt64LE(sent, TOTAL_LAYOUT.at.sent);
  });
const answers = (us: bigint, bucket: number, count: number): string =>
  hex(ANSWERS_LAYOUT.bytes, (value) => {
    value.writeBigUInt64LE(us, ANSWERS_LAYOUT.at.us);
    value.writeUInt32LE(count, ANSWERS_LAYOUT.at.counts + 4 * bucket);
  });

describe('what the program knows of hosts', () => {
  const { hosts, connections, line } = parseAccounts(
    [
      `f ${key(4, [203, 0, 113, 2], [198, 51, 100, 9])} ${2 + 77} 5 1234`,
      `f ${key(6, [0x20, 1, 0xd, 0xb8, 0, 3], [0x20, 1, 0xd, 0xb8])} 0 4 0`,
      `a ${2 + 77} ${answers(60_000n, 3, 2)}`,
      `a ${ANSWERS_OF.uploads} ${answers(9_000_000n, 57, 1)}`,
      `t ${2 + 77} ${total(5_000_000_000n, 12n)}`,
      `t ${2 + 5} ${total(0n, 1n)}`,
    ],
    (epoch) => epoch === 5,
  );
  it('is told by number', () => {
    expect([...hosts.keys()]).toEqual([77, 5]);
    expect(hosts.get(77)).toMatchObject({ receivedBytes: 5e9, sentBytes: 12, answers: { sumUs: 60_000 } });
    expect(hosts.get(77)?.answers.counts[3]).toBe(2);
    expect(hosts.get(5)?.answers.counts).toEqual([]);
  });
  it('has connections as they are on the line', () => {
    expect(connections).toEqual([
      {
        ...{ localAddress: '203.0.113.2', localPort: 40_000, remoteAddress: '198.51.100.9', remotePort: 443 },
        ...{ host: 77, isActive: true, isPaced: true },
      },
      {
        ...{ localAddress: '2001:db8:3::', localPort: 40_000, remoteAddress: '2001:db8::', remotePort: 443 },
        ...{ host: undefined, isActive: false, isPaced: false },
      },
    ]);
  });
  it('has the answers of the whole line', () => {
    expect(line.uploads.counts[57]).toBe(1);
    expect(line.downloads.counts).toEqual([]);
  });
});

it.each([
  [0, 0.512],
  [1, 0.64],
  [4, 1.024],
  [6, 1.536],
  [56, 8388.608],
  [57, Infinity],
])('bucket %i ends at %f ms', (bucket, ms) => {
  expect(bucketMostMs(bucket)).toBeCloseTo(ms);
});

it('addresses of IPv6 are written as everybody writes them', () => {
  expect(ipv6Text(Buffer.from('fe80000000000000021122fffe334455', 'hex'))).toBe('fe80::211:22ff:fe33:4455');
});
