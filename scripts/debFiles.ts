/** The control files of the Debian package. Pure. */
import { HOOK_PLACES } from '../src/linkHooks/render.ts';
import { SEAL_MARK } from '../src/linkHooks/seal.ts';

const MAINTAINER = 'inetgw maintainers <maintainers@inetgw.invalid>';

/**
 * What the commands run: ip and tc (iproute2), nft or iptables, ping. All else is part of every Debian
 * (`test/packages` tries it in a root that has nothing more), or does something extra: curl is searchbw's own load, kmod loads modules, systemd
 * has the units and tells a relay's readiness, ppp is what many lines come with.
 */
const DEPENDS = 'nodejs (>= 20), iproute2, nftables | iptables, iputils-ping';

export function controlFile(version: string, installedKib: number): string {
  return `Package: inetgw
Version: ${version}
Section: net
Priority: optional
Architecture: all
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKib}
Depends: ${DEPENDS}
Recommends: curl, kmod
Suggests: ppp, systemd
Description: keeps a full internet line answering at once
 Traffic control for the gateway of a DSL, cable or mobile line: egress priority
 queues, staged ingress policing, a finder of the line's raw rate (searchbw) and
 a bandwidth-shaping TCP proxy (iprelay).
 .
 Node.js 20 or later is needed: Debian 13 has it; for Debian 12 take nodejs from
 NodeSource.
`;
}

export const CONFFILES = '/etc/inetgw.conf\n/etc/logrotate.d/iprelay\n';

/** Tags of lintian that are answered rather than mended, each with its reason. */
export const LINTIAN_OVERRIDES = `# Bytecode for the kernel's eBPF machine, the same on every little-endian architecture; the others do without.
inetgw: arch-independent-package-contains-binary-or-object [usr/lib/inetgw/dist/bpf/pacing.o]
# The unit is wanted by the network device that it shapes, as systemd.device(5) has it.
inetgw: systemd-service-file-refers-to-unusual-wantedby-target sys-subsystem-net-devices-%i.device [usr/lib/systemd/system/inetgw@.service]
`;

/** Running units of ours by pattern: systemctl takes patterns for loaded units. Not quoted again, so none may have a blank. */
const UNITS =
  "inetgw-heal.path inetgw-heal.service inetgw.service 'inetgw@*.service' 'iprelay@*.socket' 'iprelay@*.service'";

/**
 * Before the program goes: take away what it has set, while it can. An upgrade leaves the shapers in force;
 * the new version knows the record. Nothing here may keep the package from being removed, and what fails says why.
 *
 * Instances are the administrator's, so debhelper's snippets do not know them. Their links are taken away by hand,
 * which works in a chroot, and without systemd, too. Relays that run as daemons without a unit are asked to end.
 */
export const PRERM = `#!/bin/sh
set -e

relays() {
    for process in /proc/[0-9]*; do
        case "$(tr '\\0' ' ' 2>/dev/null <"$process/cmdline")" in
        */node\\ /usr/bin/iprelay\\ * | */node\\ /usr/lib/inetgw/dist/bin/iprelay.js\\ *) echo "\${process#/proc/}" ;;
        esac
    done
}

if [ "$1" = remove ]; then
    if [ -d /run/systemd/system ]; then
        # What heals first, or it would put back what is taken away.
        deb-systemd-invoke stop ${UNITS} || true
    fi
    for link in /etc/systemd/system/*.wants/inetgw.service /etc/systemd/system/*.wants/inetgw@* /etc/systemd/system/*.requires/inetgw@* \\
        /etc/systemd/system/*.wants/iprelay@* /etc/systemd/system/*.requires/iprelay@*; do
        if [ -L "$link" ]; then
            rm -f "$link"
            rmdir --ignore-fail-on-non-empty "\${link%/*}"
        fi
    done
    inetgw clear --all >/dev/null || true
    for pid in $(relays); do
        kill "$pid" 2>/dev/null || true
    done
    # They let open connections end, within drain_time; another signal ends them at once.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
        [ -n "$(relays)" ] || break
        sleep 1
    done
    for pid in $(relays); do
        kill -KILL "$pid" 2>/dev/null || true
    done
fi
exit 0
`;

const RELOAD = `if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
`;

/**
 * The unit that heals is enabled as debhelper would do it: once, and as the administrator has left it from then on. Relays
 * that run as a service go over to the new version: what they have not loaded yet of the old one is gone. Shapers stay as
 * they are.
 */
export const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
    deb-systemd-helper unmask inetgw-heal.path >/dev/null || true
    if deb-systemd-helper --quiet was-enabled inetgw-heal.path; then
        deb-systemd-helper enable inetgw-heal.path >/dev/null || true
    else
        deb-systemd-helper update-state inetgw-heal.path >/dev/null || true
    fi
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload || true
        deb-systemd-invoke start inetgw-heal.path >/dev/null || true
        if [ -n "$2" ]; then
            deb-systemd-invoke try-restart inetgw-heal.service inetgw.service 'iprelay@*.service' || true
        fi
    fi
fi
exit 0
`;

const HOOK_PATTERNS = HOOK_PLACES.map(({ folder, prefix }) => `${folder}/${prefix}*`);

/**
 * A purge takes what the package made beside its own files: hooks of \`inetgw install-hook\` that call this package's
 * program and are as they were written (linkHooks/seal.ts), relays' configurations and logs. By then neither the program
 * nor node need be there.
 */
export const POSTRM = `#!/bin/sh
set -e

# True for a hook whose checksum, in a line of its own, is that of all other lines.
unedited() {
    sum=$(sed -n 's/^${SEAL_MARK}\\([0-9a-f]\\{64\\}\\)$/\\1/p' "$1")
    [ -n "$sum" ] && [ "$sum" = "$(sed '/^${SEAL_MARK}[0-9a-f]\\{64\\}$/d' "$1" | sha256sum | cut -d ' ' -f 1)" ]
}

if [ "$1" = remove ] && command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper mask inetgw-heal.path >/dev/null || true
fi
if [ "$1" = remove ] || [ "$1" = purge ]; then
    rm -rf /var/cache/inetgw
fi
if [ "$1" = purge ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper purge inetgw-heal.path >/dev/null || true
        deb-systemd-helper unmask inetgw-heal.path >/dev/null || true
    fi
    for hook in ${HOOK_PATTERNS.join(' \\\n        ')}; do
        if [ -f "$hook" ] && [ ! -L "$hook" ] && grep -Eq '[ =]/usr/bin/inetgw( |$)' "$hook"; then
            if unedited "$hook"; then
                rm -f "$hook"
            else
                echo "inetgw: $hook was edited and stays; it does nothing without the program" >&2
            fi
        fi
    done
    rm -f /etc/inetgw/iprelay-*.toml
    rm -f /var/lib/inetgw/history.json
    rm -f /var/log/iprelay-*.log /var/log/iprelay-*.log.*
    for folder in /etc/inetgw /var/lib/inetgw /run/inetgw/iprelay /run/inetgw; do
        if [ -d "$folder" ]; then
            rmdir --ignore-fail-on-non-empty "$folder"
        fi
    done
fi
${RELOAD}exit 0
`;

/** @param notices the licences of what the bundle contains */
export function copyrightFile(licence: string, notices: string): string {
  const parts = notices.split(`\n${'-'.repeat(78)}\n\n`).map(withCommonLicence);
  return `inetgw\n\n${licence.trim()}\n\n${'='.repeat(78)}\n\n${parts.join(`\n${'-'.repeat(78)}\n\n`).trim()}\n`;
}

/** Debian has the text of the Apache licence on every system, and wants no further copy (policy 12.5). */
function withCommonLicence(notice: string): string {
  const [head = ''] = notice.split('\n');
  if (!head.endsWith('(Apache-2.0)')) return notice;
  const copyright = notice.match(/^ *Copyright \d.*$/gm) ?? [];
  return [
    head,
    '',
    ...copyright.map((line) => line.trim()),
    '',
    'On Debian systems the text of this licence is in /usr/share/common-licenses/Apache-2.0.',
    '',
  ].join('\n');
}

/** Debian's own changelog, which every package has to have; what changed stands in CHANGELOG.md. */
export function debianChangelog(version: string, date: Date): string {
  const rfc5322 = date.toUTCString().replace('GMT', '+0000');
  return `inetgw (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${MAINTAINER}  ${rfc5322}\n`;
}
