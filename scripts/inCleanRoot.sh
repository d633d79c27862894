#!/bin/sh
# Run by testPackages.ts inside a clean Debian root, in network, mount and process namespaces of its own:
# installs, uses, upgrades, removes and purges the package as an administrator does. Says what it has seen.
# Arguments: the packages of Node, of the first and of the second version.
# shellcheck disable=SC2015 # `seen` cannot fail: a && seen || fail is if-then-else here
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
node_deb=$1 first=$2 second=$3

seen() { echo "ok - $1"; }
fail() { echo "not ok - $1"; exit 1; }
files() { find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/lib/dpkg \
  -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune -o -print | sort; }
quietly() { "$@" >/tmp/said 2>&1 || { cat /tmp/said; fail "$*"; }; }

ip link set lo up
if apt-get install -y --no-install-recommends "$first" >/tmp/said 2>&1; then fail 'installed without Node 20'; fi
grep -qF 'nodejs (>= 20)' /tmp/said && seen 'without Node 20 apt refuses, and names nodejs' || fail 'without Node 20 apt refuses, and names nodejs'
quietly apt-get install -y --no-install-recommends "$node_deb"
files >/tmp/before

quietly apt-get install -y --no-install-recommends "$first"
[ "$(dpkg-query -W -f '${db:Status-Abbrev}' inetgw)" = 'ii ' ] && seen 'apt installs it' || fail 'apt installs it'
[ "$(dpkg-query -W -f '${Conffiles}' inetgw | grep -c /etc/inetgw.conf)" = 1 ] && seen '/etc/inetgw.conf is a conffile' || fail '/etc/inetgw.conf is a conffile'
quietly dpkg --verify inetgw && seen 'what is installed is what was packed' || fail 'what is installed is what was packed'
for command in inetgw searchbw iprelay; do quietly "$command" --version; quietly "$command" --help; done
seen 'all commands run'
for page in inetgw searchbw iprelay inetgw.conf; do quietly man -w "$page"; done
seen 'all manual pages are found'
quietly inetgw config check && seen 'the configuration as installed is right' || fail 'the configuration as installed is right'
env -i /usr/bin/inetgw lo 210 1710 --dry-run | grep -q 'skbedit mark 20' && seen 'inetgw plans without any environment' || fail 'inetgw plans without any environment'
# shellcheck disable=SC1091,SC2034 # it is there in the clean root, and reads DEV
if (DEV=lo; . /usr/share/inetgw/iptables-egress) 2>/tmp/said; then fail 'sourced without iptables'; fi
seen 'a snippet says so where there is no iptables'
mkdir -p /etc/ppp/ip-up.d /etc/ppp/ip-down.d
inetgw install-hook ppp ppp0 210 1710 --quiet
# shellcheck disable=SC2016 # $dev is the hook's
grep -q '^  /usr/bin/node /usr/bin/inetgw "$dev" 210 1710 --quiet$' /etc/ppp/ip-up.d/inetgw-ppp0 && seen 'a hook calls the installed program' || fail 'a hook calls the installed program'
inetgw install-hook ppp ppp0 --remove --quiet
rmdir /etc/ppp/ip-up.d /etc/ppp/ip-down.d /etc/ppp

# What a shaper leaves behind, as far as any kernel can carry it: a record and firewall rules.
mkdir -p /run/inetgw && echo '{}' >/run/inetgw/lo.json && nft add table inet inetgw_lo
echo '# mine' >>/etc/inetgw.conf
quietly apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold "$second"
[ "$(dpkg-query -W -f '${Version}' inetgw)" != "$(dpkg-deb -f "$first" Version)" ] && seen 'apt upgrades it' || fail 'apt upgrades it'
grep -q '^# mine$' /etc/inetgw.conf && seen 'an upgrade keeps the edited configuration' || fail 'an upgrade keeps the edited configuration'
[ -e /run/inetgw/lo.json ] && nft list table inet inetgw_lo >/dev/null && seen 'an upgrade leaves the shaper in force' || fail 'an upgrade leaves the shaper in force'

quietly apt-get remove -y inetgw
[ ! -e /run/inetgw ] && [ -z "$(nft list tables)" ] && seen 'removal clears the shaper' || fail 'removal clears the shaper'
[ -e /etc/inetgw.conf ] && [ ! -e /usr/bin/inetgw ] && seen 'removal keeps the configuration' || fail 'removal keeps the configuration'
quietly apt-get purge -y inetgw
files >/tmp/after
cmp -s /tmp/before /tmp/after || { diff /tmp/before /tmp/after; fail 'something is left after a purge'; }
seen 'nothing is left after a purge'
