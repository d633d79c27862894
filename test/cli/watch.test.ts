/** `inetgw watch` as a whole process on a terminal: keys, sizes, colours, and the terminal given back. */
import { execa } from 'execa';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HANG_MS } from '../hang.ts';
import { Tmux } from '../tmux.ts';
import { inetgw, inNamespace, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

beforeAll(build);

const COMMAND = `${process.execPath} ${ROOT}/dist/bin/inetgw.js watch`;
/** A device with a record that nobody can read, in a network namespace of its own. */
const WITH_RECORD = `record=/run/inetgw/netns-$(stat -Lc %i /proc/self/ns/net)/lo.json
  mkdir -p "\${record%/*}"; echo '{}' >"$record"`;

const opened: Tmux[] = [];
afterEach(async () => {
  for (const tmux of opened.splice(0)) await tmux.close();
});

async function onTerminal(columns: number, environment = '', rows = 24): Promise<Tmux> {
  const script = `mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
    ${WITH_RECORD}; echo before; ${environment} ${COMMAND}; echo "after $?"; stty -a | grep -ow -e -icanon -e icanon`;
  const tmux = await Tmux.open(
    async ([file, ...args]) => (await execa(file, args, { timeout: HANG_MS })).stdout,
    `exec unshare --net --mount sh -c '${script.replaceAll("'", String.raw`'\''`)}; exec sleep infinity'`,
    columns,
    rows,
  );
  opened.push(tmux);
  await shows(tmux, /^q quit/m);
  return tmux;
}

const shows = (tmux: Tmux, what: RegExp): Promise<void> => expect.poll(() => tmux.screen()).toMatch(what);

describe.each([40, 80, 200])('on a terminal of %i columns', (columns) => {
  it('shows the device, what is the matter and the keys; q gives the terminal back', async () => {
    const tmux = await onTerminal(columns);
    const screen = await tmux.screen();
    expect(screen).toMatch(/^inetgw lo {2}not in force\n/);
    expect(screen.replaceAll(/\s+/g, ' ')).toContain('set it up again: inetgw lo UP DOWN [record-damaged]');
    expect(screen).not.toContain('before');
    await tmux.press('q');
    await shows(tmux, /^before\nafter 0\nicanon\n/);
  });
});

it('keys: help and back, the order of the classes', async () => {
  const tmux = await onTerminal(80);
  await tmux.press('?');
  await shows(tmux, /^Keys: q or Ctrl-C quits/m);
  await tmux.press('?');
  await shows(tmux, /^q quit {2}\? help {2}f flows {2}sorted by urgency$/m);
  await tmux.press('s');
  await shows(tmux, /sorted by rate$/m);
  await tmux.press('d');
  await shows(tmux, /sorted by drops$/m);
  await tmux.press('f');
  await shows(tmux, /^q quit {2}\? help {2}f hosts {2}flows by traffic$/m);
  await shows(tmux, /^flows: nothing is in force on lo$/m);
  await tmux.press('B');
  await shows(tmux, /flows by bytes$/m);
  await tmux.press('f');
  await shows(tmux, /f flows {2}sorted by drops$/m);
  await tmux.press('C-c');
  await shows(tmux, /^after 0\nicanon$/m);
});

it('follows a terminal that is made narrower, wider and lower', async () => {
  const tmux = await onTerminal(80);
  await tmux.resize(40);
  await shows(tmux, /^warning: the record .{1,20}\n/m);
  await tmux.resize(120, 6);
  await shows(tmux, /^q quit.*sorted by urgency\n*$/m);
  await tmux.resize(200);
  await shows(tmux, /^warning: .*\[record-damaged\]$/m);
});

it('has colour on a terminal, and none where NO_COLOR or TERM forbids it', async () => {
  // eslint-disable-next-line no-control-regex -- that is what is looked for
  const RED = /\x1b\[[\d;]*31m/;
  expect(await (await onTerminal(80)).colouredScreen()).toMatch(RED);
  expect(await (await onTerminal(80, 'NO_COLOR=1')).colouredScreen()).not.toMatch(RED);
});

it('a signal gives the terminal back, too', async () => {
  const tmux = await onTerminal(80);
  const { stdout } = await execa('pgrep', ['-P', await tmux.pid()]);
  process.kill(Number(stdout), 'SIGTERM');
  await shows(tmux, /^before\n(?:Terminated\n)?after 143\nicanon\n/);
});

it('stopped, it gives the terminal back; continued, it shows its page again and reads keys', async () => {
  const tmux = await onTerminal(80);
  const { stdout: pid } = await execa('pgrep', ['-P', await tmux.pid()]);
  process.kill(Number(pid), 'SIGTSTP');
  await shows(tmux, /^before\n/);
  expect((await execa('ps', ['-o', 'state=', '-p', pid])).stdout).toBe('T');
  process.kill(Number(pid), 'SIGCONT');
  await shows(tmux, /^q quit/m);
  await tmux.press('?');
  await shows(tmux, /^Keys: q or Ctrl-C quits/m);
  await tmux.press('q');
  await shows(tmux, /^before\nafter 0\nicanon\n/);
});

it('ends when its terminal is closed, also where no signal tells it so', async () => {
  // In a session of its own it has no terminal that would send one.
  const tmux = await onTerminal(80, 'setsid');
  const { stdout: pid } = await execa('pgrep', ['-P', await tmux.pid()]);
  await tmux.close();
  opened.splice(opened.indexOf(tmux), 1);
  await expect
    .poll(async () => (await execa('ps', ['-o', 'pid=', '-p', pid], { reject: false })).stdout)
    .toBe('');
});

describe('without a terminal', () => {
  it.each([
    [['watch'], 2, 'watch needs a terminal that has a cursor'],
    [['watch', '--json'], 2, 'watch has no end: JSON is for --once'],
    [['watch', 'lo', 'eth0'], 2, 'watch takes one device or none'],
    [['watch', 'nosuch0', '--once'], 1, 'there is no device nosuch0'],
    [['status', '--once'], 2, '--once goes with inetgw watch alone'],
  ] as const)('%j ends with %i: %s', async (words, exitCode, message) => {
    const { code, stdout, stderr } =
      words.length === 1 ? await inNamespace(`${WITH_RECORD}; ${COMMAND}`) : await inetgw(...words);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(stderr).toContain(`inetgw: ${message}`);
  });

  it('no device, or several: it says what to type', async () => {
    const none = await inNamespace(`${COMMAND} --once`);
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('no device is set up')]);
    const two = await inNamespace(`${WITH_RECORD}; cp $record \${record%/*}/wan0.json; ${COMMAND} --once`);
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('take one of them: inetgw watch lo')]);
  });

  it('--once is one screen as text, in the columns of COLUMNS, without colour and keys', async () => {
    const { code, stdout, stderr } = await inNamespace(`${WITH_RECORD}; COLUMNS=40 ${COMMAND} --once`);
    expect([code, stderr]).toEqual([3, '']);
    expect(stdout).toMatch(/^inetgw lo {2}not in force\n/);
    expect(stdout).not.toMatch(/q quit|.{41}/);
  });

  it('--once --json has the same as JSON', async () => {
    const { code, stdout } = await inNamespace(`${WITH_RECORD}; ${COMMAND} lo --once --json`);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      device: 'lo',
      isWhole: false,
      line: null,
      conditions: [{ id: 'record-damaged' }],
      flows: { flows: null, reason: 'nothing is in force on lo' },
    });
  });
});
