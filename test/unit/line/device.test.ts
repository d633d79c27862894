import { describe, expect, it } from 'vitest';
import { readAddresses } from '../../../src/line/device.ts';
import { wellKnownAddresses } from '../../../src/line/ping/pingHost.ts';

const addresses = (stdout: string) =>
  readAddresses('eth0', () => Promise.resolve({ code: 0, stdout, stderr: '' }));

describe('the addresses of a device', () => {
  it('tell the peer and where to look for a ping host, by what `ip -o address` prints', async () => {
    const ppp = await addresses(
      '5: ppp0    inet 10.0.0.2 peer 10.0.0.1/32 scope global ppp0\\       valid_lft forever preferred_lft forever\n' +
        '5: ppp0    inet6 fe80::a peer fe80::b/128 scope link nodad \\       valid_lft forever preferred_lft forever\n',
    );
    expect(ppp).toEqual({ peer: '10.0.0.1', families: new Set(['ipv4']) });
    expect(wellKnownAddresses(ppp.families)).toEqual(['1.1.1.1', '8.8.8.8']);
    const only6 = await addresses(
      '2: eth0    inet6 2001:db8::2/64 scope global dynamic noprefixroute \\       valid_lft 86400sec preferred_lft 14400sec\n' +
        '2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever\n',
    );
    expect(only6).toEqual({ peer: null, families: new Set(['ipv6']) });
    expect(wellKnownAddresses(only6.families)).toEqual(['2606:4700:4700::1111', '2001:4860:4860::8888']);
    const none = await addresses('');
    expect(none).toEqual({ peer: null, families: new Set() });
    expect(wellKnownAddresses(none.families)).toHaveLength(4);
  });
});
