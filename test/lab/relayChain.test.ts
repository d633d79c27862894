/** Relays behind each other share as the manual says, whatever the machine does meanwhile. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { firstOf, LONG } from './forms.ts';
import { checkoutRoot } from './paths.ts';
import type { Shares, SharesRequest } from './relayShares.ts';
import { sharedGuest } from './sharedGuest.ts';

const PROGRAM = '/run/relayShares.mjs';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  const { outputFiles } = await build({
    entryPoints: [join(checkoutRoot, 'test/lab/relayShares.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
  });
  await guest.request('write', { path: PROGRAM, text: outputFiles[0]?.text ?? '' });
});

async function shares(ask: Omit<SharesRequest, 'node' | 'iprelay'>): Promise<Shares> {
  const request: SharesRequest = {
    node: process.execPath,
    iprelay: join(checkoutRoot, 'dist/bin/iprelay.js'),
    ...ask,
  };
  const script = `ip link set lo up; exec "$0" "$@"`;
  const argv = [
    'unshare',
    '-n',
    'sh',
    '-c',
    script,
    process.execPath,
    PROGRAM,
    JSON.stringify(request),
  ] as const;
  return JSON.parse(await guest.run(argv)) as Shares;
}

/** Each within 3 %. */
function expectNear(got: Shares, wanted: Shares): void {
  expect(got.map((each) => each.length)).toEqual(wanted.map((each) => each.length));
  for (const [index, each] of got.entries()) {
    for (const [at, bytesPerSec] of each.entries()) {
      const want = wanted[index]?.[at] ?? 0;
      expect(Math.abs(bytesPerSec / want - 1), JSON.stringify(got)).toBeLessThan(0.03);
    }
  }
}

/** Two minutes each, half a minute of which is the way to steady shares. */
test.runIf(LONG).each(['down', 'up'] as const)(
  'the example of the manual, 1024 within 3072, two connections at each, %s',
  async (direction) => {
    const got = await shares({
      limits: [3072, 1024],
      connections: [2, 2],
      direction,
      warmUpMs: 30_000,
      windowMs: 150_000,
    });
    expectNear(got, [
      [1024, 1024],
      [512, 512],
    ]);
  },
);

test.each(firstOf(['up', 'down'] as const))(
  'what the second may have and the first has not for it is shared alike, %s',
  async (direction) => {
    const got = await shares({
      limits: [300_000, 100_000],
      connections: [4, 1],
      direction,
      warmUpMs: 4000,
      windowMs: 6000,
    });
    expectNear(got, [[60_000, 60_000, 60_000, 60_000], [60_000]]);
  },
);
