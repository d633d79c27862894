/** `inetgw uninstall` where something stands in its way, in a network, a file system and among processes of its own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { amongOwnProcesses, isRoot, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

beforeAll(build);

const INETGW = `${process.execPath} ${ROOT}/dist/bin/inetgw.js`;
const UNINSTALL = `${INETGW} uninstall`;
const CLEAR = `${INETGW} wan0 clear`;

/** A device that is gone, with a record that tells nothing, and a table of nft; no hooks and no history but what a test makes. */
const SET_UP = `
  mkdir -p /run/inetgw; echo '{}' >/run/inetgw/wan0.json; nft add table inet inetgw_wan0
  mount -t tmpfs tmpfs /etc/systemd/system; mount -t tmpfs tmpfs /usr/local/sbin
  [ ! -d /var/lib/inetgw ] || mount -t tmpfs tmpfs /var/lib/inetgw`;

const UNIT = '/etc/systemd/system/inetgw@.service';

describe.skipIf(!isRoot)('uninstall', () => {
  it('removes no file while a device could not be cleared, and says what to do', async () => {
    const { stdout, stderr } = await amongOwnProcesses(`${SET_UP}
      cp '${ROOT}/templates/inetgw@.service' ${UNIT}
      printf '#!/bin/sh\\n[ "$1" != -f ] || { echo it is stuck >&2; exit 1; }\\nexec /usr/sbin/nft "$@"\\n' >/usr/local/sbin/nft
      chmod +x /usr/local/sbin/nft
      ${UNINSTALL}; echo "exit $?"; ls ${UNIT}
      rm /usr/local/sbin/nft; ${CLEAR} && ${UNINSTALL}; ls ${UNIT} 2>&1; nft list tables`);
    expect(stdout.replace(/^.*: left, npm has not.*\n/m, '')).toBe(
      [
        'wan0: the device is gone, cleared as far as it could be',
        'exit 1',
        UNIT,
        'wan0: the device is gone, nothing to clear',
        `${UNIT}: removed`,
        `ls: cannot access '${UNIT}': No such file or directory\n`,
      ].join('\n'),
    );
    expect(stderr).toBe(
      [
        'inetgw: wan0: could not take away the firewall rules of nft: taking away the firewall rules failed: ' +
          "'nft -f -' failed with exit code 1: it is stuck",
        'inetgw: the package and what belongs to it were left in place',
        'inetgw: when that is mended: inetgw wan0 clear && inetgw uninstall\n',
      ].join('\n'),
    );
  });

  it('finds a unit that was copied from the templates once, as it was written', async () => {
    const { code, stdout, stderr } = await amongOwnProcesses(`${SET_UP}
      cp '${ROOT}/templates/inetgw@.service' ${UNIT}; ${UNINSTALL} --dry-run
      echo '# mine' >>${UNIT}; ${UNINSTALL}; ls ${UNIT}`);
    expect(code).toBe(0);
    expect(stdout).toContain(`${UNIT}: would be removed\n`);
    expect(stdout).not.toContain(`${UNIT}: removed`);
    expect(stderr.match(/was edited: left alone/g)).toHaveLength(1);
  });

  it("touches nothing where somebody else's relay cannot be ended", async () => {
    const { stdout, stderr } = await amongOwnProcesses(`${SET_UP}
      ip link set lo up; cp -r '${ROOT}/dist' /run/dist
      setpriv --reuid=65534 --regid=65534 --clear-groups ${process.execPath} /run/dist/bin/iprelay.js \\
        --foreground 127.0.0.1:8000:127.0.0.1:9 >/dev/null 2>&1 &
      until ss -Hltn sport = :8000 | grep -q .; do sleep 0.1; done
      uninstall='${process.execPath} /run/dist/bin/inetgw.js uninstall'
      setpriv --bounding-set=-kill $uninstall; echo "exit $?"; nft list tables
      $uninstall >/dev/null; echo "exit $?"; nft list tables; wait`);
    expect(stdout).toBe('exit 4\ntable inet inetgw_wan0\nexit 0\n');
    expect(stderr).toMatch(/^inetgw: no permission to end iprelay, process \d+\ninetgw: run it as root\n$/);
  });
});
