import { describe, expect, it } from 'vitest';
import { hostNumber } from '../../../src/firewall/hostNumber.ts';

describe('the number of a host', () => {
  it.each([
    // What nft 1.0.6 on Linux 6.1 put into a mark: `meta mark set jhash ip saddr mod 4096 seed 0x1`.
    ['192.168.77.2', 0x5aa],
    ['10.1.2.3', 0x6b8],
    ['127.0.0.1', 0xb38],
    ['203.0.113.250', 0xbcd],
  ])('of %s is what nft makes of it', (address, number) => {
    expect(hostNumber(address, 4096)).toBe(number);
  });
  it.each(['2001:db8::1', '', '1.2.3', '1.2.3.256', 'a.b.c.d'])("'%s' has none", (address) => {
    expect(hostNumber(address, 4096)).toBeUndefined();
  });
});
