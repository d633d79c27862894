/**
 * One TCP or MPTCP transfer from the provider's host to one in the LAN, seen on both sides of the gateway: each
 * segment that the receiver sent beside what became of it on the line.
 */
import type { Guest } from './guest.ts';
import { SERVER } from './line.ts';

/** Protocol numbers for socket(2); node cannot open an MPTCP socket, perl (part of every Debian) can. */
const PROTOCOL = { tcp: 6, mptcp: 262 } as const;

export interface Transfer {
  protocol: keyof typeof PROTOCOL;
  bytes: number;
  /** The receiver reads so much, then nothing for so long, then the rest. */
  pause?: { afterBytes: number; seconds: number };
}

/** A segment as tcpdump tells it: flags, numbers, options and length in `text`, and its window. */
export interface Segment {
  text: string;
  window: number;
}

export interface TransferResult {
  receivedBytes: number;
  /** From the first byte to the last. */
  seconds: number;
  /** What left the receiver, and the same on the provider's side of the line, in order. */
  sent: Segment[];
  arrived: Segment[];
}

const PORT = 5201;

const SERVE = `use Socket; my ($protocol, $port, $bytes) = @ARGV;
  socket(my $l, PF_INET, SOCK_STREAM, $protocol) or die $!; setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($l, pack_sockaddr_in($port, INADDR_ANY)) or die $!; listen($l, 1); accept(my $s, $l) or die $!;
  while ($bytes > 0) { my $n = syswrite($s, "x" x ($bytes < 10000 ? $bytes : 10000)) or die $!; $bytes -= $n }
  shutdown($s, 1); sysread($s, my $rest, 1);`;

const RECEIVE = `use Socket; use Time::HiRes 'time'; my ($protocol, $port, $host, $most, $pause) = @ARGV;
  socket(my $s, PF_INET, SOCK_STREAM, $protocol) or die $!; my $n = 0; my $from; my $till;
  setsockopt($s, SOL_SOCKET, SO_RCVBUF, 32768) if $pause;
  connect($s, pack_sockaddr_in($port, inet_aton($host))) or die $!;
  while (my $got = sysread($s, my $data, 4096)) {
    $till = time; $from //= $till; $n += $got;
    if ($pause && $n > $most) { sleep $pause; $pause = 0 }
  }
  print join ' ', $n, $till - $from;`;

/** Needs a line with a LAN without NAT, so that addresses are the same on both sides. */
export async function transfer(guest: Guest, options: Transfer): Promise<TransferResult> {
  const filter = `tcp and port ${PORT} and src net 192.168.77.0/24`;
  const capture = (ns: string, device: string) =>
    guest.request('spawn', {
      argv: ['tcpdump', '-Z', 'root', '-i', device, '-nntSl', '-s', '200', filter],
      ns,
    });
  const captures = [await capture('lan', 'eth0'), await capture('isp', 'ppp0')];
  const words = [String(PROTOCOL[options.protocol]), String(PORT)];
  const serve = ['perl', '-e', SERVE, ...words, String(options.bytes)] as [string, ...string[]];
  const server = await guest.request('spawn', { argv: serve, ns: 'isp' });
  await guest.request('sleep', { ms: 1500 });
  const { afterBytes = 0, seconds = 0 } = options.pause ?? {};
  const receive = [...words, SERVER.ipv4, String(afterBytes), String(seconds)];
  const printed = await guest.run(['perl', '-e', RECEIVE, ...receive], { ns: 'lan', timeoutMs: 120_000 });
  await guest.request('stop', { job: server.job });
  await guest.request('sleep', { ms: 1000 });
  const [sent = '', arrived = ''] = await Promise.all(
    captures.map(async ({ job }) => (await guest.request('stop', { job, signal: 'SIGINT' })).stdout),
  );
  const [receivedBytes = 0, elapsed = 0] = printed.split(' ').map(Number);
  return { receivedBytes, seconds: elapsed, sent: segmentsOf(sent), arrived: segmentsOf(arrived) };
}

/** In the order of each connection; queues may change that between connections. */
function segmentsOf(printed: string): Segment[] {
  const segments = printed.split('\n').flatMap((line): Segment[] => {
    const window = / win (\d+)/.exec(line)?.[1];
    return window === undefined ? [] : [{ text: line.replace(/ win \d+/, ''), window: Number(window) }];
  });
  const connection = ({ text }: Segment): string => text.slice(0, text.indexOf(':'));
  return segments.sort((one, other) => connection(one).localeCompare(connection(other)));
}

/** The counters of MPTCP in a namespace, as the kernel calls them. */
export async function mptcpCounters(guest: Guest, ns: string): Promise<Record<string, number>> {
  const printed = await guest.run(['grep', '^MPTcpExt:', '/proc/net/netstat'], { ns });
  const [names = [], values = []] = printed.split('\n').map((line) => line.split(' ').slice(1));
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index])]));
}
