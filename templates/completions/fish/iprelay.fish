# iprelay: completion for fish. Generated from the command's own definition (npm run generate).
# How many words stand before the one being typed, and the last of them; options do not count.
function __iprelay_place
  set -l count 0; set -l last; set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1; set skip 0; continue; end
    if contains -- $word -b --up --down --times --share --share-name --allow -c --config --name --pid-file --log --log-format --metrics --api --api-token --populate --set; set skip 1; continue; end
    if string match -q -- '-*' $word; continue; end
    set count (math $count + 1); set last $word
  end
  switch "$argv[1]"
    case count; test $count = $argv[2]
    case after; test "$last" = $argv[2]
    case first; test $count = 1; and test "$last" = $argv[2]
    case other; test $count = 1; and not contains -- "$last" $argv[2..-1]
  end
end
complete -c iprelay -f
complete -c iprelay -n '__iprelay_place count 0' -f -a 'attach ctl list reload status stop'
complete -c iprelay -n '__iprelay_place other ' -f
complete -c iprelay -s d -d 'run as a daemon in the background'
complete -c iprelay -s f -l foreground -d 'serve in the foreground without a prompt (for systemd)'
complete -c iprelay -s b -x -d 'limit in bytes per second for each direction'
complete -c iprelay -l up -x -d 'another limit from client to server'
complete -c iprelay -l down -x -d 'another limit from server to client'
complete -c iprelay -l times -x -d 'another limit at times: "mon-fri 18:00-23:00 500k" (may be repeated)'
complete -c iprelay -l share -x -d 'share the limit with relays elsewhere: redis://host'
complete -c iprelay -l share-name -x -d 'which limit is shared (default: default)'
complete -c iprelay -l allow -x -d 'only clients of this network (may be repeated)'
complete -c iprelay -s c -l config -r -F -d 'configuration file (TOML); SIGHUP reads it again'
complete -c iprelay -l name -x -d 'name for attach and ctl (default: the first local port)'
complete -c iprelay -l pid-file -r -F -d 'write the process number there'
complete -c iprelay -l log -r -F -d 'none, stderr, syslog, journal or a file'
complete -c iprelay -l log-format -x -a 'readable json' -d 'readable or json'
complete -c iprelay -l metrics -x -d 'Prometheus metrics on this address'
complete -c iprelay -l api -x -d 'HTTP API for toxiproxy'\''s client libraries'
complete -c iprelay -l api-token -r -F -d 'its token, needed where others can ask'
complete -c iprelay -l populate -r -F -d 'proxies of the API, in toxiproxy'\''s JSON'
complete -c iprelay -l set -x -d 'set a variable (may be repeated)'
complete -c iprelay -l bind-retry -d 'try a port that is not free again every 5 s, 20 times'
complete -c iprelay -s V -l version -d 'print the version'
complete -c iprelay -s h -l help -d 'print this help'
