import { expect, test } from 'vitest';
import { roundTripIn } from '../../../../src/line/ping/pingStream.ts';

test.each([
  ['64 bytes from 192.0.2.1: icmp_seq=7 ttl=64 time=12.3 ms', 12.3],
  ['64 bytes from 2001:db8::1: icmp_seq=1 ttl=64 time=0.041 ms', 0.041],
  ['64 bytes from 192.0.2.1: icmp_seq=7 ttl=64 time=1012 ms', 1012],
  ['64 bytes from 192.0.2.1: icmp_seq=7 ttl=64 time=12.3 ms (DUP!)', undefined],
  ['PING 192.0.2.1 (192.0.2.1) from 192.0.2.2 ppp0: 56(84) bytes of data.', undefined],
  ['From 192.0.2.9 icmp_seq=3 Destination Host Unreachable', undefined],
  ['', undefined],
])('%s', (line, roundTripMs) => {
  expect(roundTripIn(line)).toBe(roundTripMs);
});
