/** An uplink of a fortieth of the downlink: acknowledgements are thinned out where they wait, and nothing that they say is lost. */
import { beforeAll, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgwOk } from './inetgw.ts';
import { LAN_HOST, SERVER, setUpLine } from './line.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, measure, uploads } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest, {
    ...{ upBitPerSec: 256e3, downBitPerSec: 10_240e3, pathMs: 20 },
    ...{ upBufferMs: 1000, downBufferMs: 500, lan: { nat: false } },
  });
  await inetgwOk(guest, 'ppp0', '250', '9984');
});

/** Before, the first was 5420 kbit/s in 45 ms, the second 4676 in 68. */
test.each([
  { flows: '4 downloads', ups: 0, leastKbit: 7900, mostMs: 40 },
  { flows: '4 downloads and an upload', ups: 1, leastKbit: 7600, mostMs: 50 },
])('$flows have the downlink', async ({ ups, leastKbit, mostMs }) => {
  const flows = [downloads(4, { client: 'lan' }), ...(ups > 0 ? [uploads(ups, { client: 'lan' })] : [])];
  // An upload's data counts when its holes are filled: on 50 kbit/s that takes seconds.
  const { ping, downBitPerSec, upBitPerSec } = await measure(guest, { flows, pingNs: 'lan', pings: 150 });
  expect(downBitPerSec / 1000).toBeGreaterThanOrEqual(leastKbit);
  expect(summarise(ping.timesMs).mean).toBeLessThanOrEqual(mostMs);
  if (ups > 0) expect(upBitPerSec / 1000).toBeGreaterThanOrEqual(20);
});

/** From the LAN, all at once: a hundred acknowledgements, each of two segments more, and then what says something of its own. */
const SEND = `use Socket; socket(my $raw, PF_INET, SOCK_RAW, 255) or die $!;
  my ($from, $to) = map { inet_aton($_) } @ARGV; my $n = 0;
  sub sum { my $s = 0; $s += $_ for unpack('n*', $_[0]); $s = ($s & 0xffff) + ($s >> 16) while $s >> 16; ~$s & 0xffff }
  sub ack { my ($ack, $flags, $window, $options) = @_;
    my $tcp = pack('nnNNCCnnn', 40000, 5201, 1, $ack, (20 + length $options) << 2, $flags, $window, 0, 0) . $options;
    substr($tcp, 16, 2) = pack('n', sum($from . $to . pack('nn', 6, length $tcp) . $tcp));
    my $head = pack('CCnnnCCna4a4', 0x45, 0, 20 + length $tcp, $n++, 0x4000, 64, 6, 0, $from, $to);
    defined send($raw, $head . $tcp, 0, pack_sockaddr_in(0, $to)) or die $! }
  ack(1000 + 2880 * $_, 0x10, 500, '') for 1 .. 100;
  ack(289000, 0x10, 500, '') for 1 .. 3;
  ack(289000, 0x10, 500, pack('CCCCNN', 1, 1, 5, 10, 300000, 301440));
  ack(289000, 0x10, 900, '');
  ack(289000, 0x50, 900, '');
  ack(289000, 0x11, 900, '');`;

test('of acknowledgements that wait the last is kept, and each that says something of its own', async () => {
  const capture = await guest.request('spawn', {
    argv: ['tcpdump', '-Z', 'root', '-i', 'ppp0', '-nntSl', 'tcp and src port 40000'],
    ns: 'isp',
  });
  await guest.request('sleep', { ms: 1000 });
  await guest.run(['perl', '-e', SEND, LAN_HOST.ipv4, SERVER.ipv4], { ns: 'lan' });
  await guest.request('sleep', { ms: 3000 });
  const { stdout } = await guest.request('stop', { job: capture.job, signal: 'SIGINT' });
  const arrived = stdout.split('\n').filter((line) => line.includes(' ack '));
  const plain = arrived.filter((line) => /Flags \[\.\].* win 500, length 0/.test(line));
  // Sixteen are a full packet, which the class may send at once.
  expect(plain.length).toBeLessThan(40);
  // Of four, one says less than the one with SACK behind it.
  expect(plain.filter((line) => line.includes(' ack 289000,')).length).toBeGreaterThanOrEqual(3);
  for (const own of [/sack 1 \{300000:301440\}/, /\[\.\].* win 900/, /\[\.E\]/, /\[F\.\]/])
    expect(arrived.join('\n')).toMatch(own);
});
