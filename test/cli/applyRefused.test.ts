/** What is refused leaves the files and rules of what was there before. */
import { describe, expect, it } from 'vitest';
import { inNamespace, isRoot, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

interface Left {
  error: string;
  file: string;
  record: string;
  ran: string[];
}

const onDevice = (scenario: string): string =>
  `cd '${ROOT}'; ip link add w0 type ifb && ip link set w0 up
   ${process.execPath} --import tsx test/cli/helpers/refusedApply.ts '${scenario}'`;

async function after(scenario: string): Promise<Left> {
  const { stdout, stderr } = await inNamespace(onDevice(scenario));
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Left;
}

describe.skipIf(!isRoot)("the pacing program's file", () => {
  it.each([
    ['rehearsal', 'none', 'none'],
    ['no rehearsal', 'UserError: unshare was not found', 'none'],
    ['no rehearsal, with a record', 'UserError: unshare was not found', 'of the record'],
  ])('is as it was before: %s', async (scenario, error, file) => {
    expect(await after(scenario)).toMatchObject({ error, file });
  });
});

describe.skipIf(!isRoot)('a change of the firewall tool that fails', () => {
  it("takes the earlier tool's rules away with the record that named it", async () => {
    const { error, record, ran } = await after('change of tool');
    expect(error).toContain('(nothing was left on w0)');
    expect(record).toBe('none');
    expect(ran.filter((each) => each.startsWith('iptables-restore'))).toHaveLength(1);
  });
});

describe.skipIf(!isRoot)('where /run is full', () => {
  it('clear takes all away and succeeds, and leaves no empty lock', async () => {
    await build();
    const { stdout, stderr } = await inNamespace(`${onDevice('record')}
      mount -o remount,size=256k /run; ! dd if=/dev/zero of=/run/fill bs=4k 2>/dev/null || exit 9
      ${process.execPath} dist/bin/inetgw.js w0 clear; echo "exit $?"; find /run/inetgw`);
    expect(stdout).toBe('w0: cleared\nexit 0\n');
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^inetgw: cleared without a lock: .*: the file system is full$/),
      expect.stringMatching(/^find: .*No such file/),
      '',
    ]);
  });
});
