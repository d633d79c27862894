/**
 * The Debian package under a running systemd, on a real ppp0: its units are enabled, used, kept by an upgrade, stopped
 * and disabled when it is removed; a purge leaves nothing.
 */
import { join } from 'node:path';
import { setUpLine } from '../../test/lab/line.ts';
import { redial, Systemd } from '../../test/lab/systemd.ts';
import type { CellContext } from './cells.ts';

/** Shell functions and settings that the steps share. */
const PRELUDE = `set -eu
  quietly() { said=$("$@" 2>&1) || say "$said"; }
  say() { echo "$*" >&2; exit 1; }
  units() { systemctl list-units --all --no-legend --plain 'inetgw*' 'iprelay*'; }
  unit_files() { systemctl list-unit-files --no-legend 'inetgw*' 'iprelay*' | tr -s ' '; }
  links() { find /etc/systemd/system -type l '(' -name 'inetgw@*' -o -name 'iprelay@*' ')'; }
  shaped() { tc qdisc show dev "$1" | grep -q 'htb 1:'; }
  through() {
    text=$(node -e "require('net').connect($1, '127.0.0.1').on('error', (e) => console.log(e.message)).pipe(process.stdout)")
    [ "$text" = through ] || say "port $1 gives '$text'"
  }
  is() { [ "$1" = "$2" ] || say "is '$1', not '$2'"; }
`;

/** What a purge has to leave as it was. */
const FILES = `find / -xdev '(' -path /tmp -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log ')' -prune \
  -o -printf '%p %y %m %u %l\\n' | sort`;

const STARTED = 'systemctl is-active -q inetgw@ppp0 && tc qdisc show dev ppp0 | grep -q "htb 1:"';

/** Step by step; a step that fails names itself. */
export async function units(context: Omit<CellContext, 'system'>): Promise<string> {
  const { guest, packages, ownNode } = context;
  await setUpLine(guest);
  // Nothing forbids to start and stop services on a system that runs.
  await guest.run(['rm', '-f', '/usr/sbin/policy-rc.d']);
  // Where the suite's Node is too old, the package is told that its dependency is met.
  if (!ownNode) await guest.run(['ln', '-sf', '/usr/local/bin/node', '/usr/bin/node']);
  const install = ownNode ? 'dpkg -i' : 'dpkg --force-depends -i';
  const systemd = await Systemd.start(guest);
  await redial(guest);
  const step = async (what: string, script: string): Promise<string> =>
    systemd.run(`${PRELUDE}${script}`).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`${what}: ${/ended with \d+: [^]*$/.exec(text)?.[0] ?? text}`);
    });
  try {
    const before = new Set((await step('listing', FILES)).split('\n'));
    await step('installing', `quietly ${install} ${join(packages.folder, packages.deb)}; ${FRESH}`);
    await step('enabling', ENABLE);
    await systemd.eventually(STARTED, 'inetgw@ppp0.service');
    await step('using', USE);
    await step('a unit of install-hook', HOOK);
    await step('changes by the page', CHANGES);
    await step(
      'upgrading',
      `next() { quietly ${install} ${join(packages.folder, packages.nextDeb)}; }; ${UPGRADE}`,
    );
    await step('removing', REMOVE);
    await step('purging', PURGE);
    const after = await step('listing', FILES);
    const left = after.split('\n').filter((line) => !before.has(line));
    if (left.length > 0) throw new Error(`a purge leaves ${left.join(', ')}`);
  } finally {
    await systemd.stop();
  }
  return 'enabled, upgraded, removed, purged';
}

/** Healing watches from the start; nothing else is in use. */
const FRESH = `
  is "$(unit_files | cut -d ' ' -f 1,2 | tr '\\n' ' ')" 'inetgw-heal.path enabled inetgw-heal.service static inetgw.service disabled inetgw@.service disabled iprelay@.service disabled iprelay@.socket disabled '
  systemctl is-active -q inetgw-heal.path || say 'healing does not watch'
  is "$(units | grep -v '^inetgw-heal\\.' || true)$(links)" ''`;

const ENABLE = `
  systemd-run --quiet --unit=server node -e "require('net').createServer((s) => s.end('through')).listen(9000, '127.0.0.1')"
  printf '[ppp0]\\nup = 215\\ndown = 1715\\n' >/etc/inetgw.conf
  printf '[forwarder.1]\\nproxy = "127.0.0.1:8001:127.0.0.1:9000"\\n' >/etc/inetgw/iprelay-web.toml
  printf '[forwarder.1]\\nproxy = "127.0.0.1:8080:127.0.0.1:9000"\\n' >/etc/inetgw/iprelay-sock.toml
  inetgw install-hook ppp ppp0 215 1715 --quiet
  systemctl enable --now inetgw@ppp0.service iprelay@web.service iprelay@sock.socket`;

/** The relay of the socket starts with the first client. */
const USE = `
  ! systemctl is-active -q iprelay@sock.service || say 'the relay of the socket runs before anybody asks'
  through 8080; systemctl is-active -q iprelay@sock.service
  through 8001
  systemctl reload inetgw@ppp0.service; shaped ppp0
  systemctl reload iprelay@web.service; through 8001
  systemctl stop iprelay@web.service; systemctl start iprelay@web.service; through 8001
  is "$(links | wc -l)" 3`;

/** Another device, with a unit of its own; taken back, it leaves no link and no shaper. */
const HOOK = `
  ip link add d0 type dummy && ip link set d0 up
  inetgw install-hook systemd d0 10mbit 50mbit --quiet
  systemctl daemon-reload && systemctl enable --now inetgw@d0.service && shaped d0
  is "$(links | wc -l)" 4
  inetgw install-hook systemd d0 --remove --quiet
  ! shaped d0 || say 'd0 is still shaped'
  is "$(links | wc -l)" 3
  is "$(units | grep -c inetgw@d0 || true)" 0
  ip link delete d0`;

/** By the service with its hardening, as its drop-in starts it; it and what it has made are gone after that. */
const CHANGES = `
  dropin=/etc/systemd/system/inetgw.service.d
  echo a-token-for-changes >/etc/inetgw.change-token; chmod 600 /etc/inetgw.change-token
  mkdir $dropin; cp /usr/share/inetgw/systemd/inetgw-listen.conf $dropin/listen.conf
  sed -i 's|^ExecStart=/.*|& --change-token-file /etc/inetgw.change-token|' $dropin/listen.conf
  systemctl daemon-reload
  systemctl start inetgw.service || say "$(journalctl -b -u inetgw.service --no-pager --quiet)"
  ask() {
    node -e "const r = require('http').request({ socketPath: '/run/inetgw/http.sock', method: 'POST', path: '/api/v1/devices/ppp0/$1',
      headers: { 'content-type': 'application/json', 'x-inetgw-token': 'a-token-for-changes' } },
      (a) => { console.log(a.statusCode); a.pipe(process.stdout); }); r.end('$2')"
  }
  asked() { said=$(ask "$1" "$2"); case $said in 200*) ;; *) say "$1: $said; $(journalctl -b -u inetgw.service --no-pager --quiet)";; esac; }
  asked rates '{"up":200}'; shaped ppp0
  inetgw ppp0 --json | grep -q '"upBitPerSec": 200000' || say "the rate is another: $(inetgw ppp0)"
  asked pause '{}'; ! shaped ppp0 || say 'ppp0 is not paused'
  asked resume '{}'; shaped ppp0
  asked pause '{"minutes":5}'; ! shaped ppp0 || say 'ppp0 is not paused'
  systemctl stop inetgw.service; shaped ppp0 || say 'the end of the service has not resumed it'
  is "$(systemctl list-units --failed --no-legend 'inetgw*')" ''
  inetgw ppp0 215 1715 --quiet
  rm -r $dropin /etc/inetgw.change-token /var/lib/inetgw; systemctl daemon-reload`;

/** The shaper stays in force, relays go over to the new version. */
const UPGRADE = `
  since() { systemctl show --value --property ActiveEnterTimestampMonotonic inetgw@ppp0.service; }
  relay() { systemctl show --value --property MainPID iprelay@web.service; }
  shaper=$(since) old=$(relay)
  next
  is "$(since)" "$shaper"; shaped ppp0
  [ "$(relay)" != "$old" ] || say 'the relay is still the old one'
  for port in 8001 8080; do through $port; done
  is "$(links | wc -l)" 3
  is "$(systemctl list-units --failed --no-legend 'inetgw*' 'iprelay*')" ''`;

/** Nothing runs, nothing is enabled but what debhelper masks until the purge; what was installed beside it is silent. */
const REMOVE = `
  said=$(dpkg -r inetgw 2>&1)
  ! printf %s "$said" | grep -iE '^inetgw:|fail|error|unit' || say "$said"
  ! shaped ppp0 || say 'ppp0 is still shaped'
  is "$(nft list tables)" ''
  is "$(units)$(links)" 'inetgw-heal.path masked inactive dead inetgw-heal.path'
  is "$(unit_files | cut -d ' ' -f 1,2)" 'inetgw-heal.path masked'
  is "$(ss -Hltn 'sport = :8001 or sport = :8080')" ''
  logged() { journalctl -b -t inetgw --no-pager --quiet | wc -l; }
  lines=$(logged)
  is "$(PPP_IFACE=ppp0 /etc/ppp/ip-up.d/inetgw-ppp0 2>&1)" ''
  sleep 3
  is "$(logged)" "$lines"
  ! shaped ppp0 || say 'a hook shapes without the package'`;

const PURGE = `
  said=$(dpkg -P inetgw 2>&1)
  ! printf %s "$said" | grep -iE '^inetgw:|fail|error' || say "$said"
  is "$(units)$(unit_files)$(links)" ''
  is "$(ls -d /run/inetgw /run/iprelay-* 2>/dev/null || true)" ''`;
