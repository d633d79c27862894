/** One limit for several relays, by the real engines: what the engine gives them, and what becomes of it when something ends. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { endlessServer } from './helpers/endlessServer.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { REPORT } from '../../src/relay/share/script.ts';
import { freePort } from '../freePort.ts';
import { until } from '../hang.ts';
import { maxMin } from '../model/maxMin.ts';
import { build } from './helpers/buildOnce.ts';
import type { Program } from './helpers/debianProgram.ts';
import { type EngineProcess, enginePrograms, killed, startEngine } from './helpers/engine.ts';
import {
  download as loadFrom,
  type Ended,
  endOf,
  isWhole as isGivenOut,
  type Loaded,
  type Relay,
  shares,
  type Shown,
  startRelay,
} from './helpers/sharingRelay.ts';

const LIMIT = 300_000;
/** The suite has 2 and 3; with LAB_LONG=1 there are 5 and 50. */
const CROWDS = process.env['LAB_LONG'] === '1' ? [5, 50] : [3];

let folder: string;
let env: NodeJS.ProcessEnv;
let server: Server;
let programs: [string, Program][];
let engine: EngineProcess;
const children: ChildProcess[] = [];
const sockets: Socket[] = [];

const redis = (): Program => programs[0]?.[1] ?? expect.unreachable();

beforeAll(async () => {
  await build();
  programs = await enginePrograms();
  folder = await mkdtemp(join(tmpdir(), 'iprelay-share-'));
  env = { ...process.env, XDG_RUNTIME_DIR: folder, XDG_STATE_HOME: folder, HOME: folder };
  ({ server } = await endlessServer());
  engine = await startEngine(redis());
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const child of children.splice(0)) await killed(child);
});

afterAll(async () => {
  await killed(engine.child);
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** An engine of one test, ended with it. */
async function ownEngine(
  program: Program,
  ...more: [port?: number, args?: readonly string[]]
): Promise<EngineProcess> {
  const own = await startEngine(program, ...more);
  children.push(own.child);
  return own;
}

let runs = 0;
/** A name that no other test shares a limit by. */
const fresh = (): string => `test${++runs}`;

async function start(name: string, args: readonly string[], shared?: string): Promise<Relay> {
  const { port: serverPort } = server.address() as AddressInfo;
  const sharing = shared === undefined ? [] : ['--share-name', shared];
  return startRelay(name, [...sharing, ...args], { env, serverPort, children });
}

const byEngine = (port = engine.port): string[] => [
  '-b',
  String(LIMIT),
  '--share',
  `redis://127.0.0.1:${port}`,
];

const download = (relay: Relay): Loaded => loadFrom(relay, sockets);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
const isWhole = (shown: Shown): boolean => isGivenOut(shown, LIMIT);

/** Bytes by all together from now on: within the limit, whatever the machine does meanwhile. */
async function expectWithinLimit(loads: readonly Loaded[], bytes: number): Promise<void> {
  const total = (): number => sum(loads.map((each) => each.bytes));
  // What the kernel held of before is read first.
  await until(() => loads.every((each) => each.bytes > 0));
  const [from, fromMs] = [total(), performance.now()];
  await until(() => total() - from >= bytes);
  const burstBytes = 0.15 * LIMIT;
  expect(total() - from).toBeLessThan((1.03 * LIMIT * (performance.now() - fromMs)) / 1000 + burstBytes);
}

interface Asking {
  readonly weight: number;
  readonly want: number;
}

describe('the engine’s script', () => {
  const connection = (): Redis => new Redis(engine.port, '127.0.0.1');

  it('gives what is due by want and weight after three rounds, and at no moment more than the limit', async () => {
    for (const [name, program] of programs) {
      const own = await ownEngine(program);
      const client = new Redis(own.port, '127.0.0.1');
      const asking = fc.record({
        weight: fc.integer({ min: 1, max: 9 }),
        want: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000_000 })),
      });
      const both = fc.array(asking, { minLength: 1, maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(
          both,
          both,
          fc.integer({ min: 10_000, max: 1_000_000 }),
          async (before, after, limit) => {
            await client.flushall();
            // In one transaction: the engine's clock stands still between the reports, however busy the machine is.
            const reports = client.multi();
            const round = (those: readonly Asking[]): void => {
              for (const [n, { weight, want }] of those.entries())
                reports.eval(REPORT, 1, 'key', `h/${n}`, weight, want, limit, 0, 0, 0, 0);
            };
            const moves = after.slice(0, before.length);
            for (let n = 0; n < 3; n++) round(before);
            for (let n = 0; n < 3; n++) round([...moves, ...before.slice(moves.length)]);
            const answers = ((await reports.exec()) ?? []).map(([error, answer]) => {
              expect(error).toBeNull();
              return answer as number[];
            });
            const held = before.map(() => 0);
            for (const [n, [relays = 0, , share = 0, of]] of answers.entries()) {
              expect(relays).toBe(Math.min(n + 1, before.length));
              expect(of).toBe(limit);
              held[n % before.length] = share;
              // Nobody is left without a thousandth of what is due to it; shares are whole numbers from 1 on.
              expect(sum(held)).toBeLessThanOrEqual(limit * (1 + 0.001 * before.length) + before.length);
            }
            const last = [...moves, ...before.slice(moves.length)];
            const least = (0.01 * limit) / last.length;
            const due = maxMin(
              limit,
              last.map(({ weight, want }) => ({ weight, want: Math.max(want, least) })),
            );
            for (const [n, share] of held.entries())
              expect(Math.abs(share - (due[n] ?? 0))).toBeLessThan(2 + limit / 1e4);
          },
        ),
        { numRuns: 60 },
      );
      client.disconnect();
      await killed(own.child);
      expect(name).not.toBe('');
    }
  });

  it('the lowest limit that any relay has is that of all; a direction without one is not shared', async () => {
    const client = connection();
    const answers = await client
      .multi()
      .eval(REPORT, 1, 'low', 'h/a', 1, 900, 1000, 0, 500, 1000, 0)
      .eval(REPORT, 1, 'low', 'h/b', 1, 900, 800, 0, 0, 0, 0)
      .eval(REPORT, 1, 'low', 'h/a', 1, 900, 1000, 0, 500, 1000, 0)
      .eval(REPORT, 1, 'low', 'h/b', 1, 900, 800, 0, 0, 0, 0)
      .exec();
    client.disconnect();
    const [, , a, b] = (answers ?? []).map(([, answer]) => answer);
    expect(a).toEqual([2, 2, 400, 800, 1000, 1000]);
    expect(b).toEqual([2, 2, 400, 800, 0, 0]);
  });

  it.each([3_600_000, -3_600_000])(
    'of an engine whose clock was %d ms apart nothing is believed: who had a share keeps it, and nobody’s grows at first',
    async (apartMs) => {
      const client = connection();
      const key = fresh();
      const [sec] = await client.time();
      for (const id of ['h/a', 'h/b'])
        await client.hset(key, id, `${Number(sec) * 1000 + apartMs} 1 900 1000 900 0 0 0`);
      const answers = await client
        .multi()
        .eval(REPORT, 1, key, 'h/a', 1, 900, 1000, 300, 0, 0, 0)
        .eval(REPORT, 1, key, 'h/b', 1, 900, 1000, 600, 0, 0, 0)
        .eval(REPORT, 1, key, 'h/a', 1, 900, 1000, 300, 0, 0, 0)
        .exec();
      client.disconnect();
      expect((answers ?? []).map(([, answer]) => (answer as number[])[2])).toEqual([300, 500, 300]);
    },
  );
});

describe('relays that share a limit', () => {
  it('have it by weight, one alone has what the other leaves, and who ends leaves all', async () => {
    const shared = fresh();
    const light = await start('light', byEngine(), shared);
    const heavy = await start('heavy', [...byEngine(), '--set', 'share_weight=3'], shared);
    const first = download(light);
    await until(async () => ((await light.share()).share.down ?? 0) > 0.97 * LIMIT);
    const second = download(heavy);
    await until(async () => {
      const now = shares(await light.share());
      return now.some((each) => Math.abs(each - LIMIT / 4) < 0.02 * LIMIT) && sum(now) >= 0.99 * LIMIT;
    });
    await expectWithinLimit([first, second], 3 * LIMIT);
    expect(await light.say('show stats')).toMatch(
      new RegExp(`\nShared by 2 relays through redis://127.0.0.1:${engine.port} \\(${shared}\\), share up: `),
    );
    expect(await light.say('show share')).toMatch(/\n {2}\S+\/heavy\/\S+ weight 3 up \d+ bytes/);
    await light.say('set share_weight 3');
    await until(async () => Math.abs(((await light.share()).share.down ?? 0) - LIMIT / 2) < 0.02 * LIMIT);
    await killed(heavy.child, 'SIGKILL');
    await until(async () => {
      const now = await light.share();
      return now.relays === 1 && (now.share.down ?? 0) >= 0.99 * LIMIT;
    });
    const third = await start('third', byEngine(), shared);
    await until(async () => (await light.share()).relays === 2);
    sockets.splice(0).forEach((socket) => socket.destroy());
    await killed(third.child, 'SIGTERM');
    expect((await light.share()).sharers).toHaveLength(1);
  });

  it.each(CROWDS)('%d of them: all of the limit is given out, and no more', async (count) => {
    const shared = fresh();
    const crowd: Relay[] = [];
    for (let n = 0; n < count; n++) crowd.push(await start(`crowd${n}`, byEngine(), shared));
    const loads = crowd.map((each) => download(each));
    const [one = expect.unreachable()] = crowd;
    await until(async () => {
      const now = await one.share();
      const least = (0.9 * LIMIT) / count;
      return now.relays === count && isWhole(now) && shares(now).every((each) => each >= least);
    });
    await expectWithinLimit(loads, 5 * LIMIT);
    expect(sum(shares(await one.share()))).toBeLessThanOrEqual(1.02 * LIMIT);
  });

  it('go on with their parts when the engine is killed or hangs, and share again when it is back', async () => {
    const shared = fresh();
    let own = await ownEngine(redis());
    const relays = [
      await start('left', byEngine(own.port), shared),
      await start('right', [...byEngine(own.port), '--set', 'share_weight=2'], shared),
    ];
    const [left = expect.unreachable(), right = expect.unreachable()] = relays;
    const loads = [download(left)];
    const isAlone = async (each: Relay): Promise<boolean> => (await each.share()).state === 'alone';
    const isShared = async (each: Relay): Promise<boolean> => (await each.share()).state === 'shared';
    const all = async (is: (each: Relay) => Promise<boolean>): Promise<boolean> =>
      (await Promise.all(relays.map(is))).every(Boolean);
    await until(async () => ((await left.share()).share.down ?? 0) > 0.97 * LIMIT);
    await killed(own.child);
    await until(() => all(isAlone));
    expect((await left.share()).share).toEqual({ up: LIMIT / 3, down: LIMIT / 3 });
    expect((await right.share()).share).toEqual({ up: (LIMIT * 2) / 3, down: (LIMIT * 2) / 3 });
    expect(await left.share()).toMatchObject({
      lostSince: expect.stringMatching(/^20.*Z$/) as string,
      lostBecause: `connect ECONNREFUSED 127.0.0.1:${own.port}`,
    });
    expect(await left.say('show stats')).toContain('\nThe engine does not answer since 20');
    expect(left.log()).toContain('the engine does not answer: this relay has its part of the limit');
    loads.push(download(right));
    await expectWithinLimit(loads, 2 * LIMIT);
    own = await ownEngine(redis(), own.port);
    await until(() => all(isShared));
    await until(async () => isWhole(await left.share()) && (await left.share()).relays === 2);
    expect(left.log()).toContain('the engine is back');
    own.child.kill('SIGSTOP');
    await until(() => all(isAlone));
    expect((await left.share()).lostBecause).toMatch(/no answer|imeout|ETIMEDOUT/);
    own.child.kill('SIGCONT');
    await until(() => all(isShared));
    await until(async () => isWhole(await right.share()));
    await expectWithinLimit(loads, 2 * LIMIT);
    await killed(own.child);
  });

  it('what one has that is cut off from the engine is kept free for it', async () => {
    const shared = fresh();
    // The way to the engine is a relay itself, which can be stopped with its connections standing.
    const way = await start('way', []);
    const wayPort = await freePort('127.0.0.1');
    await way.say(`set forwarder 1 127.0.0.1:${wayPort}:127.0.0.1:${engine.port}`);
    const cut = await start('cut', byEngine(wayPort), shared);
    const stays = await start('stays', byEngine(), shared);
    const loads = [cut, stays].map((each) => download(each));
    await until(async () => (await stays.share()).relays === 2 && isWhole(await stays.share()));
    await way.say('set fault 1 stall hold');
    await until(async () => (await cut.share()).state === 'alone');
    expect((await cut.share()).share.down).toBe(LIMIT / 2);
    await until(async () => (await stays.share()).sharers.some(({ ageMs }) => ageMs > 2000));
    expect(await stays.share()).toMatchObject({ relays: 2, share: { down: LIMIT / 2 } });
    expect(await stays.say('show share')).toMatch(/\/cut\/\S+ .*, silent for /);
    await expectWithinLimit(loads, 3 * LIMIT);
    await way.say('set fault 1 off');
    await until(async () => (await cut.share()).state === 'shared');
    await until(async () => isWhole(await stays.share()));
  });
});

const refused = (args: readonly string[]): Promise<Ended> => endOf(args, { env, children });

describe('what cannot be shared', () => {
  const SPEC = '127.0.0.1:0:127.0.0.1:9';

  it.each([
    [['-b', '1k', '--share', 'http://:s3cret@h'], '--share: not of the form redis://'],
    [
      ['-b', '1k', '--share', 'redis://:s3cret@h/x'],
      '--share: after host and port comes the number of a database',
    ],
    [['--share', 'redis://:s3cret@h'], 'there is no limit to share'],
    [['-b', '1k', '--share-name', 's3'], '--share-name goes with --share alone'],
    [['-b', '1k', '--share', 'redis://h', '--share-name', 'a b'], '--share-name: not a name: a b'],
    [['-b', '1k', '--set', 'share_weight=0'], '--set: not a whole number from 1 to 1000: 0'],
  ])('%j is refused with one line, without the password', async (args, line) => {
    const { code, said } = await refused([...args, SPEC]);
    expect(code).toBe(2);
    expect(said).toContain(`iprelay: ${line}`);
    expect(said).not.toContain('s3cret');
  });

  it('of the configuration file with its place', async () => {
    const file = join(folder, 'bad.toml');
    await writeFile(file, 'bandwidth = 1\nshare = "redis://:s3cret@h/x"\nshare_name = "a b"\n');
    const { code, said } = await refused(['-c', file, SPEC]);
    expect(code).toBe(6);
    expect(said).toContain(`${file}:2:1: share: after host and port`);
    expect(said).toContain(`${file}:3:1: share_name: letters`);
    expect(said).not.toContain('s3cret');
  });

  it('without an engine it does not start, unless it is told how many relays there are', async () => {
    const none = await freePort('127.0.0.1');
    const { code, said } = await refused([...byEngine(none), SPEC]);
    expect(code).toBe(1);
    expect(said).toContain(
      `iprelay: cannot share the limit by redis://127.0.0.1:${none}: connect ECONNREFUSED 127.0.0.1:${none}`,
    );
    const four = await start('four', [...byEngine(none), '--set', 'share_relays=4'], fresh());
    expect(await four.share()).toMatchObject({ state: 'alone', relays: null, share: { down: LIMIT / 4 } });
    const late = await ownEngine(redis(), none);
    await until(async () => (await four.share()).state === 'shared');
    await until(async () => ((await four.share()).share.down ?? 0) === LIMIT);
    await killed(late.child);
  });

  it('by a user who may do no more than the manual says, and hears who is cut off', async () => {
    const client = new Redis(engine.port, '127.0.0.1');
    const manual = await readFile(new URL('../../docs/iprelay-reference.md', import.meta.url), 'utf8');
    const [, words = ''] = /user needs (.+?)`PUBSUB`/s.exec(manual) ?? expect.unreachable();
    const commands = [...words.matchAll(/`([A-Z]+)`/g)].map((match) => `+${(match[1] ?? '').toLowerCase()}`);
    expect(commands).toContain('+evalsha');
    await client.call(
      'ACL',
      'SETUSER',
      'joe',
      'on',
      '>pw',
      '~iprelay:share:*',
      '&iprelay:share:*',
      ...commands,
      '+pubsub',
    );
    const shared = fresh();
    const joe = await start(
      'joe',
      ['-b', '1k', '--share', `redis://joe:pw@127.0.0.1:${engine.port}/2`],
      shared,
    );
    await until(
      async () =>
        ((await client.call('PUBSUB', 'CHANNELS', `iprelay:share:${shared}:*`)) as string[]).length === 1,
    );
    expect(await joe.share()).toMatchObject({ state: 'shared', sharers: [{ weight: 1 }] });
    const channels = await client.call('ACL', 'LOG');
    expect(channels).toEqual([]);
    client.disconnect();
  });

  it('a password is needed, is taken from the file, and is shown nowhere', async () => {
    const own = await ownEngine(redis(), undefined, ['--requirepass', 's3c/ret']);
    const place = `127.0.0.1:${own.port}`;
    const without = await refused(['-b', '1k', '--share', `redis://${place}`, SPEC]);
    expect(without).toMatchObject({ code: 1, said: expect.stringContaining('NOAUTH') as string });
    const wrong = await refused(['-b', '1k', '--share', `redis://:wr0ng@${place}`, SPEC]);
    expect(wrong).toMatchObject({ code: 1, said: expect.stringContaining('WRONGPASS') as string });
    expect(wrong.said).not.toContain('wr0ng');
    const file = join(folder, 'right.toml');
    await writeFile(file, `bandwidth = ${LIMIT}\nshare = "redis://:s3c%2Fret@${place}"\ndebug = 2\n`);
    const right = await start('right', ['-c', file], fresh());
    expect((await right.share()).state).toBe('shared');
    await killed(own.child);
    await until(async () => (await right.share()).state === 'alone');
    const shown = await Promise.all(
      ['show all', 'show all --json', 'show stats', 'show stats --json', 'show share'].map(right.say),
    );
    for (const text of [...shown, right.log()]) expect(text).not.toMatch(/s3c(\/|%2F)ret/);
  });
});
