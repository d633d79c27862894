/** The prompt on a real pseudo-terminal, which script(1) of util-linux makes: what only a terminal shows. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { endlessServer } from './helpers/endlessServer.ts';
import { freePort } from '../freePort.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const LOADER = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const UP = '\x1b[A';
const TAB = '\t';
const CTRL_C = '\x03';
/** Empties the line. */
const CTRL_U = '\x15';

let folder: string;
let server: Server;
let serverPort: number;
const terminals: Terminal[] = [];
const clients: Socket[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-terminal-'));
  ({ server, port: serverPort } = await endlessServer(16_384));
});

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const terminal of terminals.splice(0)) terminal.end();
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** `iprelay` on a terminal of 100 columns and 24 rows. */
class Terminal {
  readonly #script: ChildProcess;
  #output = '';
  /** From here on `shows` looks. */
  #mark = 0;

  constructor(...args: readonly string[]) {
    const quoted = args.map((arg) => `'${arg}'`).join(' ');
    // Its own history, and the same one for the next terminal of the test.
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, TERM: 'xterm' };
    this.#script = spawn(
      'script',
      [
        '-qefc',
        `stty rows 24 cols 100; exec ${process.execPath} --import ${LOADER} ${SOURCE} ${quoted}`,
        '/dev/null',
      ],
      { env },
    );
    this.#script.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    terminals.push(this);
  }

  /** Types it; what was shown before is forgotten. */
  type(keys: string): void {
    this.#mark = this.#output.length;
    this.#script.stdin?.write(keys);
  }

  /** What is shown since the last keys. */
  get shown(): string {
    return this.#output.slice(this.#mark);
  }

  async shows(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.shown).toMatch(text);
  }

  get exit(): Promise<number> {
    return once(this.#script, 'exit').then(([code]) => Number(code));
  }

  /** Takes the terminal away, as closing its window does; the relay ends by itself then. */
  end(): void {
    this.#script.kill('SIGKILL');
  }
}

/** A relay with a prompt and so many downloads through it. */
async function relayWith(downloads: number, ...args: readonly string[]): Promise<Terminal> {
  const port = await freePort();
  const terminal = new Terminal(...args, `127.0.0.1:${port}:127.0.0.1:${serverPort}`);
  await terminal.shows('> ');
  for (let i = 0; i < downloads; i++) {
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(client, 'connect');
    client.resume();
    clients.push(client);
  }
  return terminal;
}

describe('the prompt on a terminal', () => {
  it('keeps its history from one session to the next', async () => {
    const first = await relayWith(0);
    first.type('set idle_out 1234\r');
    await first.shows('idle_out\t1234');
    first.type('exit\r');
    expect(await first.exit).toBe(0);
    const second = await relayWith(0);
    second.type('show idle_out\r');
    await second.shows('idle_out\t0');
    second.type(`${UP}${UP}${UP}`);
    await second.shows('set idle_out 1234');
    second.type('\r');
    await second.shows('idle_out\t1234');
  });

  it('completes a word that is unambiguous and lists the ones that may follow', async () => {
    const terminal = await relayWith(1);
    // Keys one after another: what arrives in one piece is taken for pasted text, in which a tab is a space.
    terminal.type('set forw');
    await terminal.shows('set forw');
    terminal.type(TAB);
    await terminal.shows('arder ');
    terminal.type(CTRL_U);
    terminal.type('set bandw');
    await terminal.shows('set bandw');
    terminal.type(TAB);
    await terminal.shows('idth');
    terminal.type(TAB);
    await terminal.shows(/bandwidth_up\s+bandwidth_down/);
    terminal.type(CTRL_U);
    terminal.type('kill C');
    await terminal.shows('kill C');
    terminal.type(TAB);
    await terminal.shows('ONN000001');
    terminal.type('\r');
    await terminal.shows('> ');
    await expect.poll(() => clients[0]?.closed).toBe(true);
  });

  it('draws a live table until a key is pressed, and then is the prompt it was', async () => {
    const terminal = await relayWith(2, '-b', '20000');
    terminal.type('watch\r');
    await terminal.shows(/2 connections, in \d+\.\d\d kB\/s/);
    await terminal.shows(/CONN000001 +\d+\.\d\d.*127\.0\.0\.1:\d+ -> 127\.0\.0\.1:/);
    // Drawn again each second, with other figures.
    await expect.poll(() => terminal.shown.split('2 connections, in ').length).toBeGreaterThan(4);
    terminal.type('q');
    await terminal.shows('> ');
    terminal.type('show bandwidth\r');
    await terminal.shows('bandwidth\t20000');
    // Ctrl-C ends the table as well, not the relay.
    terminal.type('watch\r');
    await terminal.shows('2 connections, in ');
    terminal.type(CTRL_C);
    await terminal.shows('> ');
    terminal.type('show version\r');
    await terminal.shows('iprelay dev');
  });

  it('answers while ten transfers without end wait for 100 bytes per second', async () => {
    const terminal = await relayWith(10, '-b', '100');
    for (let i = 1; i <= 20; i++) {
      terminal.type(`set debug ${i % 3}\r`);
      await terminal.shows(`debug\t${i % 3}`);
    }
    terminal.type('set bandwidth 100000\r');
    await terminal.shows('bandwidth\t100000');
  });

  it('ends when the terminal is closed', async () => {
    const port = await freePort();
    const terminal = new Terminal(`127.0.0.1:${port}:127.0.0.1:${serverPort}`);
    await terminal.shows('> ');
    terminal.end();
    const refused = async (): Promise<unknown> => {
      const socket = connect(port, '127.0.0.1');
      const how = await once(socket, 'connect').catch((error: unknown) => (error as Error).message);
      socket.destroy();
      return how;
    };
    await expect.poll(refused).toMatch(/ECONNREFUSED/);
  });

  it('ends with 130 on Ctrl-C', async () => {
    const terminal = await relayWith(0);
    terminal.type(CTRL_C);
    expect(await terminal.exit).toBe(130);
  });
});
