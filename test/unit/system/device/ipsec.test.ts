/** What `ip xfrm state` says: written down with iproute2 6.1 and 6.15. */
import { expect, it } from 'vitest';
import { endsWithoutDevice } from '../../../../src/system/device/ipsec.ts';

const association = (from: string, to: string, words = '', mode = 'tunnel', proto = 'esp'): string =>
  `src ${from} dst ${to}
\tproto ${proto} spi 0x00001001 reqid 1 mode ${mode}
\treplay-window 32 flag af-unspec
${words}\taead rfc4106(gcm(aes)) <<Keys hidden>> 128
\tanti-replay context: seq 0x0, oseq 0x5, bitmap 0x00000000
`;
const OWN = ['198.51.100.2', '2001:db8:0:1::2'];
const [HERE, THERE] = ['198.51.100.2', '198.51.100.1'];

it.each([
  ['none', '', 0],
  ['one each way, of which one ends here', association(HERE, THERE) + association(THERE, HERE), 1],
  ['of IPv6', association('2001:db8:0:1::1', '2001:db8:0:1::2'), 1],
  ['AH', association(THERE, HERE, '', 'tunnel', 'ah'), 1],
  ['behind NAT', association(THERE, HERE, '\tencap type espinudp sport 4500 dport 4500 addr 0.0.0.0\n'), 1],
  ['of another device of this machine', association(THERE, '192.0.2.9'), 0],
  ['transport mode, which comes in once', association(THERE, HERE, '', 'transport'), 0],
  ['with a device of the kind xfrm', association(THERE, HERE, '\tif_id 0x2a\n'), 0],
  ['with a device of the kind vti', association(THERE, HERE, '\tmark 0x2a/0xffffffff\n'), 0],
  ['what is put into a mark afterwards', association(THERE, HERE, '\toutput-mark 0x2a/0xffffffff\n'), 1],
])('%s', (_, said, ends) => {
  expect(endsWithoutDevice(said, OWN)).toBe(ends);
});
