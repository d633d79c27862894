/** A shared limit by engines as they are run in earnest: with TLS, with users, with replicas and a sentinel. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../freePort.ts';
import { until } from '../hang.ts';
import { build } from './helpers/buildOnce.ts';
import type { Program } from './helpers/debianProgram.ts';
import { endlessServer } from './helpers/endlessServer.ts';
import { type EngineProcess, enginePrograms, killed, startEngine } from './helpers/engine.ts';
import {
  download,
  type Ended,
  endOf,
  isWhole,
  type Relay,
  shares,
  startRelay,
} from './helpers/sharingRelay.ts';

const LIMIT = 300_000;

let folder: string;
let env: NodeJS.ProcessEnv;
let server: Server;
let serverPort: number;
let programs: [string, Program][];
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  await build();
  programs = await enginePrograms();
  folder = await mkdtemp(join(tmpdir(), 'iprelay-engines-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, HOME: folder };
  ({ server, port: serverPort } = await endlessServer());
  // An engine's own certificate, as `redis-server` is set up with one: for its name, and no address.
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=engine', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ]);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const child of children.splice(0)) await killed(child);
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const redis = (): Program => programs[0]?.[1] ?? expect.unreachable();

async function engineOf(
  program: Program,
  port?: number,
  args: readonly string[] = [],
): Promise<EngineProcess> {
  const started = await startEngine(program, port, args);
  children.push(started.child);
  return started;
}

/** Beside its plain port, which only the test uses, it has one for TLS. */
async function withTls(
  program: Program,
  ...more: string[]
): Promise<{ tlsPort: number; plain: EngineProcess }> {
  const tlsPort = await freePort('127.0.0.1');
  const file = (name: string): string => join(folder, name);
  const tls = [
    '--tls-port',
    String(tlsPort),
    '--tls-cert-file',
    file('cert.pem'),
    '--tls-key-file',
    file('key.pem'),
  ];
  const plain = await engineOf(program, undefined, [...tls, '--tls-ca-cert-file', file('cert.pem'), ...more]);
  return { tlsPort, plain };
}

const start = (
  name: string,
  share: string,
  more: readonly string[] = [],
  own: NodeJS.ProcessEnv = {},
): Promise<Relay> =>
  startRelay(name, ['-b', String(LIMIT), '--share', share, ...more], {
    env: { ...env, ...own },
    serverPort,
    children,
  });

const refused = (share: string, own: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  endOf(['-b', '1k', '--share', share, '127.0.0.1:0:127.0.0.1:9'], { env: { ...env, ...own }, children });

const trusting = (): NodeJS.ProcessEnv => ({ NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') });

describe('by TLS', () => {
  it('a limit is shared with a certificate of one’s own and a user, also by Valkey', async () => {
    for (const [name, program] of programs) {
      const { tlsPort, plain } = await withTls(program, '--tls-auth-clients', 'no', '--requirepass', 'pw');
      const share = `rediss://default:pw@localhost:${tlsPort}`;
      const light = await start(`light-${name}`, share, [], trusting());
      const heavy = await start(`heavy-${name}`, share, ['--set', 'share_weight=3'], trusting());
      for (const each of [light, heavy]) download(each, sockets);
      await until(async () => Math.abs((shares(await light.share())[1] ?? 0) - LIMIT / 4) < 0.02 * LIMIT);
      expect(await light.share()).toMatchObject({ state: 'shared', engine: `rediss://localhost:${tlsPort}` });
      await killed(plain.child);
      for (const each of [light, heavy]) await until(async () => (await each.share()).state === 'alone');
      const { down } = (await heavy.share()).share;
      expect(down).toBeLessThanOrEqual((LIMIT * 3) / 4);
      expect(down).toBeGreaterThan(0.74 * LIMIT);
      for (const socket of sockets.splice(0)) socket.destroy();
    }
  });

  it('an engine whose certificate is not trusted, or is for another name, is not believed', async () => {
    const { tlsPort } = await withTls(redis(), '--tls-auth-clients', 'no');
    const unknown = await refused(`rediss://localhost:${tlsPort}`);
    expect(unknown).toMatchObject({
      code: 1,
      said: expect.stringContaining('self-signed certificate') as string,
    });
    const other = await refused(`rediss://127.0.0.1:${tlsPort}`, trusting());
    expect(other).toMatchObject({
      code: 1,
      said: expect.stringContaining("does not match certificate's") as string,
    });
  });

  it('what does not fit says what to type', async () => {
    // As it is by default: clients need a certificate.
    const { tlsPort, plain } = await withTls(redis());
    const places: [share: string, advice: string][] = [
      [`rediss://localhost:${tlsPort}`, 'tls-auth-clients no'],
      [`redis://localhost:${tlsPort}`, 'does it speak TLS at this port? Then: rediss://'],
      [`rediss://localhost:${plain.port}`, 'does it speak TLS at this port? Without: redis://'],
    ];
    // On a busy machine the connection may be gone before anything was said on it.
    for (const [share, advice] of places)
      await until(async () => {
        const { code, said } = await refused(share, trusting());
        expect(code).toBe(1);
        return said.includes(advice);
      });
  });
});

it('a user that the engine does not know is refused, also where everybody may use it', async () => {
  const { port } = await engineOf(redis());
  const { code, said } = await refused(`redis://nobody:s3cret@127.0.0.1:${port}`);
  expect(code).toBe(1);
  expect(said).toContain('WRONGPASS');
  expect(said).not.toContain('s3cret');
});

describe('a fail-over', () => {
  /** A master and its replica, and an address before them that can be moved: a relay of its own. */
  async function pair(): Promise<{
    master: EngineProcess;
    replica: EngineProcess;
    address: number;
    moveTo: (engine: Pick<EngineProcess, 'port'>) => Promise<void>;
  }> {
    const master = await engineOf(redis(), undefined, ['--repl-diskless-sync-delay', '0']);
    const replica = await engineOf(redis(), undefined, ['--replicaof', `127.0.0.1 ${master.port}`]);
    const address = await freePort('127.0.0.1');
    const way = await startRelay('way', [], { env, serverPort, children });
    const moveTo = async ({ port }: Pick<EngineProcess, 'port'>): Promise<void> => {
      await way.say(`set forwarder 1 127.0.0.1:${address}:127.0.0.1:${port}`);
      // As a virtual address does: connections to where it was end.
      await way.say('kill all');
    };
    await moveTo(master);
    await asked(replica, async (client) =>
      until(async () => (await client.info('replication')).includes('master_link_status:up')),
    );
    return { master, replica, address, moveTo };
  }

  async function asked(
    engine: Pick<EngineProcess, 'port'>,
    what: (client: Redis) => Promise<unknown>,
  ): Promise<void> {
    const client = new Redis(engine.port, '127.0.0.1');
    client.on('error', () => undefined);
    await what(client);
    client.disconnect();
  }

  /** Two that download through an address, half of the limit each; `expectWithinLimit` is about all from then on. */
  async function loaded(address: number): Promise<{ relays: [Relay, Relay]; expectWithinLimit: () => void }> {
    const share = `redis://127.0.0.1:${address}`;
    const relays: [Relay, Relay] = [await start('left', share), await start('right', share)];
    const loads = relays.map((each) => download(each, sockets));
    await until(() => isEven(relays));
    const total = (): number => loads.reduce((all, { bytes }) => all + bytes, 0);
    const [fromBytes, fromMs] = [total(), performance.now()];
    const heldBytes = 0.3 * LIMIT;
    return {
      relays,
      expectWithinLimit: () => {
        const elapsedMs = performance.now() - fromMs;
        expect(total() - fromBytes).toBeLessThan((1.03 * LIMIT * elapsedMs) / 1000 + heldBytes);
      },
    };
  }

  async function isEven(relays: readonly Relay[]): Promise<boolean> {
    const shown = await Promise.all(relays.map((each) => each.share()));
    return shown.every(
      (each) =>
        each.state === 'shared' &&
        each.relays === 2 &&
        isWhole(each, LIMIT) &&
        Math.abs((each.share.down ?? 0) - LIMIT / 2) < 0.02 * LIMIT,
    );
  }

  it('to a replica that was promoted: each has its part until the address leads there, then all is shared', async () => {
    const { master, replica, address, moveTo } = await pair();
    const { relays, expectWithinLimit } = await loaded(address);
    await killed(master.child);
    for (const each of relays) await until(async () => (await each.share()).state === 'alone');
    for (const each of relays) expect((await each.share()).share.down).toBe(LIMIT / 2);
    await asked(replica, (client) => client.replicaof('NO', 'ONE'));
    await moveTo(replica);
    await until(() => isEven(relays));
    for (const each of relays) expect(each.log()).toContain('the engine is back');
    expectWithinLimit();
  });

  it('of a master that goes on as a replica: what it would not write is not believed', async () => {
    const { master, replica, address, moveTo } = await pair();
    const { relays, expectWithinLimit } = await loaded(address);
    await asked(replica, (client) => client.replicaof('NO', 'ONE'));
    await asked(master, (client) => client.replicaof('127.0.0.1', String(replica.port)));
    for (const each of relays) await until(async () => (await each.share()).state === 'alone');
    // While it copies the other one's data it does not answer at all.
    expect((await relays[0].share()).lostBecause).toMatch(/READONLY|no answer/);
    await moveTo(replica);
    await until(() => isEven(relays));
    expectWithinLimit();
  });

  it('by a sentinel is followed by what moves the address; the sentinel’s own address is refused', async () => {
    const { master, replica, address, moveTo } = await pair();
    const settings = join(folder, 'sentinel.conf');
    await writeFile(
      settings,
      `sentinel monitor limit 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds limit 500\n`,
    );
    const port = await freePort('127.0.0.1');
    const { file, env: libraries } = redis();
    const sentinel = execa(file, [settings, '--sentinel', '--port', String(port), '--bind', '127.0.0.1'], {
      env: libraries,
      reject: false,
    });
    children.push(sentinel);
    await asked({ port }, async (client) => {
      const knows = async (): Promise<boolean> =>
        String(await client.call('SENTINEL', 'REPLICAS', 'limit')).includes(String(replica.port));
      await until(knows);
      const { code, said } = await refused(`redis://127.0.0.1:${port}`);
      expect(code).toBe(1);
      expect(said).toContain('a sentinel? The address has to lead to the master itself');
      const { relays, expectWithinLimit } = await loaded(address);
      await killed(master.child);
      const masterNow = async (): Promise<string[]> =>
        (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'limit')) as string[];
      await until(async () => (await masterNow())[1] === String(replica.port));
      await moveTo(replica);
      await until(() => isEven(relays));
      expectWithinLimit();
    });
    sentinel.kill('SIGKILL');
    await sentinel;
  });
});
