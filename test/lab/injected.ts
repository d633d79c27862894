/**
 * A TCP connection between the gateway and the other side of the line whose sender does what no sender may: segments
 * are put into it from outside, with whatever sequence numbers.
 */
import type { Guest } from './guest.ts';
import { SERVER } from './line.ts';

const PORT = 5202;
const WHERE = '/run/connection';

/**
 * The sender: some data, then word of where the connection is. The number of the next byte comes by TCP_REPAIR (19; the
 * queue that is asked about is 20, its sequence number 21), whose end (-1) sends nothing.
 */
const SERVE = `use Socket; my ($port, $where) = @ARGV;
  socket(my $l, PF_INET, SOCK_STREAM, 6) or die $!; setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($l, pack_sockaddr_in($port, INADDR_ANY)) or die $!; listen($l, 1); my $peer = accept(my $s, $l) or die $!;
  syswrite($s, 'x' x 20000); sleep 3;
  setsockopt($s, 6, 19, pack('i', 1)) or die $!;
  my @next = map { setsockopt($s, 6, 20, pack('i', $_)) or die $!; unpack('I', getsockopt($s, 6, 21)) } 2, 1;
  setsockopt($s, 6, 19, pack('i', -1)) or die $!;
  my ($peerPort, $address) = unpack_sockaddr_in($peer);
  open(my $f, '>', "$where.new"); print $f join(' ', @next, inet_ntoa($address), $peerPort); close $f;
  rename "$where.new", $where; sleep 3600;`;

const READ = `use Socket; my ($port, $host) = @ARGV; socket(my $s, PF_INET, SOCK_STREAM, 6) or die $!;
  connect($s, pack_sockaddr_in($port, inet_aton($host))) or die $!; 1 while sysread($s, my $data, 4096);`;

/** Without checksums: who reads the stream refuses them. The stages come before. */
const INJECT = `use Socket;
  my ($source, $port, $address, $peerPort, $ack, $at, $step, $size, $count) = @ARGV;
  socket(my $raw, PF_INET, SOCK_RAW, 255) or die $!;
  for my $n (0 .. $count - 1) {
    my $tcp = pack('nnNNnnnn', $port, $peerPort, ($at + $n * $step) & 0xffffffff, $ack, 0x5018, 1000, 0, 0);
    my $head = pack('CCnnnCCna4a4', 0x45, 0, 40 + $size, 0, 0x4000, 64, 6, 0, inet_aton($source), inet_aton($address));
    defined send($raw, $head . $tcp . ('x' x $size), 0, pack_sockaddr_in(0, inet_aton($address))) or die $!;
    select(undef, undef, undef, 0.007);
  }`;

export interface Injection {
  /** Of the first segment, in bytes after the last one that was sent in the connection. */
  offsetBytes: number;
  /** From one segment to the next. */
  stepBytes: number;
  sizeBytes: number;
  count: number;
}

export interface Connection {
  /** Sends segments of the sender's, 7 ms apart. */
  inject(injection: Injection): Promise<void>;
  close(): Promise<void>;
}

/** Opens it from the gateway; 20 kB have come when it is there. */
export async function connection(guest: Guest): Promise<Connection> {
  await guest.run(['rm', '-f', WHERE]);
  const spawn = (ns: string, script: string, ...words: string[]) =>
    guest.request('spawn', { argv: ['perl', '-e', script, String(PORT), ...words], ns });
  const server = await spawn('isp', SERVE, WHERE);
  await guest.request('sleep', { ms: 500 });
  const reader = await spawn('gw', READ, SERVER.ipv4);
  await guest.request('sleep', { ms: 6000 });
  const [next = '', ack = '', address = '', port = ''] = (await guest.run(['cat', WHERE])).split(' ');
  return {
    async inject({ offsetBytes, stepBytes, sizeBytes, count }) {
      const words = [Number(next) + offsetBytes, stepBytes, sizeBytes, count].map(String);
      const argv = ['perl', '-e', INJECT, SERVER.ipv4, String(PORT), address, port, ack, ...words] as const;
      await guest.run([...argv], { ns: 'isp' });
      await guest.request('sleep', { ms: 2000 });
    },
    async close() {
      for (const { job } of [reader, server]) await guest.request('stop', { job });
    },
  };
}
