import type { HelpTopic } from '../settings/grammar.ts';

/** The answers to `?`. */
export const HELP: Readonly<Record<HelpTopic, string>> = {
  top: `Commands (their beginning is enough):
  ?, help     this list
  show        show variables, forwarders, statistics: show ?
  set         set variables, forwarders, limits, faults: set ?
  kill        close connections: kill ?
  watch       a live table of connections and rates; any key ends it
  exit, quit  leave`,
  show: `show all           all variables and forwarders
show stats         the limit, and for each connection its bytes and rates
show forwarders    forwarders with their limits
show times         times of day with other limits, what is in force, and until when
show faults        faults of each forwarder
show share         who shares the limit (--share), and how much each has
show version       the version
show <variable>    one variable
With --json at the end the answer is JSON.
"in" is from the server to the client, "out" from the client to the server.`,
  set: `set <variable> <value>                   see: show all
set forwarder <N> <lport>:<host>:<rport>  see: set forwarder ?
set group <name> <limits>                 see: set group ?
set times <days> <from>-<to> <limits>     see: set times ?
set fault <N|all> ...                     see: set fault ?
bandwidth is in bytes per second for each direction (a full-duplex line), 0 is off;
bandwidth_up (client to server) and bandwidth_down (server to client) replace it for one direction.`,
  kill: `kill CONNnnnnnn    close one connection
kill all           close all connections`,
  forwarder: `set forwarder <N> [<address>:]<lport>:<host>:<rport> [limits]   set forwarder number N
set forwarder <N> <limits>                                      change its limits
set forwarder <N>                                               delete it; its connections stay
ports are numbers, services (8080:host:http) or ranges (8000-8010:host:9000); local port 0 is any that is free
limits, in bytes per second, 0 for none, below the limit of the whole process:
  bandwidth n, up n, down n             for all connections of the forwarder together
  conn_bandwidth n, conn_up n, conn_down n   for each single connection
  group name                            below the limit of a group too (off: of none), see: set group ?
  accept_proxy on                       its clients begin with a PROXY header (v1 or v2) that names the client
  send_proxy v1|v2                      its server is told of the client by one
for instance: set forwarder 1 8080:www.somewhere.net:80 bandwidth 1024`,
  group: `set group <name> bandwidth n|up n|down n   a limit that forwarders have in common, in bytes per second, 0 for none
set group <name>                           delete it; its forwarders are in no group then
a forwarder is put in it with: set forwarder <N> group <name>
for instance: set group web bandwidth 100k`,
  times: `set times <time>; <time> ...                  other limits of the process at times of the week, in place of those there were
set times forwarder <N>|group <name> <time>; ...  the same of a forwarder or a group
set times [forwarder <N>|group <name>] off        take them away
a time is days, hours or both, and limits in bytes per second that hold instead, 0 for none:
  mon-fri 18:00-23:00 500k              up to the minute before 23:00; a rate alone is bandwidth
  sat,sun up 100k down 1mb              whole days
  22:00-06:00 0                         every day, over midnight; it has the days on which it begins
limits: bandwidth, up, down, conn_bandwidth, conn_up, conn_down (a group: the first three; the process: client_bandwidth too)
of several times the first that holds decides; hours are those of this machine's time zone, see: show times`,
  fault: `set fault <N|all> [up|down|both] <fault> <value> ...   set faults of a forwarder
set fault <N|all> [up|down|both] off                   take them away
faults (off takes one away):
  latency 200ms     every byte comes so much later
  jitter 50ms       the latency varies by so much, order is kept
  stall 2s/10s      nothing passes for 2 s in every 10 s; stall hold until it is set off
  reset 100kb       both sides are reset after so many bytes in this direction
  slow_close 3s     the end of the stream comes so much later
  schedule <file>   bandwidth over time, one 'SECONDS BYTES_PER_SECOND' per line`,
};
