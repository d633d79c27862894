/** Hooks as they are installed, and as pppd, ifupdown and NetworkManager call them. */
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HookKind } from '../../src/linkHooks/kinds.ts';
import { hookFiles } from '../../src/linkHooks/render.ts';
import { inetgw, isRoot, ROOT } from './helpers/built.ts';

const HEAL_FILES = ['inetgw-heal.path', 'inetgw-heal.service'].map((name) => `etc/systemd/system/${name}`);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inetgw-hooks-'));
});
afterEach(() => rm(root, { recursive: true }));

const install = (kind: HookKind, ...words: string[]) =>
  inetgw('install-hook', kind, ...words, '--root', root);
const ipUp = () => join(root, 'etc/ppp/ip-up.d/inetgw-ppp0');
const ipDown = () => join(root, 'etc/ppp/ip-down.d/inetgw-ppp0');

describe('install-hook', () => {
  it('writes both files, owned by root and executable, and does nothing the second time', async () => {
    const first = await install('ppp', 'ppp0', '210', '1710', '--mark', '30');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toBe(`${ipUp()}: written\n${ipDown()}: written\n`);
    expect(await readFile(ipUp(), 'utf8')).toContain('case "$PPP_IFACE" in\nppp0)');
    const { mode, uid, mtimeMs } = await stat(ipUp());
    expect(mode & 0o7777).toBe(0o755);
    if (isRoot) expect(uid).toBe(0);
    expect(await readFile(ipUp(), 'utf8')).toMatch(/inetgw\.js "\$dev" 210 1710 --mark 30/);
    const second = await install('ppp', 'ppp0', '210', '1710', '--mark', '30', '--verbose');
    expect(second.stdout).toContain('case "$PPP_IFACE" in\nppp0)');
    expect(second.stdout).toContain(`${ipUp()}: unchanged\n${ipDown()}: unchanged\n`);
    expect((await stat(ipUp())).mtimeMs).toBe(mtimeMs);
  });
  it('replaces what it wrote itself by new rates', async () => {
    await install('ppp', 'ppp0', '210', '1710');
    expect((await install('ppp', 'ppp0', '220', '1800')).stdout).toContain(`${ipUp()}: replaced`);
    expect(await readFile(ipUp(), 'utf8')).toContain('220 1800');
  });
  it('never overwrites what was edited: says so, writes beside it, where run-parts does not look', async () => {
    await install('ppp', 'ppp0', '210', '1710');
    const edited = `${await readFile(ipUp(), 'utf8')}# mine\n`;
    await writeFile(ipUp(), edited);
    const { code, stderr } = await install('ppp', 'ppp0', '220', '1800');
    expect(code).toBe(1);
    expect(stderr).toBe(
      `inetgw: ${ipUp()} was edited or is not from inetgw: left alone, the new one is ${ipUp()}.inetgw-new\n`,
    );
    expect(await readFile(ipUp(), 'utf8')).toBe(edited);
    expect(await readFile(`${ipUp()}.inetgw-new`, 'utf8')).toContain('220 1800');
    const listed = await execa('run-parts', ['--list', join(root, 'etc/ppp/ip-up.d')]);
    expect(listed.stdout).toBe(ipUp());
    const removed = await install('ppp', 'ppp0', '--remove');
    expect(removed.code).toBe(1);
    expect(await readdir(join(root, 'etc/ppp/ip-up.d'))).toEqual(['inetgw-ppp0']);
    expect(await readdir(join(root, 'etc/ppp/ip-down.d'))).toEqual([]);
  });
  it('--remove takes back exactly what was written', async () => {
    await mkdir(join(root, 'etc/ppp/ip-up.d'), { recursive: true });
    await writeFile(join(root, 'etc/ppp/ip-up.d/0000usepeerdns'), 'theirs');
    for (const kind of ['ppp', 'networkmanager', 'ifupdown', 'systemd'] as const) {
      await install(kind, 'ppp0', '210', '1710');
      expect(await install(kind, 'ppp0', '--remove')).toMatchObject({ code: 0 });
      expect(await install(kind, 'ppp0', '--remove')).toMatchObject({ code: 0 });
    }
    const left = await execa('find', [root, '-type', 'f']);
    expect(left.stdout).toBe(join(root, 'etc/ppp/ip-up.d/0000usepeerdns'));
  });
  it('of systemd come with what heals, which goes with the last of them', async () => {
    const units = async () => (await readdir(join(root, 'etc/systemd/system'))).sort();
    const { stdout } = await install('systemd', 'ppp0', '210', '1710');
    expect(stdout).toContain(`now: systemctl --root=${root} enable inetgw@ppp0.service inetgw-heal.path\n`);
    await install('systemd', 'eth1', '20mbit', '100mbit');
    const heals = ['inetgw-heal.path', 'inetgw-heal.service'];
    expect(await units()).toEqual([...heals, 'inetgw@eth1.service', 'inetgw@ppp0.service']);
    const service = await readFile(join(root, 'etc/systemd/system/inetgw-heal.service'), 'utf8');
    const words = /^ExecStart=\/bin\/sh (\S+) 5 (\S+) (\S+) heal$/m.exec(service) ?? [];
    expect(words[1]).toBe(join(ROOT, 'templates/heal.sh'));
    expect(words[3]).toBe(join(ROOT, 'dist/bin/inetgw.js'));
    await install('systemd', 'ppp0', '--remove');
    expect(await units()).toEqual([...heals, 'inetgw@eth1.service']);
    await install('systemd', 'eth1', '--remove');
    expect(await units()).toEqual([]);
  });
  it('that heal are for all devices, and may come alone', async () => {
    expect(await inetgw('install-hook', 'heal', 'ppp0', '--root', root)).toMatchObject({ code: 2 });
    const { code, stdout } = await inetgw('install-hook', 'heal', '--root', root);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^now: systemctl --root=\S+ enable inetgw-heal.path$/m),
    ]);
    expect(await inetgw('install-hook', 'heal', '--remove', '--root', root)).toMatchObject({ code: 0 });
    expect(await readdir(join(root, 'etc/systemd/system'))).toEqual([]);
  });
  it('--dry-run shows everything and writes nothing', async () => {
    const { code, stdout } = await install('ifupdown', 'eth1', '20mbit', '100mbit', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('# /etc/network/if-up.d/inetgw-eth1 (mode 755)\n#!/bin/sh\n');
    expect(await readdir(root)).toEqual([]);
  });
  it('checks everything when it is installed, not when the line comes up', async () => {
    expect(await install('ppp', 'ppp0', '210', 'fast')).toMatchObject({ code: 2 });
    expect(await install('ppp', 'ppp0;id', '210', '1710')).toMatchObject({ code: 2 });
    expect(await install('ppp', 'ppp0', '210')).toMatchObject({ code: 2 });
    expect((await install('pp' as HookKind, 'ppp0', '210', '1710')).stderr).toContain('did you mean ppp?');
    expect(await readdir(root)).toEqual([]);
  });
  it('tells what setting up would tell: rates that are hardly meant, loopback, a device of another kind', async () => {
    const unit = await install('ifupdown', 'eth7', '100', '100');
    expect([unit.code, unit.stderr]).toEqual([
      0,
      'inetgw: plain numbers are kbit/s, and 100 kbit/s up and 100 kbit/s down are less than this kind of access has;' +
        ' if Mbit/s are meant: inetgw install-hook ifupdown eth7 100mbit 100mbit; if not: 100kbit 100kbit\n',
    ]);
    const meant = await install('ifupdown', 'eth7', '100', '100', '--yes');
    expect(meant).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(root, 'etc/network/if-up.d/inetgw-eth7'), 'utf8')).toContain('100 100 --yes');
    for (const rates of [[], ['1mbit', '9mbit']]) {
      const { code, stderr } = await install('systemd', 'lo', ...rates);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/^inetgw: lo is this machine itself/)]);
    }
    expect(await readdir(root)).toEqual(['etc']);
    expect(await readdir(join(root, 'etc'))).toEqual(['network']);
    const other = await install('ppp', 'eth7', '1mbit', '9mbit');
    expect([other.code, other.stderr]).toEqual([
      0,
      'inetgw: eth7 is no ppp device: pppd does not bring it up, so the hook would never do anything\n',
    ]);
    expect(await install('systemd', 'lo', '--remove')).toMatchObject({ code: 0, stderr: '' });
  });
  it('takes the links of systemctl enable away with a unit', async () => {
    expect(await install('systemd', 'ppp7', '210', '1710')).toMatchObject({ code: 0 });
    const [unit, folder] = ['etc/systemd/system/inetgw@ppp7.service', 'etc/systemd/system/a.device.wants'];
    await mkdir(join(root, folder));
    await symlink(`/${unit}`, join(root, folder, 'inetgw@ppp7.service'));
    const other = join(root, 'etc/systemd/system/multi-user.target.wants');
    await mkdir(other);
    await symlink('/lib/systemd/system/ssh.service', join(other, 'ssh.service'));
    expect(await install('systemd', 'ppp7', '--remove')).toMatchObject({
      code: 0,
      stderr: '',
      // The last unit takes the healing with it.
      stdout: [unit, `${folder}/inetgw@ppp7.service`, ...HEAL_FILES]
        .map((file) => `${join(root, file)}: removed\n`)
        .join(''),
    });
    expect(await readdir(join(root, 'etc/systemd/system'))).toEqual(['multi-user.target.wants']);
    expect(await readdir(other)).toEqual(['ssh.service']);
  });
  it('leaves the link of a unit that was edited', async () => {
    await install('systemd', 'ppp7', '210', '1710');
    const unit = join(root, 'etc/systemd/system/inetgw@ppp7.service');
    await writeFile(unit, `${await readFile(unit, 'utf8')}# mine\n`);
    await mkdir(`${root}/etc/systemd/system/a.device.wants`);
    const link = `${root}/etc/systemd/system/a.device.wants/inetgw@ppp7.service`;
    await symlink('../inetgw@ppp7.service', link);
    expect(await install('systemd', 'ppp7', '--remove')).toMatchObject({ code: 1 });
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });
  it('says which hook another name stands for', async () => {
    const { code, stderr } = await install('pppd' as HookKind, 'ppp0', '210', '1710');
    expect([code, stderr]).toEqual([0, 'inetgw: pppd is taken as ppp\n']);
    await readFile(ipUp());
  });
  it('takes no file that is not there, and says what the one that is there lacks', async () => {
    const file = join(root, 'inetgw.conf');
    const hook = (...words: string[]) => inetgw('install-hook', 'systemd', 'ppp7', '--dry-run', ...words);
    expect(await hook('--config', file)).toMatchObject({ code: 6, stdout: '' });
    await writeFile(file, '[eth9]\nup = 210\ndown = 1710\n');
    expect((await hook('--config', file)).stderr).toContain(`${file} has no rates for ppp7 yet`);
    expect(await hook('210', '1710', '--config', file)).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('output that cannot be written', () => {
  const words = 'install-hook ppp ppp0 210 1710 --root';
  const command = `${process.execPath} ${ROOT}/dist/bin/inetgw.js ${words}`;
  it('keeps nothing from being done: a reader that closes early gets its exit code of success', async () => {
    const { stdout } = await execa('bash', ['-c', `{ ${command} ${root}; echo $? >&2; } 2>&1 >&- | cat`]);
    expect(await readdir(join(root, 'etc/ppp/ip-down.d'))).toEqual(['inetgw-ppp0']);
    const piped = await execa('bash', ['-o', 'pipefail', '-c', `${command} ${root} | true`]);
    expect([piped.exitCode, stdout]).toEqual([0, expect.anything()]);
  });
  it('is an error where a disk is full, said once, after all was done', async () => {
    const { exitCode, stderr } = await execa('bash', ['-c', `${command} ${root} >/dev/full`], {
      reject: false,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^inetgw: cannot write the output: ENOSPC[^\n]*$/);
    expect(await readdir(join(root, 'etc/ppp/ip-down.d'))).toEqual(['inetgw-ppp0']);
  });
  it('on standard error stops nothing', async () => {
    const swapped = command.replace('210 1710', '1710 210');
    const { exitCode } = await execa('bash', ['-c', `${swapped} ${root} >/dev/null 2>/dev/full`]);
    expect(exitCode).toBe(0);
  });
});

describe('an installed hook', () => {
  /** Hooks that call a program which waits for the file `go` and writes down what it was called with. */
  async function hooks(
    kind: HookKind,
    device: string,
  ): Promise<{ up: string; down: string; calls: () => Promise<string[]> }> {
    const calls = join(root, 'calls');
    const recorder = join(root, 'recorder');
    const says = "echo 'all went well'; echo 'inetgw: no window pacing here' >&2";
    const waits = `until [ -e ${join(root, 'go')} ]; do /bin/sleep 0.02; done`;
    // Clearing takes longer, so that what does not wait for it is written down before it.
    const clearing = `case "$*" in *clear) /bin/sleep 1 ;; esac`;
    await writeFile(recorder, `#!/bin/sh\n${waits}\n${clearing}\n${says}\necho "$@" >>${calls}\n`);
    const logger = join(root, 'logger');
    await writeFile(logger, `#!/bin/sh\n/bin/cat >>${join(root, 'log')}\n`);
    for (const file of [recorder, logger]) await chmod(file, 0o755);
    const files = hookFiles(kind, { device, program: [recorder], apply: [undefined, '210', '1710'] });
    const paths: string[] = [];
    for (const [at, { text }] of files.entries()) {
      const path = join(root, `hook${at}`);
      await writeFile(path, text.replaceAll('/usr/bin/logger', logger), { mode: 0o755 });
      paths.push(path);
    }
    const [up = '', down = up] = paths;
    return {
      up,
      down,
      calls: async () => {
        return (await readFile(calls, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
      },
    };
  }
  /** With the environment that pppd gives: almost none. */
  async function call(hook: string, args: string[], environment: Record<string, string>): Promise<void> {
    await execa(hook, args, { env: environment, extendEnv: false, stdio: 'ignore' });
  }
  /** From now on the program does not wait. */
  const go = (): Promise<void> => writeFile(join(root, 'go'), '');

  it.each([
    ["Debian's pppd", 'ppp0', [], { PPP_IFACE: 'lo' }],
    ["the upstream pppd's variable", 'lo', [], { IFNAME: 'lo' }],
    ["the upstream pppd's argument", 'lo', ['lo'], {}],
    ['a link that may have any number', 'l*', [], { PPP_IFACE: 'lo' }],
  ])('for %s', async (_, device, args, environment) => {
    const { up, down, calls } = await hooks('ppp', device === 'ppp0' ? 'lo' : device);
    // The hook does not wait for the program.
    await call(up, args, environment);
    expect(await calls()).toEqual([]);
    await go();
    await expect.poll(calls).toEqual(['lo 210 1710']);
    await call(down, args, environment);
    await expect.poll(calls).toEqual(['lo 210 1710', 'lo clear']);
  });
  it('logs what inetgw warns of, but not that all went well', async () => {
    const { up, down, calls } = await hooks('ppp', 'lo');
    await go();
    await call(up, [], { PPP_IFACE: 'lo' });
    await call(down, [], { PPP_IFACE: 'lo' });
    await expect.poll(async () => (await calls()).sort()).toEqual(['lo 210 1710', 'lo clear']);
    // The logger, behind a pipe, may write after the program has ended.
    const log = (): Promise<string> => readFile(join(root, 'log'), 'utf8').catch(() => '');
    await expect.poll(log).toBe('inetgw: no window pacing here\n'.repeat(2));
  });
  it('does nothing for another device', async () => {
    const { up, down, calls } = await hooks('ppp', 'lo');
    await go();
    for (const hook of [up, down]) await call(hook, [], { PPP_IFACE: 'ppp1' });
    // What it did for the other device would be there before this.
    await call(up, [], { PPP_IFACE: 'lo' });
    await expect.poll(calls).toEqual(['lo 210 1710']);
  });
  it('of NetworkManager tells up from down and takes the IP device of a modem', async () => {
    const { up, calls } = await hooks('networkmanager', 'lo');
    await go();
    await call(up, ['cdc-wdm0', 'up'], { DEVICE_IP_IFACE: 'lo' });
    await call(up, ['lo', 'dhcp4-change'], {});
    await expect.poll(calls).toEqual(['lo 210 1710']);
    await call(up, ['lo', 'down'], {});
    await expect.poll(calls).toEqual(['lo 210 1710', 'lo clear']);
  });
  it.each([
    ['ifupdown', [[], { IFACE: 'lo' }], [[], { IFACE: 'lo' }]],
    ['networkmanager', [['lo', 'down'], {}], [['lo', 'up'], {}]],
  ] as const)(
    'of %s clears before it returns: what comes up at once is set up after it',
    async (kind, gone, back) => {
      const { up, down, calls } = await hooks(kind, 'lo');
      await go();
      await call(down, [...gone[0]], gone[1]);
      await call(up, [...back[0]], back[1]);
      await expect.poll(calls).toEqual(['lo clear', 'lo 210 1710']);
    },
  );
  it('of ifupdown takes IFACE, and not ifup --all', async () => {
    const { up, calls } = await hooks('ifupdown', 'lo');
    await go();
    await call(up, [], { IFACE: '--all' });
    await call(up, [], { IFACE: 'lo' });
    await expect.poll(calls).toEqual(['lo 210 1710']);
  });
});
