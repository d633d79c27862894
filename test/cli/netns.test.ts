/** Device names are unique in one network namespace only, and so are records of them. */
import { describe, expect, it } from 'vitest';
import { execa } from 'execa';
import { HANG_MS } from '../hang.ts';
import { inNamespace, isRoot, ROOT } from './helpers/built.ts';
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

describe.skipIf(!isRoot)('with the /sys of another network namespace', () => {
  it.each([
    'inetgw wan0 10mbit 50mbit',
    'inetgw wan0 10mbit 50mbit --dry-run',
    'inetgw wan0',
    'inetgw wan0 clear',
    'inetgw wan0 clear --dry-run',
    'inetgw check wan0',
    'searchbw wan0 50mbit',
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
