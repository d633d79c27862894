/**
 * Options of listening sockets that Node has no call for; each connection they accept inherits them. A perl(1) of its own
 * sets them on descriptors that it is given: Debian's perl-base is on every machine (Essential), and with Node's own module
 * for it there would be a compiler, or a binary per architecture.
 */
import { type Runner, run } from './run.ts';

export interface ListenerOptions {
  /**
   * What the kernel takes from a sender before the window closes, in bytes, as a beginning: it grows where the round trip
   * needs more. Undefined is the kernel's own.
   */
  readonly receiveBytes: number | undefined;
  /** The largest segment for either side. Undefined is the kernel's own, on loopback 64 KiB. */
  readonly segmentBytes: number | undefined;
}

/** Without an option of ours. */
export const KERNELS_OWN: ListenerOptions = { receiveBytes: undefined, segmentBytes: undefined };

/** Longer than any perl takes to start on a machine that still answers. */
const LONGEST_MS = 5000;

/**
 * SO_RCVBUF locks the buffer, so that it never grows, and SO_BUF_LOCK (Linux 5.15) unlocks it again; where a kernel has none, or
 * the administrator has locked it (ReceiveBuffer= of a socket unit), the buffer is left alone. With the clamp the window is
 * told in bytes: window scaling would round a small one to nothing. Urgent data stays where it is among the other bytes.
 */
const SCRIPT = `
use Socket qw(SOL_SOCKET SO_RCVBUF SO_OOBINLINE IPPROTO_TCP);
my ($receive, $clamp, $segment, @descriptors) = @ARGV;
my ($buf_lock, $maxseg, $window_clamp) = (72, 2, 10);
for my $descriptor (@descriptors) {
  open(my $socket, '+<&=', $descriptor) or die "descriptor $descriptor: $!";
  my $set = sub { setsockopt($socket, $_[0], $_[1], pack('i', $_[2])) or die "option $_[1]: $!" };
  $set->(SOL_SOCKET, SO_OOBINLINE, 1);
  $set->(IPPROTO_TCP, $maxseg, $segment);
  my $locked = getsockopt($socket, SOL_SOCKET, $buf_lock);
  next if !defined $locked || (unpack('i', $locked) & 2);
  $set->(SOL_SOCKET, SO_RCVBUF, $receive);
  $set->(SOL_SOCKET, $buf_lock, 0);
  $set->(IPPROTO_TCP, $window_clamp, $clamp);
}`;

/** What is told without window scaling. */
const CLAMP_BYTES = 65_535;
/** More than any window: no clamp. */
const NO_CLAMP_BYTES = 0x4000_0000;

/**
 * Sets the options on these descriptors of this process, all of them on each. `kernelsBytes` is what `receiveBytes` is without
 * one (half of the default of tcp_rmem, since the kernel doubles what it is told). Throws `UserError` where perl is missing,
 * `ProgramError` where an option is refused.
 */
export async function setListenerOptions(
  descriptors: readonly number[],
  { receiveBytes, segmentBytes }: ListenerOptions,
  kernelsBytes: number,
  runner: Runner = run,
): Promise<void> {
  if (descriptors.length === 0) return;
  const given = descriptors.map((_, index) => String(FIRST_DESCRIPTOR + index));
  const clamp = receiveBytes === undefined ? NO_CLAMP_BYTES : CLAMP_BYTES;
  const values = [receiveBytes ?? kernelsBytes, clamp, segmentBytes ?? 0].map(String);
  await runner(['perl', '-e', SCRIPT, ...values, ...given], { timeoutMs: LONGEST_MS, descriptors });
}

/** Behind standard input, output and error. */
const FIRST_DESCRIPTOR = 3;
