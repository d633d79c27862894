#!/bin/sh
# Makes a checkout ready for `npm test` and `npm run demo`: npm packages, and with apt the system packages of
# scripts/packages.txt. Says and does nothing where nothing is missing. Exit code 5: something is missing that
# this script could not install; it is named together with the command that installs it.
#
# None of these packages changes the host's network: iperf3 asks whether to start a server and is answered no
# (the default), nftables' service comes disabled, the others have none.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if [ ! -e node_modules/.package-lock.json ] ||
  [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  echo 'setup: installing the npm packages' >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

missing=
while read -r wanted package; do
  case $wanted in '' | '#'*) continue ;; esac
  command -v "$wanted" >/dev/null 2>&1 && continue
  case " $missing " in *" $package "*) ;; *) missing="${missing:+$missing }$package" ;; esac
done <scripts/packages.txt

# The lab's kernel is downloaded by `apt-get download`, which needs apt's lists; images often come without.
ls .lab/kernel/*/vmlinux >/dev/null 2>&1 || apt-cache show linux-image-amd64 >/dev/null 2>&1 || lists_needed=1
[ -n "$missing${lists_needed:-}" ] || exit 0

give_up() {
  echo "setup: $1" >&2
  if [ -n "$missing" ]; then
    echo "setup: missing system packages: $missing" >&2
    echo "setup: install them with: apt-get update && apt-get install --no-install-recommends $missing" >&2
  else
    echo "setup: apt does not know Debian's package linux-image-amd64; try: apt-get update" >&2
  fi
  exit 5
}
command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get here'
[ "$(id -u)" = 0 ] || give_up 'only root can install packages'
[ -z "$missing" ] || echo "setup: installing $missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2 || give_up 'apt-get update failed'
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086 # a list of package names
apt-get install -q -y --no-install-recommends $missing >&2 || give_up 'apt-get install failed'
