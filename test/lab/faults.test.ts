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
  wholeState,
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
  let nothing: string;
  beforeAll(async () => {
    nothing = await wholeState(guest);
    await inetgwOk(guest, ...NEW, firewall, '--pacing', 'off');
    unpaced = await wholeState(guest);
    await inetgwOk(guest, ...NEW, firewall);
    whole = await wholeState(guest);
    await inetgwOk(guest, ...OLD, firewall);
    earlier = await wholeState(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await wholeState(guest)).toBe(nothing);
  });

  // One that fails must not take the next ones along.
  beforeEach(() => inetgw(guest, 'ppp0', 'clear'));

  test.each(HOWS)(
    '%s at each call of a first apply: all or nothing, and the next run repairs',
    async (how) => {
      const codes: number[] = [];
      for (let call = 1; call <= MAX_CALLS; call++) {
        const result = await withFault(guest, 'inetgw', [...NEW, firewall], { call, how });
        if (result === undefined) break;
        codes.push(result.code);
        expectSaid(result, how);
        let after = '';
        if (survived(how)) {
          after = await wholeState(guest);
          const said = `call ${call} ended with ${result.code}: ${result.stderr}`;
          const paced = !result.stderr.startsWith('inetgw: no window pacing here: ');
          const set = paced ? whole : unpaced;
          expect(after, said).toBe(result.code === 0 ? set : nothing);
        }
        if (after === nothing) continue;
        if (after !== whole) {
          await inetgwOk(guest, ...NEW, firewall);
          expect(await wholeState(guest)).toBe(whole);
        }
        await inetgwOk(guest, 'ppp0', 'clear');
        expect(await wholeState(guest)).toBe(nothing);
      }
      console.log(`${firewall} apply ${how}: ${codes.length} calls, ended with ${codes.join(' ')}`);
      expect(codes.length).toBeGreaterThan(2);
    },
  );

  test.each(HOWS)('%s at each call of a change of rates: the old or the new ones', async (how) => {
    await inetgwOk(guest, ...OLD, firewall);
    const codes: number[] = [];
    // To and fro between two settings: from where the last call has led, to the other one.
    let [words, before, wanted] = [NEW, earlier, whole];
    const takeOther = (): void => {
      [words, before, wanted] = words === NEW ? [OLD, whole, earlier] : [NEW, earlier, whole];
    };
    for (let call = 1; call <= MAX_CALLS; call++) {
      const result = await withFault(guest, 'inetgw', [...words, firewall], { call, how });
      if (result === undefined) break;
      codes.push(result.code);
      expectSaid(result, how);
      if (survived(how)) {
        const said = `call ${call} ended with ${result.code}: ${result.stderr}`;
        expect(await wholeState(guest), said).toBe(result.code === 0 ? wanted : before);
        if (result.code === 0) takeOther();
      } else {
        await inetgwOk(guest, ...words, firewall);
        expect(await wholeState(guest)).toBe(wanted);
        takeOther();
      }
    }
    console.log(`${firewall} change ${how}: ${codes.length} calls, ended with ${codes.join(' ')}`);
    expect(codes.length).toBeGreaterThan(2);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await wholeState(guest)).toBe(nothing);
  });

  test.each(HOWS)('%s at each call of clear: the next clear leaves nothing', async (how) => {
    const codes: number[] = [];
    let now = nothing;
    for (let call = 1; call <= MAX_CALLS; call++) {
      if (now !== whole) await inetgwOk(guest, ...NEW, firewall);
      const result = await withFault(guest, 'inetgw', ['ppp0', 'clear'], { call, how });
      if (result === undefined) break;
      codes.push(result.code);
      expectSaid(result, how);
      now = survived(how) ? await wholeState(guest) : '';
      if (survived(how) && result.code === 0) expect(now).toBe(nothing);
      if (now === whole || now === nothing) continue;
      await inetgwOk(guest, 'ppp0', 'clear');
      now = await wholeState(guest);
      expect(now).toBe(nothing);
    }
    console.log(`${firewall} clear ${how}: ${codes.length} calls, ended with ${codes.join(' ')}`);
    expect(codes.length).toBeGreaterThan(2);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await wholeState(guest)).toBe(nothing);
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
        3,
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

test.each(['nft', 'iptables'])(
  'two at once on one device, rules by %s: one after the other, and the state of one of them',
  async (firewall) => {
    // Chains that iptables once made stay, empty: what is untouched is told from after a first apply.
    await inetgwOk(guest, ...NEW, firewall);
    const whole = await snapshot(guest);
    await inetgwOk(guest, ...OLD, firewall);
    const earlier = await snapshot(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
    const cleared = await snapshot(guest);
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all([NEW, OLD, NEW].map((words) => inetgw(guest, ...words, firewall)));
      expect(results.map(({ code, stderr }) => [code, stderr])).toEqual([
        [0, ''],
        [0, ''],
        [0, ''],
      ]);
      expect([whole, earlier]).toContain(await snapshot(guest));
    }
    await Promise.all([inetgw(guest, ...NEW, firewall), inetgw(guest, 'ppp0', 'clear')]);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(cleared);
  },
);

test('a device that is set down, renamed or taken away under a shaper: clear and apply still work', async () => {
  const change = (script: string) => guest.run(['sh', '-ec', script], { ns: 'gw' });
  await change('ip link add wan9 type dummy; ip link set wan9 up');
  await inetgwOk(guest, 'wan9', '210', '1710');
  await change('ip link set wan9 down');
  await inetgwOk(guest, 'wan9', '300', '3mbit');
  await change('ip link set wan9 name wan8');
  // The queues went along with the device under its new name, and are found there.
  expect(await inetgwOk(guest, 'wan9', 'clear')).toContain('cleared on wan8, as it is called now');
  await inetgwOk(guest, 'wan8', '210', '1710');
  await change('ip link del wan8');
  await inetgwOk(guest, 'wan8', 'clear');
  expect(await snapshot(guest)).toBe(untouched);
});
