/** The configuration file as the commands take it. */
import { execa } from 'execa';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILE_KEY_NAMES } from '../../src/config/keys.ts';
import { built, inetgw, inNamespace, isRoot, ROOT } from './helpers/built.ts';

let folder: string;
let good: string;
let bad: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-config-'));
  good = join(folder, 'good.conf');
  bad = join(folder, 'bad.conf');
  await writeFile(
    good,
    '[lo]\nup = 210\ndown = 1710\nmark = 30\nframing = "raw"\n[absent0]\nup = 1\ndown = 1\n'.replaceAll(
      '= 1\n',
      '= 100\n',
    ),
  );
  await writeFile(bad, '[lo]\nup = 210\ndown = 1710\nmrk = 30\n[eth9]\nup = "fast"\ndown = 1710\n');
});
afterAll(() => rm(folder, { recursive: true }));

describe('inetgw config check', () => {
  it('tells what is right', async () => {
    const { code, stdout } = await inetgw('config', 'check', good);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `${good} is right\n  lo: up 210 kbit/s, down 1710 kbit/s\n  absent0: up 100 kbit/s, down 100 kbit/s\n`,
    );
  });
  it('tells everything that is wrong, with its place, and exits with 6', async () => {
    const { code, stdout, stderr } = await inetgw('config', 'check', bad);
    expect(code).toBe(6);
    expect(stdout).toBe('');
    expect(stderr).toContain(`inetgw: ${bad}:4:1: "mrk" is not known\ninetgw: did you mean mark?\n`);
    expect(stderr).toContain(`inetgw: ${bad}:6:6: up is 'fast'`);
  });
  it('takes what inetgw config example prints, which is every key', async () => {
    const { code, stdout } = await inetgw('config', 'example');
    expect(code).toBe(0);
    for (const key of FILE_KEY_NAMES) expect(stdout).toMatch(new RegExp(`^#? ?${key} =`, 'm'));
    const file = join(folder, 'example.conf');
    await writeFile(file, stdout);
    expect(await inetgw('config', 'check', file)).toMatchObject({ code: 0 });
    expect(await inetgw('config', 'example', 'x')).toMatchObject({ code: 2, stdout: '' });
  });
  it('tells what is wrong with limits of hosts, and sets up no line that they are for', async () => {
    const file = join(folder, 'limits.conf');
    await writeFile(
      file,
      '[lo]\nup = 210\ndown = 1710\n[host."192.168.1.20"]\ndown = "2mbit"\npriority = "low"\n',
    );
    const low = `inetgw: ${file}:6:12: priority low is not known\ninetgw: known: interactive, normal, bulk\n`;
    expect(await inetgw('config', 'check', file)).toMatchObject({ code: 6, stdout: '', stderr: low });
    const set = await inetgw('lo', '210', '1710', '--dry-run', '--config', file);
    expect(set).toMatchObject({ code: 6, stdout: '', stderr: low });
    await writeFile(file, '[host."192.168.1.20"]\ndown = "2mbit"\n');
    const above = await inetgw('lo', '210', '1710', '--dry-run', '--config', file);
    expect(above).toMatchObject({ code: 6, stdout: '' });
    expect(above.stderr).toBe(
      `inetgw: ${file}:2:8: down of 192.168.1.20 (2000 kbit/s) is above that of lo (1710 kbit/s)\n` +
        'inetgw: a part of each line\'s rate is written as down = "50%"; device = "…" names the one line that the section is for\n',
    );
  });
  it.each([
    [
      '[host.192.168.1.20]\ndown = 400',
      '1:1: [host.192.168.1.20] has dots in its name',
      '[host."192.168.1.20"]',
    ],
    ['[hosts."10.0.0.1"]\ndown = 400', '1:1: [hosts."10.0.0.1"] is no section', '[host."10.0.0.1"]?'],
    ['[network]\nhosts = "10.0.0.0/8"\nup = 90', '1:1: [network] has no name', '[network.guest]'],
    ['[host."10.0.0.1"]\nup = 90\ndevice = "ppp 0"', '3:10: "ppp 0" is no device name', undefined],
    ['[host.tv]\nhosts = "tv.lan"\nup = 90', "2:9: 'tv.lan' is no address", '"2001:db8:2::/64"]'],
  ])('sets up no line while limits are written in another way: %j', async (text, problem, hint) => {
    const file = join(folder, 'limits.conf');
    await writeFile(file, `${text}\n`);
    for (const words of [
      ['lo', '210', '1710', '--dry-run', '--config', file],
      ['config', 'check', file],
    ]) {
      const { code, stdout, stderr } = await inetgw(...words);
      expect([code, stdout]).toEqual([6, '']);
      const [first, second, ...more] = stderr.split('\n').filter((line) => line !== '');
      expect(first).toContain(`inetgw: ${file}:${problem}`);
      if (hint !== undefined) expect(second).toContain(hint);
      expect(more).toEqual([]);
    }
  });
  it('takes a file of limits alone, and warns of one for a line that it does not have', async () => {
    const file = join(folder, 'limits.conf');
    await writeFile(file, '[host."10.0.0.1"]\ndown = 400\ndevice = "pp0"\n');
    expect(await inetgw('config', 'check', file)).toMatchObject({
      code: 0,
      stdout: `${file} is right, and has no section for a device: its limits are for those that are set up by hand\n`,
      stderr: '',
    });
    await writeFile(file, '[ppp0]\nup = 210\ndown = 1710\n[host."10.0.0.1"]\ndown = 400\ndevice = "pp0"\n');
    expect(await inetgw('config', 'check', file)).toMatchObject({
      code: 0,
      stderr: `inetgw: ${file}: [host."10.0.0.1"] is for pp0 alone, which has no section here\n`,
    });
  });
  it('takes the example', async () => {
    expect(await inetgw('config', 'check', `${ROOT}/templates/inetgw.conf.example`)).toMatchObject({
      code: 0,
    });
  });
  it('a file that is named but not there is an error', async () => {
    expect(await inetgw('config', 'check', `${folder}/none`)).toMatchObject({ code: 6 });
  });
  it.skipIf(!isRoot)('a file that may not be read asks for the privilege, not for another file', async () => {
    const file = join(folder, 'secret.conf');
    await writeFile(file, '[ppp0]\n', { mode: 0o600 });
    await chown(file, 1, 1);
    const withoutRights = ['--bounding-set=-dac_override,-dac_read_search', process.execPath];
    const { exitCode, stderr } = await execa(
      'setpriv',
      [...withoutRights, `${ROOT}/dist/bin/inetgw.js`, 'config', 'check', file],
      { reject: false, stdin: 'ignore' },
    );
    expect([exitCode, stderr]).toEqual([4, `inetgw: no permission to read ${file}\ninetgw: run it as root`]);
  });
  it.skipIf(!isRoot)('says in plain words where /run is read-only', async () => {
    const { code, stderr } = await inNamespace(`mount -o remount,ro /run; ip tuntap add ppp7 mode tun
      ${process.execPath} ${ROOT}/dist/bin/inetgw.js ppp7 1mbit 9mbit --yes --framing raw`);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^inetgw: cannot write \/run\/inetgw\/netns-\d+: the file system is read-only\n$/,
      ),
    ]);
  });
  it('tells with --json also of a file that is not there or no TOML at all', async () => {
    const noToml = join(folder, 'no-toml.conf');
    await writeFile(noToml, '[lo\n');
    for (const file of [`${folder}/none`, noToml]) {
      const { code, stdout } = await inetgw('config', 'check', file, '--json');
      expect(code).toBe(6);
      const { ok, errors } = JSON.parse(stdout) as { ok: boolean; errors: { message: string }[] };
      expect([ok, errors.length]).toEqual([false, 1]);
      expect(errors[0]?.message).toContain(file);
    }
  });
});

describe('keys above the first section', () => {
  it('are told of, since they count for no device, and stop nobody', async () => {
    const misplaced = join(folder, 'misplaced.conf');
    await writeFile(misplaced, 'framing = "pppoe-ptm"\n[ppp7]\nup = 210\ndown = 1710\n');
    for (const words of [
      ['apply', 'ppp7', '--dry-run'],
      ['ppp7', '210', '1710', '--dry-run'],
      ['rules', 'egress', 'ppp7'],
    ]) {
      const { code, stdout, stderr } = await inetgw(...words, '--config', misplaced);
      expect(code).toBe(0);
      expect(stdout).not.toBe('');
      expect(stderr).toMatch(/^inetgw: .*misplaced\.conf:1:1: .*framing/);
    }
  });
});

describe('flags, environment, file', () => {
  const mark = async (
    args: string[],
    environment: Record<string, string> = {},
  ): Promise<string | undefined> => {
    const words = ['rules', 'ingress', 'lo', '--config', good, ...args];
    return /--mark (\d+)/.exec((await built('inetgw', words, environment)).stdout)?.[1];
  };
  it('come in this order', async () => {
    expect(await mark([])).toBe('30');
    expect(await mark([], { INETGW_MARK: '31' })).toBe('31');
    expect(await mark(['--mark', '32'], { INETGW_MARK: '31' })).toBe('32');
  });
  it('the section gives inetgw DEV UP DOWN what is not typed', async () => {
    const file = join(folder, 'mark.conf');
    await writeFile(file, '[ppp7]\nmark = 30\n');
    const { stdout } = await inetgw('ppp7', '100', '200', '--config', file, '--dry-run', '--firewall', 'nft');
    expect(stdout).toContain('skbedit priority 4947:10 mark 30');
  });
  it('a rule that the file leaves out stays out unless it is typed', async () => {
    const without = join(folder, 'without.conf');
    await writeFile(without, '[lo]\nlarge-downloads = false\n');
    const words = ['rules', 'ingress', 'lo', '--config', without];
    expect((await inetgw(...words)).stdout).not.toContain('large-download-tcp');
    expect((await inetgw(...words, '--large-downloads')).stdout).toContain('large-download-tcp');
  });
  it('an error in the section of another device does not matter, one in its own does', async () => {
    const other = join(folder, 'other.conf');
    await writeFile(other, '[lo]\nmark = 33\n[eth9]\nup = "fast"\ndown = 1710\n');
    expect(await inetgw('rules', 'ingress', 'lo', '--config', other)).toMatchObject({ code: 0 });
    expect(await inetgw('rules', 'ingress', 'lo', '--config', bad)).toMatchObject({ code: 6 });
  });
});

describe.skipIf(!isRoot)('inetgw apply', () => {
  it('prints what it would run for every device that is up, and says which are left alone', async () => {
    const file = join(folder, 'devices.conf');
    await writeFile(file, '[eth7]\nup = 210\ndown = 1710\nmark = 30\n[absent0]\nup = 100\ndown = 100\n');
    const { code, stdout, stderr } = await inNamespace(`
      ip tuntap add dev eth7 mode tap; ip link set eth7 up
      ${process.execPath} ${ROOT}/dist/bin/inetgw.js apply --config ${file} --firewall nft --dry-run --yes`);
    expect(stderr).toBe('inetgw: absent0: left alone, there is no such device now\n');
    expect(code).toBe(0);
    expect(stdout).toContain('tc -batch -');
    expect(stdout).toContain('skbedit priority 4947:10 mark 30');
  });
  it('refuses what can never be right, in a dry run as well', async () => {
    for (const words of ['', '--dry-run']) {
      const { code, stderr } = await inNamespace(
        `ip link set lo up; ${process.execPath} ${ROOT}/dist/bin/inetgw.js apply --config ${good} ${words}`,
      );
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining('inetgw: lo: lo is this machine itself and no line\n'),
      ]);
    }
  });
  it('leaves a device alone that is down', async () => {
    const { code, stdout, stderr } = await inNamespace(
      `${process.execPath} ${ROOT}/dist/bin/inetgw.js apply --config ${good}`,
    );
    expect(stderr).toContain('inetgw: lo: left alone, it is down\n');
    expect(stdout).toBe('');
    expect(code).toBe(0);
  });
  it('touches nothing if anything in the file is wrong', async () => {
    const { code, stdout } = await inNamespace(
      `ip link set lo up; ${process.execPath} ${ROOT}/dist/bin/inetgw.js apply --config ${bad} --dry-run`,
    );
    expect(code).toBe(6);
    expect(stdout).toBe('');
  });
  it('of a file without a section says that there is nothing to check', async () => {
    const file = join(folder, 'empty.conf');
    await writeFile(file, '');
    const { code, stdout, stderr } = await inetgw('apply', '--check', '--config', file);
    expect([code, stdout, stderr]).toEqual([0, '', `inetgw: ${file} has no section: nothing to check\n`]);
  });
  it('of a device without a section names those that there are', async () => {
    const { code, stderr } = await inetgw('apply', 'ppp9', '--config', good);
    expect(code).toBe(6);
    expect(stderr).toContain('it has sections for: lo, absent0');
  });
});

describe.skipIf(!isRoot)('inetgw apply --check', () => {
  const other = '[eth9]\nup = "fast"\ndown = 1710\n';
  const check = async (words: string): ReturnType<typeof inNamespace> => {
    const file = join(folder, 'check.conf');
    await writeFile(file, `[lo]\nup = 210\ndown = 1710\n[eth7]\nup = 210\ndown = 1710\n${other}`);
    return inNamespace(
      `ip link set lo up; ip tuntap add dev eth7 mode tap; ip link set eth7 up
      ${process.execPath} ${ROOT}/dist/bin/inetgw.js apply ${words} --check --yes --config ${file}`,
    );
  };

  it('of one device goes by its own section, as inetgw apply does; of all by the whole file', async () => {
    expect(await check('eth7')).toMatchObject({
      code: 3,
      stdout: 'eth7: would be set up: nothing is in force\n',
      stderr: '',
    });
    const { code, stdout, stderr } = await check('');
    expect([code, stdout]).toEqual([6, '']);
    expect(stderr).toContain(":8:6: up is 'fast', which is no rate");
  });
  it('tells what can never be right', async () => {
    expect(await check('lo')).toMatchObject({
      code: 1,
      stdout: 'lo: would fail: lo is this machine itself and no line\n',
    });
  });
  it('of a device without a section names those that there are', async () => {
    const { code, stderr } = await check('eth8');
    expect(code).toBe(6);
    expect(stderr).toContain('has no section for eth8\ninetgw: it has sections for: lo, eth7, eth9\n');
  });
});

it('inetgw status shows what is configured and not in force, and says so with its exit code', async () => {
  const { code, stdout } = await inetgw('status', '--config', good, '--json');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toEqual([
    expect.objectContaining({ device: 'lo', link: 'up', state: 'unshaped', configured: 'not in force' }),
    expect.objectContaining({ device: 'absent0', link: 'absent', state: 'unshaped', upBitPerSec: null }),
  ]);
});

it.skipIf(!isRoot)(
  'inetgw status is content with a device that is down or absent, and not with errors',
  async () => {
    const status = (before: string, file: string) =>
      inNamespace(`${before} ${process.execPath} ${ROOT}/dist/bin/inetgw.js status --config ${file} 2>&1`);
    expect(await status('', good)).toMatchObject({ code: 0 });
    expect(await status('ip link set lo up;', good)).toMatchObject({ code: 3 });
    const wrong = await status('ip link set lo up;', bad);
    expect(wrong.code).toBe(3);
    expect(wrong.stdout).toMatch(/^lo .* wrong /m);
  },
);

it('searchbw takes the host and the limits of the section, and refuses a section with errors', async () => {
  const search = join(folder, 'search.conf');
  await writeFile(search, '[lo]\nping-host = "no host"\n');
  const { code, stderr } = await built('searchbw', ['lo', 'DOWN', '1300-1800', '50', '5', '210'], {
    INETGW_CONFIG: search,
  });
  expect(code).toBe(6);
  expect(stderr).toContain(`${search}:2:13: ping-host is 'no host', which is no host`);
});
