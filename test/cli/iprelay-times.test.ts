/** Limits by time of day, as a whole process whose wall clock the test sets, and once with the real one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { freePort } from '../freePort.ts';
import { until } from '../hang.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const LOADER = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));

/** As faketime does: the wall clock of the process is so much ahead as a file says, in ms; timers go on as they are. */
const CLOCK = `import { readFileSync } from 'node:fs';
const Real = Date;
const now = () => Real.now() + Number(readFileSync(process.env.CLOCK_FILE, 'utf8'));
globalThis.Date = class extends Real {
  constructor(...values) { super(...(values.length === 0 ? [now()] : values)); }
  static now() { return now(); }
};`;

interface Status {
  limit: { up: number | null };
  times: { of: string; inForce: string | null; untilLocal: string | null }[];
}

let folder: string;
let env: NodeJS.ProcessEnv;
let server: Server;
let relay: ChildProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-times-'));
  await writeFile(join(folder, 'clock.mjs'), CLOCK);
  env = {
    ...process.env,
    XDG_RUNTIME_DIR: folder,
    HOME: folder,
    TZ: 'Europe/Berlin',
    CLOCK_FILE: join(folder, 'clock'),
  };
  // Says again what it is told.
  server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  const ending = relay;
  relay = undefined;
  if (ending?.exitCode !== null) return;
  ending.kill('SIGKILL');
  await once(ending, 'exit');
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** From now on it is that time; the rename is for who reads at this moment. */
async function setClock(at: string): Promise<void> {
  await writeFile(join(folder, 'clock.new'), String(Date.parse(at) - Date.now()));
  await execa('mv', ['clock.new', 'clock'], { cwd: folder });
}

async function start(args: readonly string[], more: readonly string[] = []): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--import', LOADER, ...more, SOURCE, '-f', '--name', 'timed', '--log', join(folder, 'log'), ...args],
    { env, stdio: 'ignore' },
  );
  relay = child;
  await until(async () => child.exitCode !== null || (await run('status', 'timed')).code === 0);
  expect(child.exitCode).toBeNull();
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['--import', LOADER, SOURCE, ...args], {
    env,
    reject: false,
  });
  return { code: exitCode ?? -1, stdout, stderr };
}

async function status(): Promise<Status> {
  return JSON.parse((await run('status', 'timed', '--json')).stdout) as Status;
}

const inForce = async (): Promise<string | null | undefined> => (await status()).times[0]?.inForce;

/** Says something through the connection and hears it again. */
async function echo(client: Socket, text: string): Promise<void> {
  client.write(text);
  let heard = '';
  while (heard !== text) heard += String((await once(client, 'data'))[0]);
}

describe('a limit by time of day', () => {
  it('is in force when the clock comes to it, also in the hour that is there twice, and connections go on', async () => {
    const port = await freePort();
    const { port: remote } = server.address() as AddressInfo;
    const shifted = ['--import', join(folder, 'clock.mjs')];
    // A minute before winter time begins in Berlin: at 03:00 it is 02:00 again.
    await setClock('2026-10-25T00:59:00Z');
    const times = ['--times', 'sun 02:00-02:30 20k', '-b', '1mb'];
    await start([...times, `${port}:127.0.0.1:${remote}`], shifted);
    const client = connect(port, '127.0.0.1');
    await echo(client, 'before');
    // A moment before: how long the start took does not matter.
    await setClock('2026-10-25T00:59:58Z');
    await until(async () => (await inForce()) === 'bandwidth 20000');
    expect(await status()).toMatchObject({
      limit: { up: 20_000, down: 20_000 },
      times: [{ of: 'process', untilLocal: 'Sun 2026-10-25 02:30' }],
    });
    expect((await run('status', 'timed')).stdout).toContain(
      '\n  Limit by time of the process: bandwidth 20000 until Sun 2026-10-25 02:30',
    );
    await echo(client, 'meanwhile');
    // Set forwards, and back to before.
    await setClock('2026-10-25T05:00:00Z');
    await until(async () => (await inForce()) === null);
    expect((await status()).limit.up).toBe(1_000_000);
    await setClock('2026-10-25T00:10:00Z');
    await until(async () => (await inForce()) === 'bandwidth 20000');
    await echo(client, 'afterwards');
    client.destroy();
    const log = await readFile(join(folder, 'log'), 'utf8');
    expect(log).toMatch(/info limit by time inForce="bandwidth 20000" until="Sun 2026-10-25 02:30"/);
    expect(log).toMatch(/info limit by time inForce="as set"/);
  });

  it('goes by the real clock, and stays right when the file is read again', async () => {
    const minute = (ms: number): string =>
      new Intl.DateTimeFormat('en-GB', {
        timeZone: 'Europe/Berlin',
        hour: '2-digit',
        minute: '2-digit',
      }).format(ms);
    const nowMs = Date.now();
    const file = join(folder, 'relay.toml');
    const write = (times: string): Promise<void> =>
      writeFile(file, `times = ["${times}"]\n[forwarder.1]\nproxy = "0:127.0.0.1:9"\n`);
    // From the next minute on, for as long as any test may take.
    await write(`${minute(nowMs + 60_000)}-${minute(nowMs + 6 * 3600_000)} 500`);
    await start(['--config', file]);
    await until(async () => (await inForce()) === 'bandwidth 500');
    await write(`${minute(nowMs + 7 * 3600_000)}-${minute(nowMs + 8 * 3600_000)} 500`);
    expect(await run('reload', 'timed')).toMatchObject({ code: 0 });
    expect(await inForce()).toBeNull();
    await write('mon-fry 5');
    expect(await run('reload', 'timed')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('relay.toml:1:1: times: "mon-fry 5": not a day: fry') as string,
    });
    expect((await status()).times).toHaveLength(1);
  });

  it('is refused with one line where it is wrong, or where the time zone is not known', async () => {
    const refused = (...args: string[]): Promise<unknown> => run('-f', ...args, '0:127.0.0.1:9');
    expect(await refused('--times', '18-23 500k')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^iprelay: --times: "18-23 500k": not from one minute .* \(as in: 18:00-23:00\)\niprelay: as in: .*$/,
      ) as string,
    });
    env['TZ'] = 'Europe/Berln';
    expect(await refused('--times', 'fri 500k')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('TZ is no time zone: Europe/Berln') as string,
    });
    env['TZ'] = 'Europe/Berlin';
  });
});
