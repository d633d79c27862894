/**
 * Keeps the processor from idling while something of the host is read, so that the clock does not jump over the time
 * that the host takes: the kernel tells each request over 9p and each response (its tracepoints), and in between a loop at idle
 * priority runs. Spinning for a time (spinner.ts) costs what it takes, and ends while a busy host is still reading.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** In perl, which every Debian has and which starts in a few milliseconds. Requests are told apart by their tags. */
const WATCH = `
  $| = 1;
  my $folder = '/run/lab-tracing';
  mkdir $folder;
  system('mount', '-t', 'tracefs', 'tracefs', $folder) == 0 or die 'no tracefs';
  my $own = "$folder/instances/lab";
  mkdir $own or die "no instance: $!";
  for my $event ('req', 'res') {
    open my $enable, '>', "$own/events/9p/9p_client_$event/enable" or die "no events of 9p: $!";
    print $enable 1;
    close $enable or die "events of 9p: $!";
  }
  my $loop = fork;
  exec 'chrt', '--idle', '0', 'sh', '-c', 'while :; do :; done' unless $loop;
  kill 'STOP', $loop;
  open my $events, '<', "$own/trace_pipe" or die "no pipe: $!";
  print "ready\\n";
  my (%under_way, $spinning);
  while (sysread $events, my $text, 65536) {
    while ($text =~ /9p_client_(req|res):.*? tag +(\\d+)/g) {
      if ($1 eq 'req') { $under_way{$2} = 1 } else { delete $under_way{$2} }
    }
    my $wanted = scalar keys %under_way > 0;
    next if $wanted == $spinning;
    kill $wanted ? 'CONT' : 'STOP', $loop;
    $spinning = $wanted;
  }`;

/** Returns when it watches; the reason on the console where this kernel cannot tell. */
export async function watchHostReads(): Promise<void> {
  const child = spawn('perl', ['-e', WATCH], { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
}
