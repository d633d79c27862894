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

system_packages() {
  missing=
  while read -r wanted package; do
    case $wanted in '' | '#'*) continue ;; esac
    command -v "$wanted" >/dev/null 2>&1 && continue
    case " $missing " in *" $package "*) ;; *) missing="${missing:+$missing }$package" ;; esac
  done <scripts/packages.txt
  # The lab's kernel is downloaded by `apt-get download`, which needs apt's lists; images often come without.
  lists_needed=
  ls .lab/kernel/*/vmlinux >/dev/null 2>&1 || apt-cache show linux-image-amd64 >/dev/null 2>&1 || lists_needed=1
  [ -n "$missing$lists_needed" ] || return 0
  if [ -n "$missing" ]; then
    set -- "missing system packages: $missing" \
      "install them with: apt-get update && apt-get install --no-install-recommends $missing"
  else
    set -- "apt does not know Debian's package linux-image-amd64; try: apt-get update"
  fi
  command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get here' "$@"
  [ "$(id -u)" = 0 ] || give_up 'only root can install packages' "$@"
  [ -z "$missing" ] || echo "setup: installing $missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  # What a package starts for good must not keep the lock.
  apt-get -o DPkg::Lock::Timeout=600 update -q >&2 9>&- || give_up 'apt-get update failed' "$@"
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # a list of package names
  apt-get -o DPkg::Lock::Timeout=600 install -q -y --no-install-recommends $missing >&2 9>&- ||
    give_up 'apt-get install failed' "$@"
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
