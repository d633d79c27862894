/**
 * Every program that inetgw runs, made to misbehave at every call: afterwards the new state or the old one, or, where
 * nothing could be put back any more, a state that the next run repairs.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  expectSaid,
  HOWS,
  installFaults,
  MAX_CALLS,
  removeFaults,
  survived,
  withFault,
} from './faultPrograms.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  untouched = await snapshot(guest);
  await installFaults(guest);
});
afterAll(() => removeFaults(guest));

const NEW = ['ppp0', '210', '1710', '--firewall'];
const OLD = ['ppp0', '300', '3mbit', '--firewall'];

describe.each(['nft', 'iptables'])('rules by %s', (firewall) => {
  let whole: string;
  /** What is in force where the rehearsal came to nothing: it is said, and the next run tries again. */
  let unpaced: string;
  let earlier: string;
  beforeAll(async () => {
    await inetgwOk(guest, ...NEW, firewall, '--pacing', 'off');
    unpaced = await snapshot(guest);
    await inetgwOk(guest, ...NEW, firewall);
    whole = await snapshot(guest);
    await inetgwOk(guest, ...OLD, firewall);
    earlier = await snapshot(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  // One that fails must not take the next ones along.
  beforeEach(() => inetgw(guest, 'ppp0', 'clear'));

  test.each(HOWS)(
    '%s at each call of a first apply: all or nothing, and the next run repairs',
    async (how) => {
      let call = 1;
      for (; call <= MAX_CALLS; call++) {
        const result = await withFault(guest, 'inetgw', [...NEW, firewall], { call, how });
        if (result === undefined) break;
        expectSaid(result, how);
        if (survived(how)) {
          const said = `call ${call} ended with ${result.code}: ${result.stderr}`;
          const paced = !result.stderr.startsWith('inetgw: no window pacing here: ');
          const set = paced ? whole : unpaced;
          expect(await snapshot(guest), said).toBe(result.code === 0 ? set : untouched);
        }
        await inetgwOk(guest, ...NEW, firewall);
        expect(await snapshot(guest)).toBe(whole);
        await inetgwOk(guest, 'ppp0', 'clear');
        expect(await snapshot(guest)).toBe(untouched);
      }
      console.log(`${firewall} apply ${how}: ${call - 1} calls`);
      expect(call).toBeGreaterThan(3);
    },
  );

  test.each(HOWS)('%s at each call of a change of rates: the old or the new ones', async (how) => {
    await inetgwOk(guest, ...OLD, firewall);
    let call = 1;
    for (; call <= MAX_CALLS; call++) {
      const result = await withFault(guest, 'inetgw', [...NEW, firewall], { call, how });
      if (result === undefined) break;
      expectSaid(result, how);
      if (survived(how)) {
        const said = `call ${call} ended with ${result.code}: ${result.stderr}`;
        expect(await snapshot(guest), said).toBe(result.code === 0 ? whole : earlier);
      }
      await inetgwOk(guest, ...OLD, firewall);
      expect(await snapshot(guest)).toBe(earlier);
    }
    console.log(`${firewall} change ${how}: ${call - 1} calls`);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test.each(HOWS)('%s at each call of clear: the next clear leaves nothing', async (how) => {
    let call = 1;
    for (; call <= MAX_CALLS; call++) {
      await inetgwOk(guest, ...NEW, firewall);
      const result = await withFault(guest, 'inetgw', ['ppp0', 'clear'], { call, how });
      if (result === undefined) break;
      expectSaid(result, how);
      await inetgwOk(guest, 'ppp0', 'clear');
      expect(await snapshot(guest)).toBe(untouched);
    }
    console.log(`${firewall} clear ${how}: ${call - 1} calls`);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });
});

describe('the record in /run', () => {
  const words = [...NEW, 'nft'];
  test('damaged, foreign or of the wrong kind: it is said, and the next run repairs', async () => {
    await inetgwOk(guest, ...words);
    const whole = await snapshot(guest);
    const record = (await guest.run(['sh', '-c', 'find /run/inetgw -name ppp0.json'], { ns: 'gw' })).trim();
    expect(record).toMatch(/^\S+ppp0\.json$/);
    for (const damage of [
      `: > ${record}`,
      `head -c 100 ${record} > /run/half; cp /run/half ${record}`,
      `echo '{"version":1,"phase":"active","plan":{"device":"ppp0","tc":[null],"link":{"ifindex":1}},"since":"x"}' > ${record}`,
      `sed -i 's/1710000/9999999/' ${record}`,
      `head -c 100000 /dev/urandom > ${record}`,
      `rm ${record}; mkfifo ${record}`,
      `rm ${record}; ln -s /dev/zero ${record}`,
    ]) {
      await guest.run(['sh', '-ec', damage], { ns: 'gw' });
      const shown = await inetgw(guest, 'ppp0');
      expect([shown.code, shown.stderr]).toEqual([
        1,
        expect.stringMatching(/^inetgw: inetgw is not in force on ppp0 \(.*ppp0\.json/),
      ]);
      await inetgwOk(guest, ...words);
      expect(await snapshot(guest)).toBe(whole);
    }
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test.each([
    [
      'full',
      'mount -t tmpfs -o size=4k tmpfs /run/inetgw; head -c 100000 /dev/zero > /run/inetgw/fill 2>/dev/null || true',
      /the file system is full/,
    ],
    ['read-only', 'mount -t tmpfs -o ro tmpfs /run/inetgw', /the file system is read-only/],
  ])('%s: nothing is changed, and the reason is said', async (_how, mount, reason) => {
    const result = await guest.exec(
      ['sh', '-c', `mkdir -p /run/inetgw; ${mount}; exec "$@"`, 'sh', ...commandArgv('inetgw', ...words)],
      { ns: 'gw', spinMs: 60_000 },
    );
    await guest.run(['sh', '-c', 'rmdir /run/inetgw 2>/dev/null || true'], { ns: 'gw' });
    expect([result.code, result.stderr]).toEqual([1, expect.stringMatching(reason)]);
    expect(await snapshot(guest)).toBe(untouched);
  });
});

test('two at once on one device: one after the other, and the state of one of them', async () => {
  await inetgwOk(guest, ...NEW, 'nft');
  const whole = await snapshot(guest);
  await inetgwOk(guest, ...OLD, 'nft');
  const earlier = await snapshot(guest);
  for (let round = 0; round < 3; round++) {
    const results = await Promise.all([NEW, OLD, NEW].map((words) => inetgw(guest, ...words, 'nft')));
    expect(results.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
      [0, ''],
    ]);
    expect([whole, earlier]).toContain(await snapshot(guest));
  }
  await Promise.all([inetgw(guest, ...NEW, 'nft'), inetgw(guest, 'ppp0', 'clear')]);
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await snapshot(guest)).toBe(untouched);
});

test('a device that is set down, renamed or taken away under a shaper: clear and apply still work', async () => {
  const change = (script: string) => guest.run(['sh', '-ec', script], { ns: 'gw' });
  await change('ip link add wan9 type dummy; ip link set wan9 up');
  await inetgwOk(guest, 'wan9', '210', '1710');
  await change('ip link set wan9 down');
  await inetgwOk(guest, 'wan9', '300', '3mbit');
  await change('ip link set wan9 name wan8');
  expect(await inetgwOk(guest, 'wan9', 'clear')).toContain('the device is gone');
  // The queues went along with the device under its new name: they are somebody's until told otherwise.
  const foreign = await inetgw(guest, 'wan8', '210', '1710');
  expect([foreign.code, foreign.stderr]).toEqual([1, expect.stringContaining('--replace')]);
  await inetgwOk(guest, 'wan8', '210', '1710', '--replace');
  await change('ip link del wan8');
  await inetgwOk(guest, 'wan8', 'clear');
  expect(await snapshot(guest)).toBe(untouched);
});
