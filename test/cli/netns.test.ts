/** Device names are unique in one network namespace only, and so are records of them. */
import { describe, expect, it } from 'vitest';
import { execa } from 'execa';
import { HANG_MS } from '../hang.ts';
import { amongOwnProcesses, inNamespace, isRoot, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

describe.skipIf(!isRoot)('in a network namespace of its own', () => {
  // The capabilities of the unit: it may not see the namespace of process 1.
  it.each(['', 'setpriv --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin'])(
    'the records of the first one are not seen: %s',
    async (wrapper) => {
      await build();
      const { code, stdout, stderr } = await inNamespace(
        `mkdir /run/inetgw; echo '{}' > /run/inetgw/e9.json
         ${wrapper} ${process.execPath} ${ROOT}/dist/bin/inetgw.js status`,
      );
      expect([code, stdout, stderr]).toEqual([0, 'no device is shaped and none is configured\n', '']);
    },
  );
});

describe.skipIf(!isRoot)('clear --all', () => {
  const inetgw = `${process.execPath} ${ROOT}/dist/bin/inetgw.js`;
  /** A device that is gone, with a record that tells nothing and a table of nft, in four namespaces; the last is gone too. */
  const SET_UP = `
    record() { mkdir -p /run/inetgw/netns-$1 && echo '{}' >/run/inetgw/netns-$1/$2.json; }
    inode() { stat -Lc %i "$1"; }
    record $(inode /proc/self/ns/net) wan0; nft add table inet inetgw_wan0
    ip netns add other; record $(inode /run/netns/other) wan1; ip netns exec other nft add table inet inetgw_wan1
    unshare --net sleep infinity & held=$!
    trap 'kill $held' EXIT
    ns=/proc/$held/ns/net
    while [ "$(readlink $ns)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
    record $(inode $ns) wan2; nsenter --net=$ns nft add table inet inetgw_wan2
    record 17 wan3`;
  const TABLES = `nft list tables; ip netns exec other nft list tables; nsenter --net=$ns nft list tables`;

  it('clears in every network namespace, and forgets those that are gone', async () => {
    await build();
    const { code, stdout, stderr } = await inNamespace(`${SET_UP}
      ${inetgw} clear --all --dry-run; ${TABLES}
      ${inetgw} clear --all || exit; ${TABLES}; ls /run/inetgw 2>&1; ${inetgw} clear --all`);
    expect([code, stderr]).toEqual([0, '']);
    const said = stdout
      .replaceAll(/namespace \d+/g, 'namespace N')
      .split('\n')
      .sort();
    expect(said).toEqual(
      [
        '',
        ...['wan0', 'wan1 in the network namespace other', 'wan2 in the network namespace N'].flatMap(
          (name, at) => [
            `${name}: would be cleared`,
            `table inet inetgw_wan${at}`,
            `${name}: the device is gone, nothing to clear`,
          ],
        ),
        '/run/inetgw/netns-17: would be removed, its network namespace is gone',
        '/run/inetgw/netns-17: removed, its network namespace is gone',
        "ls: cannot access '/run/inetgw': No such file or directory",
        'no device is shaped: nothing to clear',
      ].sort(),
    );
  });
  it('is kept by none from the others, and says what to type', async () => {
    const { code, stdout, stderr } = await inNamespace(`${SET_UP}
      mount -t tmpfs tmpfs /usr/local/sbin
      printf '#!/bin/sh\\ncase $1$(ip netns identify) in -fother) echo it is stuck >&2; exit 1; esac\\nexec /usr/sbin/nft "$@"\\n' >/usr/local/sbin/nft
      chmod +x /usr/local/sbin/nft
      ${inetgw} clear --all >/dev/null; code=$?
      rm /usr/local/sbin/nft; ${TABLES}; exit $code`);
    expect([code, stdout]).toEqual([1, 'table inet inetgw_wan1\n']);
    expect(stderr).toMatch(
      /^inetgw: wan1: in the network namespace other: could not take away the firewall rules of nft: .* it is stuck\n/,
    );
  });
  it('takes no device', async () => {
    const { code, stderr } = await inNamespace(`${inetgw} wan0 clear --all`);
    expect([code, stderr]).toEqual([
      2,
      'inetgw: --all goes with clear alone\ninetgw: type: inetgw clear --all\n',
    ]);
  });
});

describe('root of a user namespace', () => {
  const program = `${process.execPath} ${ROOT}/dist/bin`;
  // The times of folders too: no lock came and went.
  const LOOK = 'nft list tables; ls -lR --full-time /run; cat /run/inetgw/*';
  it.each([
    'inetgw wan0 10mbit 50mbit',
    'inetgw apply --config /run/inetgw.conf',
    'inetgw apply wan0 --config /run/inetgw.conf',
    'inetgw wan0 clear',
    'inetgw clear --all',
    'inetgw heal',
    'inetgw serve wan0',
    'inetgw uninstall --purge',
    'inetgw check wan0',
    'searchbw wan0 DOWN 1300-1800 50 5 210',
  ])('is refused in the network of another one, and all is as it was: %s', async (line) => {
    await build();
    const [command = '', ...words] = line.split(' ');
    const { code, stdout, stderr } = await amongOwnProcesses(
      `ip link add wan0 type ifb && ip link set wan0 up
       mkdir /run/inetgw && echo '{}' >/run/inetgw/wan0.json && nft add table inet inetgw_wan0 || exit 98
       printf '[wan0]\nup = 10000\ndown = 50000\n' >/run/inetgw.conf
       before=$(${LOOK}); unshare -Ur ${program}/${command}.js ${words.join(' ')}; code=$?
       [ "$before" = "$(${LOOK})" ] || exit 99; exit $code`,
    );
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toMatch(
      /^\w+: [^\n]+ \(CAP_NET_ADMIN\), which root of this user namespace has not: the network is that of another one\n\w+: run it outside, [^\n]+\n$/,
    );
  });
  it('is not refused in a network of its own', async () => {
    await build();
    const { code, stdout, stderr } = await inNamespace(
      `unshare -Urnm sh -c 'mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
         ip link add wan0 type ifb
         ${program}/inetgw.js wan0 clear'`,
    );
    expect([code, stdout, stderr]).toEqual([0, 'wan0: nothing to clear\n', '']);
  });
});

describe.skipIf(!isRoot)('with the /sys of another network namespace', () => {
  it.each([
    'inetgw wan0 10mbit 50mbit',
    'inetgw wan0 10mbit 50mbit --dry-run',
    'inetgw wan0',
    'inetgw wan0 clear',
    'inetgw wan0 clear --dry-run',
    'inetgw check wan0',
    'searchbw wan0 DOWN 1300-1800 50 5 210',
  ])('%s is refused, and nothing is changed', async (line) => {
    await build();
    const [command = '', ...words] = line.split(' ');
    const script = `mount -t tmpfs tmpfs /run && ip tuntap add wan0 mode tun &&
      tc qdisc replace dev wan0 root handle 1: htb || exit 99
      ${process.execPath} ${ROOT}/dist/bin/${command}.js ${words.join(' ')}; code=$?
      tc qdisc show dev wan0; exit $code`;
    const { exitCode, stdout, stderr } = await execa('unshare', ['--net', '--mount', 'sh', '-c', script], {
      reject: false,
      timeout: HANG_MS,
      stdin: 'ignore',
    });
    expect(stderr).toContain('this /sys shows another network namespace');
    expect(stderr).toContain('ip netns exec');
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/^qdisc htb 1: root [^\n]*$/)]);
  });

  it('a device that is in neither is named beside those of the namespace', async () => {
    await build();
    const script = `ip tuntap add wan0 mode tun; ${process.execPath} ${ROOT}/dist/bin/inetgw.js wan7 10mbit 50mbit`;
    const { exitCode, stderr } = await execa('unshare', ['--net', 'sh', '-c', script], {
      reject: false,
      timeout: HANG_MS,
      stdin: 'ignore',
    });
    expect([exitCode, stderr]).toEqual([
      1,
      'inetgw: there is no device wan7\ninetgw: did you mean wan0? there are: wan0',
    ]);
  });
});
