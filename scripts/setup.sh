#!/bin/sh
# Makes a checkout ready, and is the only place that does: every script of package.json begins with it and names
# what it needs; without a name it is all. Says and does nothing where nothing is missing.
#
#   npm     the npm packages of package-lock.json
#   system  with apt the system packages of scripts/packages.txt, and apt's lists for the lab's kernel
#   build   dist/ as the sources in this checkout make it
#
# Exit code 5: something is missing that this script could not install; it is named together with the command that
# installs it. None of the system packages changes the host's network: iperf3 asks whether to start a server and is
# answered no (the default), nftables' service comes disabled, the others have none.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[ $# -gt 0 ] || set -- npm system build

give_up() {
  for line; do echo "setup: $line" >&2; done
  exit 5
}

# One at a time in one checkout; the next one finds all done. Without flock it is the user who sees to that.
if command -v flock >/dev/null 2>&1; then
  mkdir -p .lab
  exec 9>.lab/setup.lock
  flock 9
fi

npm_packages() {
  command -v npm >/dev/null 2>&1 || give_up 'npm is missing: it comes with Node, version 20 or newer'
  node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
    give_up "Node $(node --version) is too old: version 20 or newer is needed"
  if node scripts/installed.mjs; then return; fi
  echo 'setup: installing the npm packages' >&2
  # Whatever the npm around this was told: `npm publish --dry-run` and `npm pack --json` come here as well.
  npm ci --include=dev --dry-run=false --global=false --json=false --ignore-scripts=false \
    --no-audit --no-fund --loglevel=error >&2
}

# Shows what apt-get prints only where it fails.
apt_get() {
  printed=$(mktemp)
  # What a package starts for good must not keep the lock.
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q "$@" >"$printed" 2>&1 9>&- && code=0 || code=$?
  [ "$code" = 0 ] || cat "$printed" >&2
  rm -f "$printed"
  return "$code"
}

apt_knows() {
  # A name that only others depend on is known to apt without being there.
  apt-cache show "$1" 2>/dev/null | grep -q '^Package: '
}

# Of each `one|other` the first name that apt knows here, else the first of all: a package has another name elsewhere.
known_names() {
  for names; do
    chosen=${names%%|*}
    for name in $(echo "$names" | tr '|' ' '); do
      if apt_knows "$name"; then
        chosen=$name
        break
      fi
    done
    echo "$chosen"
  done
}

# Debian's name of this machine's architecture.
architecture() {
  name=$(dpkg --print-architecture 2>/dev/null || uname -m)
  case $name in
  amd64 | x86_64) echo amd64 ;;
  arm64 | aarch64) echo arm64 ;;
  *) give_up "the lab's guests run on amd64 and arm64; this machine is $name" ;;
  esac
}

system_packages() {
  here=$(architecture)
  kernel=linux-image-$here
  missing=
  while read -r wanted package only; do
    case $wanted in '' | '#'*) continue ;; esac
    case $only in '' | "$here") ;; *) continue ;; esac
    command -v "$wanted" >/dev/null 2>&1 && continue
    case " $missing " in *" $package "*) ;; *) missing="${missing:+$missing }$package" ;; esac
  done <scripts/packages.txt
  # The lab's kernel is downloaded by `apt-get download`, which needs apt's lists; images often come without.
  lists_needed=
  ls .lab/kernel/*/vmlinux >/dev/null 2>&1 || apt_knows "$kernel" || lists_needed=1
  [ -n "$missing$lists_needed" ] || return 0
  alternatives=$missing
  missing=$(echo "$alternatives" | sed 's/|[^ ]*//g')
  if [ -n "$missing" ]; then
    set -- "missing system packages: $missing" \
      "install them with: apt-get update && apt-get install --no-install-recommends $missing"
  else
    set -- "apt does not know Debian's package $kernel; try: apt-get update"
  fi
  command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get here' "$@"
  [ "$(id -u)" = 0 ] || give_up 'only root can install packages' "$@"
  [ -z "$missing" ] || echo "setup: installing $missing" >&2
  apt_get update || give_up 'apt-get update failed' "$@"
  if [ -n "$lists_needed" ] && ! apt_knows "$kernel"; then
    system=$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME-}")
    give_up "apt does not know Debian's package $kernel here, on ${system:-an unknown system}" \
      "the lab boots Debian's kernel: run this on Debian 12 or newer, in a container for example (docs/lab.md, Limits)"
  fi
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2046,SC2086 # lists of package names
  apt_get install -y --no-install-recommends $(known_names $alternatives) || give_up 'apt-get install failed' "$@"
}

for need; do
  case $need in
  npm) npm_packages ;;
  system) system_packages ;;
  build)
    npm_packages
    node scripts/build.mjs --if-changed >&2
    ;;
  *)
    echo "setup: unknown need $need: npm, system or build" >&2
    exit 2
    ;;
  esac
done
