# inetgw: completion for fish. Generated from the command's own definition (npm run generate).
# How many words stand before the one being typed, and the last of them; options do not count.
function __inetgw_place
  set -l count 0; set -l last; set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1; set skip 0; continue; end
    if contains -- $word --up --down --framing --linklayer --overhead --mpu --down-min --down-max --up-min --up-max --mark --large-packet --large-download --large-download-ports --interactive-ports --interactive-dscp --interactive-hosts --bulk-ports --bulk-dscp --bulk-hosts --large-upload --tunnel-ports --firewall --ingress --pacing --fair --config --format --output --per-host --names --record --listen --reports --token-file --change-token-file --socket-group --root; set skip 1; continue; end
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
complete -c inetgw -f
complete -c inetgw -n '__inetgw_place count 0' -f -a 'apply check clear completion config heal install-hook metrics report rules serve status uninstall watch (command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after apply' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after check' -F -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after completion' -f -a 'bash zsh fish'
complete -c inetgw -n '__inetgw_place after bash' -f -a 'inetgw searchbw iprelay'
complete -c inetgw -n '__inetgw_place after zsh' -f -a 'inetgw searchbw iprelay'
complete -c inetgw -n '__inetgw_place after fish' -f -a 'inetgw searchbw iprelay'
complete -c inetgw -n '__inetgw_place after config' -f -a 'check example'
complete -c inetgw -n '__inetgw_place after heal' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after install-hook' -f -a 'ppp networkmanager ifupdown systemd heal'
complete -c inetgw -n '__inetgw_place after ppp' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after networkmanager' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after ifupdown' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after systemd' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after metrics' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after report' -f
complete -c inetgw -n '__inetgw_place after rules' -f -a 'egress ingress'
complete -c inetgw -n '__inetgw_place after egress' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after ingress' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after serve' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place after watch' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place first clear' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place first status' -f -a '(command ls /sys/class/net 2>/dev/null)'
complete -c inetgw -n '__inetgw_place first uninstall' -f
complete -c inetgw -n '__inetgw_place other apply check completion bash zsh fish config heal install-hook ppp networkmanager ifupdown systemd metrics report rules egress ingress serve watch clear status uninstall' -f -a 'clear'
complete -c inetgw -l up -x -d 'UP by name; with --down, in any order'
complete -c inetgw -l down -x -d 'DOWN by name'
complete -c inetgw -l framing -x -a '(__fish_append , dsl adsl atm vdsl ptm pppoe fiber fibre ftth cable lte 5g mobile raw conservative ipoa-vcmux ipoa-llcsnap bridged-vcmux bridged-llcsnap pppoa-vcmux pppoa-llc pppoe-vcmux pppoe-llcsnap pppoe-ptm bridged-ptm docsis ethernet ether-vlan wireguard wireguard6 openvpn openvpn6 ipsec ipsec6 ipsec-udp ipsec-udp6 gre gre6 gretap gretap6 vxlan vxlan6 geneve geneve6 l2tp l2tp6 ipip sit 6rd ip6tnl ds-lite)' -d 'what the line, and tunnels on it, add to a packet, by name'
complete -c inetgw -l linklayer -x -a 'atm ptm ethernet' -d 'the same by its parts: atm, ptm or ethernet'
complete -c inetgw -l overhead -x -d 'bytes that the line adds to an IP packet'
complete -c inetgw -l mpu -x -d 'the shortest frame on the line in bytes'
complete -c inetgw -l down-min -x -d 'DOWN is let fall to this where the line carries less'
complete -c inetgw -l down-max -x -d 'DOWN is let rise to this where the line carries more'
complete -c inetgw -l up-min -x -d 'the same of UP'
complete -c inetgw -l up-max -x -d 'the same of UP'
complete -c inetgw -l mark -x -d 'firewall mark of packets above 98 % (20)'
complete -c inetgw -l large-packet -x -d 'packets from this length are dropped above 99 % (1024)'
complete -c inetgw -l large-downloads -d 'drop marked packets of large downloads, whatever the file says'
complete -c inetgw -l no-large-downloads -d 'leave the large-download rule out'
complete -c inetgw -l large-download -x -d 'a download is large above this size (10mb)'
complete -c inetgw -l large-download-ports -x -d 'server ports of downloads (80,443,8080,8443,20,21,989,990,udp/443)'
complete -c inetgw -l interactive-ports -x -d 'ports whose traffic must not wait, such as udp/5060'
complete -c inetgw -l interactive-dscp -x -d 'DSCP values that must not wait (ef,va,cs4,cs5,cs6,cs7)'
complete -c inetgw -l interactive-hosts -x -d 'addresses and networks whose traffic must not wait'
complete -c inetgw -l bulk-ports -x -d 'ports whose traffic may always wait (25,465,587)'
complete -c inetgw -l bulk-dscp -x -d 'DSCP values that may always wait (cs1,le)'
complete -c inetgw -l bulk-hosts -x -d 'addresses and networks whose traffic may always wait'
complete -c inetgw -l large-upload -x -d 'an upload is bulk above this size (10mb)'
complete -c inetgw -l tunnel-ports -x -d 'ports of tunnels, which are no large uploads (1194, udp/1194, udp/4500, udp/51820, udp/1701, udp/4789, udp/6081)'
complete -c inetgw -l firewall -x -a 'auto nft iptables none' -d 'what carries the rules: auto, nft, iptables or none (auto)'
complete -c inetgw -l ingress -x -a 'auto police shape shape-cake shape-htb' -d 'drop what comes in too fast, or queue it on an ifb: auto, police, shape, shape-cake or shape-htb (auto)'
complete -c inetgw -l pacing -x -a 'auto bpf off' -d 'window pacing of downloads by TCP: auto, bpf or off (auto)'
complete -c inetgw -l fair -x -a 'host flow' -d 'who shares the line: each host, or each flow: host or flow (host)'
complete -c inetgw -l config -r -F -d 'the configuration file (/etc/inetgw.conf)'
complete -c inetgw -l replace -d 'replace queues that somebody else has set'
complete -c inetgw -s y -l yes -d 'do not ask about rates that are hardly meant'
complete -c inetgw -l check -d 'of inetgw apply: tell whether it would change anything'
complete -c inetgw -l format -x -a 'sh iptables-restore ip6tables-restore nft' -d 'of inetgw rules: sh, iptables-restore, ip6tables-restore or nft (sh)'
complete -c inetgw -l once -d 'of inetgw watch: print one screen and end'
complete -c inetgw -l output -r -F -d 'of inetgw metrics: replace this file as a whole'
complete -c inetgw -l per-host -x -d 'of inetgw metrics and serve --listen: series of the N hosts that took most'
complete -c inetgw -l names -r -F -d 'of inetgw watch, metrics and serve --listen: names of hosts, from a lease or hosts file'
complete -c inetgw -l resolve -d 'of inetgw watch and serve --listen: names of hosts by reverse look-up'
complete -c inetgw -l no-ping -d 'of inetgw watch and serve: send no pings to the next hop'
complete -c inetgw -l record -r -F -d 'of inetgw serve: write what is seen and decided, line by line'
complete -c inetgw -l listen -x -d 'of inetgw serve: a page and an API there: unix:PATH, 127.0.0.1:PORT'
complete -c inetgw -l reports -r -F -d 'of inetgw serve --listen: results that searchbw has saved there'
complete -c inetgw -l token-file -r -F -d 'of inetgw serve --listen: what is in it has to come with a request'
complete -c inetgw -l change-token-file -r -F -d 'of inetgw serve --listen: with what is in it, rates can be changed, paused and cleared there'
complete -c inetgw -l socket-group -x -d 'of inetgw serve --listen unix:PATH: the socket'\''s group (root)'
complete -c inetgw -l all -d 'of inetgw clear: every device, in every network namespace'
complete -c inetgw -l remove -d 'of inetgw install-hook: take the files away again'
complete -c inetgw -l root -r -F -d 'of inetgw install-hook: write below this folder (/)'
complete -c inetgw -l purge -d 'of inetgw uninstall: take configuration and logs as well'
complete -c inetgw -s n -l dry-run -d 'tell what would be run or written, change nothing'
complete -c inetgw -l json -d 'print the result as JSON'
complete -c inetgw -s q -l quiet -d 'print errors only'
complete -c inetgw -s v -l verbose -d 'tell every program that is run'
complete -c inetgw -l no-color -d 'no colour, even on a terminal'
complete -c inetgw -s V -l version -d 'print the version'
complete -c inetgw -s h -l help -d 'show this help'
