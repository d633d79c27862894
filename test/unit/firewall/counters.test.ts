import { describe, expect, it } from 'vitest';
import { parseIptablesCounters, parseNftCounters, sumCounters } from '../../../src/firewall/counters.ts';

/** As nft 1.0.6 and iptables-save -c 1.8.9 print it. */
const NFT = `table inet inetgw_ppp0 {
	chain egress {
		type filter hook postrouting priority -149; policy accept;
		oifname != "ppp0" return
		meta l4proto { icmp, ipv6-icmp } counter packets 12 bytes 1008 meta priority set 1:10 return comment "icmp"
		udp sport 53 counter packets 3 bytes 300 meta priority set 1:10 return comment "dns-udp"
		udp dport 53 counter packets 4294967296 bytes 4398046511104 meta priority set 1:10 return comment "dns-udp"
	}
}
`;
const SAVED = `*mangle
:inetgw-out-ppp0 - [0:0]
[5:300] -A POSTROUTING -o ppp0 -j inetgw-out-ppp0
[12:1008] -A inetgw-out-ppp0 -p icmp -m comment --comment icmp -g inetgw-10-ppp0
[1:60] -A inetgw-out-ppp0 -p tcp -m comment --comment "tcp-syn" -g inetgw-10-ppp0
[2:80] -A inetgw-out-ppp0 -p tcp -m comment --comment "tcp-syn" -g inetgw-10-ppp0
[7:70] -A inetgw-in-ppp0 -m mark --mark 0x14 -m comment --comment mark-done -j MARK --set-xmark 0x0/0xffffffff
[9:90] -A inetgw-out-ppp01 -p icmp -m comment --comment icmp -g inetgw-10-ppp01
[9:90] -A OTHER -p icmp -m comment --comment icmp -j ACCEPT
COMMIT
`;

describe('counters of the rules', () => {
  it('of nft: by name, a rule of several lines summed up, beyond 32 bits', () => {
    expect(Object.fromEntries(parseNftCounters(NFT))).toEqual({
      icmp: { packets: 12, bytes: 1008 },
      'dns-udp': { packets: 2 ** 32 + 3, bytes: 4_398_046_511_404 },
    });
  });
  it("of iptables: those in the device's own chains, and no other device's or administrator's", () => {
    expect(Object.fromEntries(parseIptablesCounters(SAVED, 'ppp0'))).toEqual({
      icmp: { packets: 12, bytes: 1008 },
      'tcp-syn': { packets: 3, bytes: 140 },
      'mark-done': { packets: 7, bytes: 70 },
    });
  });
  it('of IPv4 and IPv6 are added up', () => {
    const reading = parseIptablesCounters(SAVED, 'ppp0');
    const other = new Map([['only-ipv6', { packets: 1, bytes: 40 }]]);
    const sum = sumCounters([reading, reading, other]);
    expect(sum.get('icmp')).toEqual({ packets: 24, bytes: 2016 });
    expect(sum.get('only-ipv6')).toEqual({ packets: 1, bytes: 40 });
    expect(reading.get('icmp')).toEqual({ packets: 12, bytes: 1008 });
  });
});
