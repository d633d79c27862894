/** The control files of the Debian package. Pure. */

const MAINTAINER = 'inetgw maintainers <maintainers@inetgw.invalid>';

export function controlFile(version: string, installedKib: number): string {
  return `Package: inetgw
Version: ${version}
Section: net
Priority: optional
Architecture: all
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKib}
Depends: nodejs (>= 20), iproute2, nftables | iptables, iputils-ping
Recommends: kmod
Suggests: ppp
Description: keeps a full internet line answering at once
 Traffic control for the gateway of a DSL, cable or mobile line: egress priority
 queues, staged ingress policing, a finder of the line's raw rate (searchbw) and
 a bandwidth-shaping TCP proxy (iprelay).
 .
 Node.js 20 or later is needed: Debian 13 has it; for Debian 12 take nodejs from
 NodeSource.
`;
}

export const CONFFILES = '/etc/inetgw.conf\n';

/**
 * Before the program goes: take away what it has set, while it can. An upgrade leaves the shapers in force;
 * the new version knows the record. Nothing here may keep the package from being removed.
 */
export const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ]; then
    for record in /run/inetgw/*.json; do
        [ -e "$record" ] || continue
        device=\${record##*/}
        inetgw "\${device%.json}" clear --quiet || true
    done
fi
exit 0
`;

const RELOAD = `if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
`;

export const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
    ${RELOAD.trimEnd().replaceAll('\n', '\n    ')}
fi
exit 0
`;

export const POSTRM = `#!/bin/sh
set -e
${RELOAD}exit 0
`;

/** @param notices the licences of what the bundle contains */
export function copyrightFile(licence: string, notices: string): string {
  return `inetgw\n\n${licence.trim()}\n\n${'='.repeat(78)}\n\n${notices.trim()}\n`;
}

/** Debian's own changelog, which every package has to have; what changed stands in CHANGELOG.md. */
export function debianChangelog(version: string, date: Date): string {
  const rfc5322 = date.toUTCString().replace('GMT', '+0000');
  return `inetgw (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- ${MAINTAINER}  ${rfc5322}\n`;
}
