/**
 * The programs of searchbw and of the hooks, made to misbehave: what was in force is in force afterwards, or the next
 * run puts it right. `npm run faults`.
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
import { inetgw, inetgwOk, withBpf } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const APPLY = ['ppp0', '300', '3mbit', '--firewall', 'nft'];

let guest: Guest;
let inForce: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await inetgwOk(guest, ...APPLY);
  inForce = await wholeState(guest);
  await installFaults(guest);
});
afterAll(async () => {
  await inetgwOk(guest, 'ppp0', 'clear');
  await removeFaults(guest);
});

/**
 * The line is idle: it finds nothing, but sets up, changes rates, pings, reads counters and puts back. As short as can
 * be, since the guest's clock must not skip any of it: after a skip a program could seem to hang.
 */
const SEARCH = [
  ...['ppp0', 'DOWN', '1500-1600', '100', '2', '210', '--ping-host', SERVER.ipv4],
  ...['--ping-interval', '50', '--settle', '1s'],
];

/** Each call that changes something, and of those that ask, each kind's first and last one: of nearly a hundred. */
async function someCalls(): Promise<number[]> {
  // All files that it needs are in the guest's memory afterwards.
  await withFault(guest, 'searchbw', SEARCH, { call: 100_000, how: 'fail' });
  const all = (await guest.run(['cat', '/run/calls']))
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\d+ /, '').replace(/^ping .*/, 'ping'));
  const calls = all.flatMap((line, index) => {
    const changes = / -(?:batch|f) /.test(`${line} `);
    return changes || all.indexOf(line) === index || all.lastIndexOf(line) === index ? [index + 1] : [];
  });
  console.log(
    `searchbw: ${all.length} calls, tried: ${calls.map((n) => `${n} ${all[n - 1] ?? ''}`).join('; ')}`,
  );
  return calls;
}

describe('searchbw', () => {
  // One that fails must not take the next ones along.
  beforeEach(() => inetgwOk(guest, ...APPLY, '--replace'));

  let calls: number[];
  beforeAll(async () => {
    calls = await someCalls();
    expect(await wholeState(guest)).toBe(inForce);
  });

  test.each(HOWS)('%s, at any of its calls: what was in force is in force again', async (how) => {
    const codes: string[] = [];
    // How many pings it sends is not the same each time.
    const missed: number[] = [];
    for (const call of calls) {
      const result = await withFault(guest, 'searchbw', SEARCH, { call, how });
      if (result === undefined) {
        missed.push(call);
        continue;
      }
      codes.push(`${call}: ${result.code}`);
      expectSaid(result, how);
      expect([0, 1, 5, 137]).toContain(result.code);
      const after = await wholeState(guest);
      if (after === inForce) continue;
      if (survived(how)) {
        // The fault struck while it put back what was in force: it says so, and the next run knows.
        expect(result.stderr, `call ${call}`).toContain('could not be put back');
        expect((await inetgw(guest, 'ppp0')).code).toBe(3);
      }
      await inetgwOk(guest, ...APPLY);
      expect(await wholeState(guest), `after call ${call}`).toBe(inForce);
    }
    console.log(`searchbw ${how}, call: exit code: ${codes.join(', ')}; missed: ${missed.join(' ')}`);
    expect(codes.length).toBeGreaterThan(10);
  });

  test.each([
    ['its queue is taken away', 'tc qdisc del dev ppp0 root'],
    [
      'somebody else puts a queue at root',
      'tc qdisc del dev ppp0 root; tc qdisc add dev ppp0 root handle 5: pfifo',
    ],
    ['the record is overwritten', 'echo rubbish >$(ls /run/inetgw/netns-*/ppp0.json)'],
  ])('%s while it measures: the next run repairs', async (_, script) => {
    await guest.request('write', { path: '/run/meanwhile', text: script });
    for (const call of calls.slice(0, -1)) {
      const result = await withFault(guest, 'searchbw', SEARCH, { call, how: 'meanwhile' });
      if (result !== undefined) expectSaid(result, 'meanwhile');
      await inetgwOk(guest, ...APPLY, '--replace');
      expect(await wholeState(guest)).toBe(inForce);
    }
  });
});

test('a device that goes away while searchbw measures: it is said, and nothing of ours is left', async () => {
  const make = 'ip link add wan9 type dummy; ip link set wan9 up; ip addr add 203.0.113.1/24 dev wan9';
  await guest.run(['sh', '-c', make], { ns: 'gw' });
  await guest.request('write', { path: '/run/meanwhile', text: 'ip link del wan9' });
  const words = ['wan9', ...SEARCH.slice(1)].map((word) => (word === SERVER.ipv4 ? '203.0.113.1' : word));
  const result = await withFault(guest, 'searchbw', words, { call: 12, how: 'meanwhile' });
  expect(result?.code).toBe(1);
  expect(result?.stderr).toMatch(/wan9/);
  expect(result?.stderr).not.toContain('this is a bug');
  expect(await wholeState(guest)).toBe(inForce);
});

describe('the hook of pppd', () => {
  const LOGGER = `[ -e /run/logger ] || mv /usr/bin/logger /run/logger
    printf '#!/bin/sh\\ncat >>/run/log\\n' >/usr/bin/logger; chmod 755 /usr/bin/logger`;
  /** What is in force where the rehearsal came to nothing. */
  let unpaced: string;
  let whole: string;
  let nothing: string;
  beforeAll(async () => {
    await guest.run(['sh', '-ec', LOGGER]);
    await inetgwOk(guest, 'install-hook', 'ppp', 'ppp0', ...APPLY.slice(1), '--quiet');
    // Each of them as it comes about from nothing.
    await inetgwOk(guest, 'ppp0', 'clear');
    nothing = await wholeState(guest);
    await inetgwOk(guest, ...APPLY, '--pacing', 'off');
    unpaced = await wholeState(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
    await inetgwOk(guest, ...APPLY);
    whole = await wholeState(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
  });
  afterAll(async () => {
    await inetgwOk(guest, 'install-hook', 'ppp', 'ppp0', '--remove', '--quiet');
    await guest.run(['sh', '-c', 'mv /run/logger /usr/bin/logger']);
    await inetgwOk(guest, ...APPLY);
  });

  // One that fails must not take the next ones along.
  beforeEach(() => inetgw(guest, 'ppp0', 'clear'));

  interface Event {
    /** How long pppd was kept. */
    tookMs: number;
    /** The fault was met with. */
    struck: boolean;
    /** What was logged, when all has ended. */
    log: string;
  }

  /** As pppd calls it. */
  async function event(name: 'ip-up' | 'ip-down', fault?: string): Promise<Event> {
    const script = `rm -f /run/log /run/calls /run/struck /run/fault
      ${fault === undefined ? '' : `echo '${fault}' >/run/fault`}
      before=$(date +%s%3N)
      PPP_IFACE=ppp0 /etc/ppp/${name}.d/inetgw-ppp0 </dev/null >/dev/null 2>&1
      echo $(( $(date +%s%3N) - before ))
      while pgrep -f 'dist/bin/inetg[w].js' >/dev/null || ! [ -e /run/log ]; do sleep 1; done
      rm -f /run/fault; [ -e /run/struck ] && echo struck || echo missed
      cat /run/log`;
    const argv = withBpf(['sh', '-c', script]);
    const text = await guest.run(argv, { ns: 'gw', spinMs: 600_000, timeoutMs: 600_000 });
    const [tookMs, struck, ...log] = text.split('\n');
    return { tookMs: Number(tookMs), struck: struck === 'struck', log: log.join('\n') };
  }

  test.each(HOWS)(
    '%s at each call of ip-up: it returns at once, what is wrong is logged, the next event repairs',
    async (how) => {
      let call = 1;
      for (; call <= MAX_CALLS; call++) {
        const { tookMs, struck, log } = await event('ip-up', `${call} ${how}`);
        expect(tookMs).toBeLessThan(1500);
        const after = await wholeState(guest);
        if (how !== 'kill' && after !== whole) expect(log).toMatch(/^inetgw: \S/m);
        if (survived(how) && after !== whole) {
          expect(after).toBe(log.startsWith('inetgw: no window pacing here: ') ? unpaced : nothing);
        }
        if (struck && after === nothing) continue;
        if (after !== whole) {
          const next = await event('ip-up');
          expect(await wholeState(guest), next.log).toBe(whole);
        }
        await event('ip-down');
        expect(await wholeState(guest)).toBe(nothing);
        if (!struck) break;
      }
      console.log(`ip-up ${how}: ${call - 1} calls`);
      expect(call).toBeGreaterThan(3);
    },
  );

  test.each(HOWS)(
    '%s at each call of ip-down: it returns at once, what is wrong is logged, the next event repairs',
    async (how) => {
      let call = 1;
      let now = nothing;
      for (; call <= MAX_CALLS; call++) {
        if (now !== whole) expect(await event('ip-up')).toMatchObject({ log: '' });
        const { tookMs, struck, log } = await event('ip-down', `${call} ${how}`);
        expect(tookMs).toBeLessThan(1500);
        now = await wholeState(guest);
        if (how !== 'kill' && now !== nothing) expect(log).toMatch(/^inetgw: \S/m);
        if (now !== nothing) {
          await event('ip-down');
          now = await wholeState(guest);
          expect(now).toBe(nothing);
        }
        if (!struck) break;
      }
      console.log(`ip-down ${how}: ${call - 1} calls`);
      expect(call).toBeGreaterThan(3);
    },
  );
});
