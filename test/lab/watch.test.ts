/** `inetgw watch` on a real ppp0, on a terminal: what it shows of a full line is what the line carries. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Figures } from '../../src/report/watch/figures.ts';
import { Tmux } from '../tmux.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, withBpf } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';
import { keepFull } from './traffic.ts';

let guest: Guest;
let tmux: Tmux;
const run = (argv: readonly [string, ...string[]]): Promise<string> => guest.run(withBpf(argv), { ns: 'gw' });
/** Lets a second of the line pass. */
const aSecond = (): Promise<string> => guest.run(['sleep', '1'], { ns: 'gw' });

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await inetgwOk(guest, 'ppp0', '210', '1710');
});
afterAll(() => tmux.close());

async function shows(what: RegExp): Promise<string> {
  let screen = '';
  // Of the guest's own time, so that nothing depends on how busy this machine is.
  for (let second = 0; second < 60; second++) {
    screen = await tmux.screen();
    if (what.test(screen)) return screen;
    await aSecond();
  }
  throw new Error(`${String(what)} is not shown:\n${screen}`);
}

test('a full line, at 80, 40 and 200 columns, and what was taken away', async () => {
  tmux = await Tmux.open(run, `${commandArgv('inetgw', 'watch', 'ppp0').join(' ')}; echo "after $?"`, 80, 30);
  const load = await keepFull(guest, 'DOWN');
  // Of 1710 kbit/s at least 80 % is in use, by what counts framing.
  const full = await shows(/^down \[#+-*\] +1[3-7]\d\d kbit\/s of 1710 kbit\/s +(?:8|9|10)\d %$/m);
  expect(full).toMatch(/^inetgw ppp0 {2}in force {2}pppoe-llcsnap, since /);
  expect(full).toMatch(/^interactive +147 kbit\/s/m);
  // 10 ms of the path, and a packet each way.
  expect(full).toMatch(/^path [1-3]\d\.\d ms /m);
  const figures = JSON.parse(await inetgwOk(guest, 'watch', '--once', '--json')) as Figures;
  expect(figures.line?.down.nowBitPerSec).toBeGreaterThan(0.8 * 1_710_000);
  // It is a second's average: on this processor programs come at their counters some 50 ms sooner or later.
  expect(figures.line?.down.nowBitPerSec).toBeLessThan(1.15 * 1_710_000);
  for (const columns of [40, 200]) {
    await tmux.resize(columns, 30);
    const screen = await shows(/^down \[#/m);
    expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
  await load.end();
  await guest.run(['nft', 'delete', 'table', 'inet', 'inetgw_ppp0'], { ns: 'gw' });
  await shows(/not all in force[^]*\[rules-gone\]$/m);
  await tmux.press('q');
  await shows(/^after 0$/m);
});
