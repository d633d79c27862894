import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { execa } from 'execa';
import { build } from './helpers/buildOnce.ts';
import { freePort } from '../freePort.ts';
import { HANG_MS } from '../hang.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtFile } from './helpers/built.ts';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
/** Without tsx in between, so that killing it kills the relay. */
const LOADER = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const BUILT = builtFile('iprelay');
const TSX = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

let folder: string;
let env: NodeJS.ProcessEnv;
const daemons: string[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, HOME: folder };
});

afterEach(async () => {
  for (const pidFile of daemons.splice(0)) {
    const pid = Number((await readFile(pidFile, 'utf8').catch(() => '0')).trim());
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }
  for (const server of servers.splice(0)) server.close();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function iprelay(args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(TSX, [SOURCE, ...args], { env, timeout: HANG_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

/** Starts `iprelay -d` and remembers to end it. */
async function daemon(name: string, args: readonly string[]): Promise<Ended & { pidFile: string }> {
  const pidFile = join(folder, `${name}.pid`);
  daemons.push(pidFile);
  const log = join(folder, `${name}.log`);
  const ended = await iprelay(['-d', '--name', name, '--pid-file', pidFile, '--log', log, ...args]);
  return { ...ended, pidFile };
}

async function serve(handler: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, handler).listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What comes back over a connection to the port until it ends. */
async function fetch(port: number, send = ''): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(send);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe('at the limit on descriptors', () => {
  it.each([
    [64, [], 'only 64 files and connections may be open, at least 102 are needed'],
    [300, ['--set', 'max_conns=1000'], 'at least 2100 are needed for max_conns 1000'],
  ])('refuses to start where %d are too few, and says how many it needs', async (limit, more, message) => {
    const args = ['--import', LOADER, SOURCE, '-f', ...more, `${await freePort()}:127.0.0.1:9`];
    const relay = spawn('prlimit', [`--nofile=${limit}:${limit}`, process.execPath, ...args], { env });
    let said = '';
    relay.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(relay, 'close')).toEqual([1, null]);
    expect(said).toContain(message);
  });

  it('says so however few there are, as soon as Node itself starts', async () => {
    await build();
    const limited = async (limit: number, ...args: string[]): Promise<Ended> => {
      const command = [`--nofile=${limit}:${limit}`, process.execPath, BUILT, ...args];
      const { exitCode, stdout, stderr } = await execa('prlimit', command, { reject: false, env });
      return { code: exitCode ?? -1, stdout, stderr };
    };
    let least = 3;
    while ((await limited(least, '--version')).code !== 0) least++;
    for (let limit = least; limit < least + 6; limit++) {
      const { code, stderr } = await limited(limit, '-d', `${await freePort()}:127.0.0.1:9`);
      expect({ limit, code, stderr }).toMatchObject({ limit, code: 1 });
      expect(stderr).toMatch(
        /^iprelay: (?:only \d+ files and connections|too few files) may be open.*\niprelay: raise the limit: .*$/,
      );
    }
  });

  it('resets new clients while the others go on, and takes clients again when there is room', async () => {
    const to = await serve((socket) => {
      socket.on('error', () => undefined).pipe(socket);
    });
    const port = await freePort();
    // 300 descriptors: a hundred are kept back, two for each connection.
    const command = [
      '--nofile=300:300',
      process.execPath,
      '--import',
      LOADER,
      SOURCE,
      '-f',
      '--log',
      'none',
      `127.0.0.1:${port}:127.0.0.1:${to}`,
    ];
    const relay = spawn('prlimit', command, { env, stdio: 'ignore' });
    const opened: Socket[] = [];
    try {
      const open = async (): Promise<Socket> => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
        opened.push(socket);
        await once(socket, 'connect');
        return socket;
      };
      await expect.poll(() => open().then(() => true)).toBe(true);
      for (const socket of opened.splice(0)) socket.destroy();
      const clients: Socket[] = [];
      for (let i = 0; i < 100; i++) clients.push(await open());
      for (let i = 0; i < 50; i++) {
        // The reset may come before the client has noticed that it was connected.
        const how = await open().then(
          (refused) =>
            once(refused.resume(), 'end').then(
              () => 'ended',
              () => 'reset',
            ),
          () => 'reset',
        );
        expect(how).toBe('reset');
      }
      const echo = async (socket: Socket): Promise<string> => {
        socket.write('still here');
        const gone = Promise.race([once(socket, 'end'), once(socket, 'close')]);
        const [chunk] = (await Promise.race([once(socket, 'data'), gone.then(() => ['refused'])])) as [
          Buffer | string,
        ];
        return chunk.toString();
      };
      for (const client of clients) expect(await echo(client)).toBe('still here');
      clients[0]?.destroy();
      await expect.poll(() => open().then(echo)).toBe('still here');
    } finally {
      for (const socket of opened) socket.destroy();
      relay.kill('SIGKILL');
    }
  });
});

describe('the command line', () => {
  it('answers --version and --help', async () => {
    for (const word of ['--version', 'version'])
      expect(await iprelay([word])).toMatchObject({ code: 0, stdout: 'iprelay dev\n' });
    const help = await iprelay(['--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('iprelay -d -b 512 10080:www.microsoft.com:80');
  });

  it.each([
    [['-b', '512'], 2, 'iprelay: -b needs a proxyspec'],
    [['-d'], 2, 'iprelay: -d needs a proxyspec'],
    [['8080:host:0'], 2, 'iprelay: bad port values in 8080:host:0'],
    [['70000:host:80'], 2, 'iprelay: bad port values in 70000:host:80'],
    [['nonsense'], 2, 'iprelay: not a proxyspec: nonsense'],
    [['relaod', 'mail'], 2, 'did you mean: iprelay reload?'],
    [['slow', 'stop'], 2, 'did you mean: iprelay stop slow?'],
    [['slow', 'ctl', 'show', 'stats'], 2, 'did you mean: iprelay ctl slow show stats?'],
    [['--daemon', '8080:host:80'], 2, "iprelay: unknown option '--daemon'\niprelay: did you mean -d?\n"],
    [['-b', '-5', '8080:host:80'], 2, 'iprelay: -b: not a number of bytes per second'],
    [['-b', '0.1', '8080:host:80'], 2, ' 0.1 (the least is 1)\n'],
    [['-b', 'fast', '8080:host:80'], 2, 'iprelay: -b: not a number of bytes per second'],
    [['--allow', '10.0.0.0/40', '8080:host:80'], 2, 'iprelay: --allow: not a network: 10.0.0.0/40'],
    [['--nonsense'], 2, "iprelay: unknown option '--nonsense'"],
    [['--config', '/nonexistent.toml'], 6, 'iprelay: cannot read /nonexistent.toml: there is no such file'],
    [['attach', 'nobody'], 1, 'iprelay: no relay named nobody is running'],
    [['ctl', 'nobody', 'show', 'all'], 1, 'iprelay: no relay named nobody is running'],
  ] as const)('%j: exit code %d, %s', async (args, code, message) => {
    const ended = await iprelay(args);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(code);
    expect(ended.stdout).toBe('');
  });

  it('does not start where a forwarder leads back to itself, not even with --bind-retry', async () => {
    const port = await freePort();
    const spec = `${port}:localhost:${port}`;
    expect(await daemon('loop', ['--bind-retry', spec])).toMatchObject({
      code: 1,
      stderr: `iprelay: a loop: forwarder 99 (${spec}) -> forwarder 99\n`,
    });
    // Nor is there a log that was not there before.
    await expect(stat(join(folder, 'loop.log'))).rejects.toThrow('ENOENT');
  });

  it('says who holds a port that is in use, in the foreground and as a daemon alike', async () => {
    const port = await serve(() => undefined, '0.0.0.0');
    const message = new RegExp(`^iprelay: port ${port} is in use \\(by .+, process ${process.pid}\\)\n$`);
    const front = await iprelay([`${port}:localhost:80`]);
    expect(front.stderr).toMatch(message);
    expect(front.code).toBe(1);
    const back = await daemon('taken', [`${port}:localhost:80`]);
    expect(back.stderr).toMatch(message);
    expect(back.code).toBe(1);
  });

  it.skipIf(process.getuid?.() !== 0)('says what a port below 1024 needs, with exit code 4', async () => {
    const without = ['--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service', '--'];
    const child = spawn('setpriv', [...without, TSX, SOURCE, '110:1.2.3.4:110'], { env });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'exit')).toEqual([4, null]);
    expect(said).toContain('iprelay: no privilege to listen on port 110\n');
    expect(said).toContain('CAP_NET_BIND_SERVICE');
  });

  it.each(['/etc/hosts/x.log', '/proc/nope/deeper/x.log'])(
    'says in one line that the folder of the log cannot be made, and what to do: %s',
    async (log) => {
      const ended = await iprelay(['-d', '--log', log, '8080:localhost:80']);
      const said =
        /^iprelay: cannot make the log folder \/\S+: E[A-Z]+\niprelay: choose another place with --log\n$/;
      expect(ended.stderr).toMatch(said);
      expect(ended.code).toBe(1);
    },
  );

  it('reports every error of the configuration file with its line and column', async () => {
    const file = join(folder, 'bad.toml');
    await writeFile(file, 'bandwith = 5\nidle_out = -1\n\n[forwarder.1]\nproxy = "80"\nbandwidth = "x"\n');
    const ended = await iprelay(['-d', '--config', file]);
    expect(ended.code).toBe(6);
    expect(ended.stderr.split('\n')).toEqual([
      `iprelay: ${file}:1:1: unknown key bandwith, did you mean bandwidth?`,
      `iprelay: ${file}:2:1: idle_out: not a whole number from 0 to 2000000: -1`,
      `iprelay: ${file}:4:1: [forwarder.1]: Bad value for bandwidth: x`,
      `iprelay: ${file}:5:1: [forwarder.1]: proxy: must be local_port:remote_host:remote_port`,
      '',
    ]);
    await writeFile(file, 'bandwidth = \n');
    expect((await iprelay(['--config', file])).stderr).toMatch(/bad\.toml:1:1[0-9]: /);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a machine without IPv6', () => {
  it('is enough for a list that has IPv4 too; with none of its addresses there, a forwarder is an error', async () => {
    const listening = async (addresses: string): Promise<Ended> => {
      const script = `sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set lo up
exec "$0" "$@"`;
      const relay = [process.execPath, '--import', LOADER, SOURCE, '-d', '--log', 'none', '--set'];
      const command = [...relay, `local_addrs=${addresses}`, '--name', 'no6', '8080:127.0.0.1:80'];
      const argv = ['--net', '--pid', '--fork', '--kill-child', 'sh', '-c', script, ...command];
      return new Promise((resolve) => {
        execFile('unshare', argv, { env, timeout: HANG_MS }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
        });
      });
    };
    expect(await listening('127.0.0.1,::1')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await listening('::1,::1')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'iprelay: cannot listen on [::1]:8080: the address is not on this machine\niprelay: see which are: ip address\n',
    });
  });
});

describe('the prompt', () => {
  it('sets a forwarder, changes the limit, shows both, and leaves with exit', async () => {
    const port = await freePort();
    const { stdout, code } = await iprelay(
      [],
      `set forwarder 1 ${port}:localhost:80\nset bandwidth 3072\nshow stats\nshow\nset forwarder 1\nexit\n`,
    );
    expect(code).toBe(0);
    expect(stdout).toBe(
      '> forwarder 1 set.\n> bandwidth\t3072\n> Total connections: 0\nOpen connections: 0\nBandwidth set to: 3072 bytes / sec.\n' +
        '> Incomplete or incorrect command, try: show ?\n> forwarder 1 deleted.\n> ',
    );
  });

  it('ends with 130 on Ctrl-C', async () => {
    const port = await freePort();
    const child = spawn(TSX, [SOURCE, `${port}:localhost:80`], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(code ?? signal).toBe(130);
  });
});

describe('the daemon', () => {
  it('listens when the command returns, keeps its log and can be reconfigured', async () => {
    const remote = await serve((socket) => {
      socket.end('pop3');
      socket.resume();
    });
    const port = await freePort();
    const started = await daemon('mail', [`${port}:127.0.0.1:${remote}`]);
    expect(started).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await fetch(port)).toBe('pop3');
    const socket = await stat(join(folder, 'inetgw', 'iprelay', 'mail.sock'));
    expect(socket.mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'inetgw', 'iprelay'))).mode & 0o777).toBe(0o700);
    expect((await iprelay(['ctl', 'mail', 'set', 'bandwidth', '1024'])).stdout).toBe('bandwidth\t1024\n');
    const stats = JSON.parse((await iprelay(['ctl', 'mail', 'show', 'stats', '--json'])).stdout) as unknown;
    expect(stats).toMatchObject({ format: 1, totalConnections: 1, limit: { up: 1024, down: 1024 } });
    const refused = await iprelay(['ctl', 'mail', 'kill', 'CONN000077']);
    expect(refused).toMatchObject({ code: 1, stderr: 'No such connection: CONN000077\n' });
    expect((await iprelay(['attach', 'mail'], 'show bandwidth\nexit\n')).stdout).toBe(
      '> bandwidth\t1024\n> ',
    );
    expect((await iprelay(['list'])).stdout).toBe(`mail\t${port} -> 127.0.0.1:${remote}\t0 connections\n`);
    expect(await readFile(join(folder, 'mail.log'), 'utf8')).toMatch(
      / info connected connection=CONN000001 /,
    );
  });

  it('listens on any free port where that is 0, and says on which, also to programs', async () => {
    const remote = await serve((socket) => socket.end('pop3'));
    const started = await daemon('any', [`0:127.0.0.1:${remote}`]);
    expect(started).toMatchObject({ code: 0, stderr: '' });
    const port = Number(/^forwarder 99 listens on port (\d+)\n$/.exec(started.stdout)?.[1]);
    expect(await fetch(port)).toBe('pop3');
    const listed = JSON.parse((await iprelay(['list', '--json'])).stdout) as { name: string }[];
    expect(listed.find(({ name }) => name === 'any')).toMatchObject({
      forwarders: [{ number: 99, listen: port, lastListen: port }],
    });
    const set = await iprelay(['ctl', 'any', 'set', 'forwarder', '1', `0:127.0.0.1:${remote}`]);
    const second = Number(/^forwarder 1 set, it listens on port (\d+)\.\n$/.exec(set.stdout)?.[1]);
    expect(await fetch(second)).toBe('pop3');
  });

  it('drains on SIGTERM: no new clients, the running transfer ends, then everything is tidy', async () => {
    const held: Socket[] = [];
    const remote = await serve((socket) => {
      if (held.push(socket.resume()) > 1) socket.end();
    });
    const port = await freePort();
    const { pidFile } = await daemon('drain', [`${port}:127.0.0.1:${remote}`]);
    const pid = Number(await readFile(pidFile, 'utf8'));
    const transfer = fetch(port, 'go');
    await expect.poll(async () => readFile(join(folder, 'drain.log'), 'utf8')).toContain('connected');
    await expect.poll(() => held.length).toBe(1);
    process.kill(pid, 'SIGTERM');
    await expect.poll(async () => fetch(port).catch(() => 'refused')).toBe('refused');
    held[0]?.end('all of it');
    expect(await transfer).toBe('all of it');
    await expect.poll(async () => readFile(pidFile, 'utf8').catch(() => 'gone')).toBe('gone');
    expect((await iprelay(['list'])).stdout).toBe('');
  });

  it('cuts off on SIGTERM what does not end in time: exit code 0, every connection in the log, whatever SIGHUP does', async () => {
    const remote = await serve((socket) => socket.on('error', () => undefined).resume());
    const port = await freePort();
    const log = join(folder, 'cut.log');
    const args = ['-f', '--log', log, '--set', 'drain_time=1', `127.0.0.1:${port}:127.0.0.1:${remote}`];
    const relay = spawn(process.execPath, ['--import', LOADER, SOURCE, ...args], { env });
    const clients: Socket[] = [];
    try {
      let said = '';
      relay.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = once(relay, 'exit');
      const logged = (): Promise<string> => readFile(log, 'utf8').catch(() => '');
      await expect.poll(logged).toContain('started');
      for (let i = 0; i < 3; i++) {
        const client = connect(port, '127.0.0.1').on('error', () => undefined);
        clients.push(client);
        await once(client, 'connect');
      }
      await expect.poll(logged).toContain('connected connection=CONN000003');
      relay.kill('SIGTERM');
      await expect.poll(logged).toContain('draining');
      relay.kill('SIGHUP');
      expect(await ended).toEqual([0, null]);
      expect(said).toBe('');
      expect((await logged()).match(/ closed connection=/g)).toHaveLength(3);
    } finally {
      for (const client of clients) client.destroy();
      relay.kill('SIGKILL');
    }
  });

  it('reads its configuration again on SIGHUP, keeps the old one if the new one is wrong', async () => {
    const [one, two, remote] = [await freePort(), await freePort(), await serve((socket) => socket.end('x'))];
    const file = join(folder, 'relay.toml');
    const write = (text: string): Promise<void> => writeFile(file, text);
    await write(`bandwidth = 5000\n[forwarder.1]\nproxy = "${one}:127.0.0.1:${remote}"\n`);
    const { pidFile } = await daemon('reload', ['--config', file]);
    const pid = Number(await readFile(pidFile, 'utf8'));
    const show = async (): Promise<string> => (await iprelay(['ctl', 'reload', 'show', 'all'])).stdout;
    expect(await show()).toContain('bandwidth\t5000');
    await write(`bandwidth = 7000\n[forwarder.2]\nproxy = "${two}:127.0.0.1:${remote}"\nbandwidth = 100\n`);
    process.kill(pid, 'SIGHUP');
    await expect.poll(show).toContain(`  forwarder 2 ${two}:127.0.0.1:${remote} bandwidth 100`);
    expect(await show()).toContain('bandwidth\t7000');
    expect(await show()).not.toContain('forwarder 1 ');
    await write('bandwidth = "lots"\n');
    process.kill(pid, 'SIGHUP');
    await expect
      .poll(async () => readFile(join(folder, 'reload.log'), 'utf8'))
      .toContain('configuration not read, all stays');
    expect(await show()).toContain('bandwidth\t7000');
  });

  it('replaces a control socket that a killed daemon left behind', async () => {
    const port = await freePort();
    const first = await daemon('stale', [`${port}:localhost:80`]);
    process.kill(Number(await readFile(first.pidFile, 'utf8')), 'SIGKILL');
    expect((await iprelay(['list'])).stdout).toBe('');
    expect(await daemon('stale', [`${port}:localhost:80`])).toMatchObject({ code: 0, stderr: '' });
  });

  it('lists the others where one does not answer, and says so; nobody waits for that one for good', async () => {
    const port = await freePort();
    await daemon('awake', [`${port}:localhost:80`]);
    const { pidFile } = await daemon('stopped', [`${await freePort()}:localhost:80`]);
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGSTOP');
    expect(await iprelay(['list'])).toEqual({
      code: 0,
      stdout: `awake\t${port} -> localhost:80\t0 connections\nstopped\tdoes not answer\n`,
      stderr: '',
    });
    const json = JSON.parse((await iprelay(['list', '--json'])).stdout) as unknown;
    expect(json).toMatchObject([
      { name: 'awake', openConnections: 0 },
      { name: 'stopped', answers: false },
    ]);
  });

  it('is shown, reloaded and stopped by name', async () => {
    const port = await freePort();
    const file = join(folder, 'named.toml');
    await writeFile(file, `bandwidth = 5000\n[forwarder.1]\nproxy = "${port}:127.0.0.1:9"\n`);
    const { pidFile } = await daemon('named', ['--config', file]);
    const pid = Number(await readFile(pidFile, 'utf8'));
    const shown = JSON.parse((await iprelay(['status', 'named', '--json'])).stdout) as unknown;
    expect(shown).toMatchObject({ name: 'named', pid, openConnections: 0, limit: { up: 5000 } });
    await writeFile(file, `bandwidth = 7000\n[forwarder.1]\nproxy = "${port}:127.0.0.1:9"\n`);
    expect(await iprelay(['reload', 'named'])).toEqual({ code: 0, stdout: '', stderr: '' });
    const bandwidth = async (): Promise<string> =>
      (await iprelay(['ctl', 'named', 'show', 'bandwidth'])).stdout;
    expect(await bandwidth()).toBe('bandwidth\t7000\n');
    const hint =
      'iprelay: a forwarder begins with [forwarder.1], a setting is written as: proxy = "10001:pop3.example.net:110"\n';
    for (const [text, problem, next] of [
      ['bandwith = 1\n', `${file}:1:1: unknown key bandwith, did you mean bandwidth?`, ''],
      ['bandwidth = \n', `${file}:1:`, hint],
      [undefined, `cannot read ${file}: there is no such file`, ''],
    ] as const) {
      await (text === undefined ? rm(file) : writeFile(file, text));
      const ended = await iprelay(['reload', 'named']);
      expect(ended).toMatchObject({ code: 6, stdout: '' });
      const [line = ''] = ended.stderr.split('\n', 1);
      expect(ended.stderr).toBe(`${line}\n${next}`);
      expect(ended.stderr).toContain(`iprelay: ${problem}`);
    }
    expect(await bandwidth()).toBe('bandwidth\t7000\n');
    const log = await readFile(join(folder, 'named.log'), 'utf8');
    expect(log).toContain(
      `configuration not read, all stays problem="cannot read ${file}: there is no such file"\n`,
    );
    expect(await iprelay(['stop', 'named'])).toEqual({
      code: 0,
      stdout: 'the relay named has ended\n',
      stderr: '',
    });
    expect(await readFile(pidFile, 'utf8').catch(() => 'gone')).toBe('gone');
    for (const command of ['status', 'reload', 'stop'])
      expect(await iprelay([command, 'named'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('goes on after SIGHUP where there is nothing to read again, and says so to who asks for it', async () => {
    const port = await freePort();
    const pidFile = join(folder, 'bare.pid');
    daemons.push(pidFile);
    const options = ['-d', '--name', 'bare', '--pid-file', pidFile, '--log', 'none'];
    expect(await iprelay([...options, `${port}:localhost:80`])).toMatchObject({ code: 0, stderr: '' });
    const pid = Number(await readFile(pidFile, 'utf8'));
    process.kill(pid, 'SIGHUP');
    expect(await iprelay(['reload', 'bare'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'iprelay: the relay has no configuration file to read\niprelay: start it with --config FILE\n',
    });
    const shown = JSON.parse((await iprelay(['status', 'bare', '--json'])).stdout) as unknown;
    expect(shown).toMatchObject({ name: 'bare', pid });
    expect(await iprelay(['stop', 'bare'])).toEqual({
      code: 0,
      stdout: 'the relay bare has ended\n',
      stderr: '',
    });
  });

  it('is not said to be stopped where it is of a build that does not tell its process', async () => {
    const runtime = join(folder, 'inetgw', 'iprelay');
    await mkdir(runtime, { recursive: true, mode: 0o700 });
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('{"result":{"format":1,"forwarders":[],"connections":[]}}\n'));
    }).listen(join(runtime, 'old.sock'));
    servers.push(server);
    await once(server, 'listening');
    for (const [command, problem] of [
      ['stop', 'does not tell its process number'],
      ['reload', 'does not say what came of it'],
    ] as const) {
      expect(await iprelay([command, 'old'])).toEqual({
        code: 1,
        stdout: '',
        stderr: `iprelay: the relay old ${problem}: it is of another version\n`,
      });
    }
  });

  it('refuses a second daemon of the same name', async () => {
    await daemon('same', [`${await freePort()}:localhost:80`]);
    const second = await iprelay([
      '-d',
      '--name',
      'same',
      '--log',
      'none',
      `${await freePort()}:localhost:80`,
    ]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('a relay named same is running already');
  });

  it('serves metrics where it is asked to', async () => {
    const [port, metrics] = [await freePort(), await freePort()];
    await daemon('metrics', ['-b', '2000', '--metrics', String(metrics), `${port}:localhost:80`]);
    const text = await (await globalThis.fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    expect(text).toContain('iprelay_limit_bytes_per_second{direction="down"} 2000\n');
    expect(text).toMatch(/^iprelay_bytes_total\{direction="up"\} 0$/m);
  });
});
