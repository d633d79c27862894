# searchbw: completion for fish. Generated from the command's own definition (npm run generate).
# How many words stand before the one being typed, and the last of them; options do not count.
function __searchbw_place
  set -l count 0; set -l last; set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1; set skip 0; continue; end
    if contains -- $word --up --down --ping-host --towards --max-rtt --max-loss --ping-interval --settle --load --load-up --streams --framing --linklayer --overhead --mpu --pacing --report --save; set skip 1; continue; end
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
complete -c searchbw -f
complete -c searchbw -n '__searchbw_place count 0' -f -a 'show (command ls /sys/class/net 2>/dev/null)'
complete -c searchbw -n '__searchbw_place after show' -F
complete -c searchbw -n '__searchbw_place other show' -f -a 'DOWN UP AUTO'
complete -c searchbw -l up -x -d 'OTHER by name, for DOWN'
complete -c searchbw -l down -x -d 'OTHER by name, for UP'
complete -c searchbw -l auto -d 'find the value without an interval'
complete -c searchbw -l ping-host -x -d 'the host to ping; otherwise the PPP peer or the first router that answers'
complete -c searchbw -l towards -x -d 'look for that router on the way to this host (default 1.1.1.1, 8.8.8.8)'
complete -c searchbw -l max-rtt -x -d 'acceptable average answer time (default 100)'
complete -c searchbw -l max-loss -x -d 'acceptable loss of pings (default 2)'
complete -c searchbw -l ping-interval -x -d 'time between pings (default 200 to 1000, so that a line takes 5 s)'
complete -c searchbw -l settle -x -d 'wait at most so long for the queue to settle (default 25s)'
complete -c searchbw -l load -x -d 'download this while measuring DOWN; repeatable'
complete -c searchbw -l load-up -x -d 'upload to this while measuring UP; repeatable'
complete -c searchbw -l streams -x -d 'parallel transfers per URL (default 4)'
complete -c searchbw -l framing -x -a '(__fish_append , dsl adsl atm vdsl ptm pppoe fiber fibre ftth cable lte 5g mobile raw conservative ipoa-vcmux ipoa-llcsnap bridged-vcmux bridged-llcsnap pppoa-vcmux pppoa-llc pppoe-vcmux pppoe-llcsnap pppoe-ptm bridged-ptm docsis ethernet ether-vlan wireguard wireguard6 openvpn openvpn6 ipsec ipsec6 ipsec-udp ipsec-udp6 gre gre6 gretap gretap6 vxlan vxlan6 geneve geneve6 l2tp l2tp6 ipip sit 6rd ip6tnl ds-lite)' -d 'framing of the line, as for inetgw: vdsl, docsis, …'
complete -c searchbw -l linklayer -x -a 'atm ptm ethernet' -d 'atm, ptm or ethernet, as for inetgw'
complete -c searchbw -l overhead -x -d 'bytes per packet, as for inetgw'
complete -c searchbw -l mpu -x -d 'the shortest frame, as for inetgw'
complete -c searchbw -l pacing -x -a 'auto off' -d 'auto: also measure what is found with window pacing; off: use none'
complete -c searchbw -l json -d 'the result as JSON on standard output'
complete -c searchbw -l csv -d 'one CSV line per measurement on standard output'
complete -c searchbw -l report -r -F -d 'write a page with curves and all samples (HTML)'
complete -c searchbw -l save -r -F -d 'write the result (JSON), for searchbw show'
complete -c searchbw -l log -d 'logarithmic answer time in the terminal plot'
complete -c searchbw -l no-plot -d 'no plot in the terminal'
complete -c searchbw -l no-color -d 'no colour (also NO_COLOR and TERM=dumb)'
complete -c searchbw -s q -l quiet -d 'no progress on standard error'
complete -c searchbw -s y -l yes -d 'do not ask before a run of more than 30 minutes'
complete -c searchbw -s V -l version -d 'print the version'
complete -c searchbw -s h -l help -d 'print this help'
