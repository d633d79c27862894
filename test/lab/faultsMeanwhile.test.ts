/**
 * What others do to the device, its queues, the firewall and the record while inetgw is at work, at each of its calls:
 * afterwards the new state, the old one or none, or what is missing is told; and the next run repairs. `npm run faults`.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectSaid, installFaults, MAX_CALLS, removeFaults, withFault } from './faultPrograms.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot, withoutEmptyTables, withoutIndices } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const MAKE = 'ip link add wan9 type dummy; ip link set wan9 up';
const NO_ROOT = 'tc qdisc del dev wan9 root';

const FLUSH: Readonly<Record<string, string>> = {
  nft: 'nft delete table inet inetgw_wan9',
  iptables: 'for p in iptables ip6tables; do $p -t mangle -F; $p -t mangle -X; done',
};

const MEANWHILE: Readonly<Record<string, string>> = {
  'the queues of the uplink are taken away': NO_ROOT,
  'the queue of what comes in is taken away': 'tc qdisc del dev wan9 ingress',
  'the ingress filters are taken away': 'tc filter del dev wan9 ingress',
  'somebody else puts a queue at root': `${NO_ROOT}; tc qdisc add dev wan9 root handle 5: pfifo`,
  'the firewall is flushed': Object.values(FLUSH).join('; '),
  'the record is overwritten':
    'for file in /run/inetgw/netns-*/wan9.json; do [ ! -e $file ] || echo rubbish >$file; done',
  'the device is set down': 'ip link set wan9 down',
  'the device is removed': 'ip link del wan9',
  'the device is removed and comes back': `ip link del wan9; ${MAKE}`,
  'the device is renamed': 'ip link set wan9 down; ip link set wan9 name wan8',
};

/** As if none of it had ever been: the device anew, and nothing of ours. By the shell, since node takes seconds. */
const resetScript = (firewall: string): string =>
  `for device in wan9 wan8 igw-wan9; do ip link del $device; done 2>/dev/null
  ${FLUSH[firewall] ?? ''}; rm -rf /run/inetgw; find /run/bpf -type f -delete; ${MAKE}`;

/** As a provider would: the device is there, up, under its name. */
const PUT_BACK = `ip link del wan8 2>/dev/null; [ -e /sys/class/net/wan9 ] || { ${MAKE}; }; ip link set wan9 up`;

let guest: Guest;
const change = (script: string) => guest.run(['sh', '-c', script], { ns: 'gw' });

const state = async (): Promise<string> =>
  withoutEmptyTables(withoutIndices(await snapshot(guest, 'wan9')))
    // The kernel's own: none on a device that was never up.
    .replaceAll(/^qdisc noqueue .*\n|^(?:Cannot find device.*|Error: .*)\n/gm, '');

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await installFaults(guest);
});
afterAll(() => removeFaults(guest));

describe.each(['nft', 'iptables'])('rules by %s', (firewall) => {
  const NEW = ['wan9', '210', '1710', '--firewall', firewall];
  const OLD = ['wan9', '300', '3mbit', '--firewall', firewall];
  let whole: string;
  let earlier: string;
  let untouched: string;
  beforeAll(async () => {
    await change(resetScript(firewall));
    await inetgwOk(guest, ...NEW);
    whole = await state();
    await inetgwOk(guest, ...OLD);
    earlier = await state();
    await inetgwOk(guest, 'wan9', 'clear');
    untouched = await state();
  });
  afterAll(() => change('ip link del wan9'));

  // One that fails must not take the next ones along.
  beforeEach(() => change(resetScript(firewall)));

  describe.each(Object.entries(MEANWHILE))('%s', (what, script) => {
    test.each(['first', 'later'])('at each call of a %s apply', async (which) => {
      await guest.request('write', { path: '/run/meanwhile', text: script });
      const refused: number[] = [];
      // A later apply goes to and fro between two settings: each command costs seconds.
      let [words, wanted] = [NEW, whole];
      const takeOther = (): void => {
        [words, wanted] = words === NEW ? [OLD, earlier] : [NEW, whole];
      };
      if (which === 'later') await inetgwOk(guest, ...OLD);
      let call = 1;
      for (; call <= MAX_CALLS; call++) {
        const result = await withFault(guest, 'inetgw', words, { call, how: 'meanwhile' });
        if (result === undefined) break;
        expectSaid(result, 'meanwhile');
        if (result.code !== 0) refused.push(call);
        // Under its new name it keeps its queues, and nobody has a record of them: see faults.test.ts.
        if (what !== 'the device is renamed') await expectNoHalf(await state());
        await change(PUT_BACK);
        await inetgwOk(guest, ...words, '--replace');
        expect(await state(), `call ${call}, ${result.code}: ${result.stderr}`).toBe(wanted);
        if (which === 'first') await change(resetScript(firewall));
        else takeOther();
      }
      console.log(`${firewall}, ${what}, ${which}: ${call - 1} calls, refused at: ${refused.join(' ')}`);
      await inetgwOk(guest, 'wan9', 'clear');
      expect(await state()).toBe(untouched);
      expect(call).toBeGreaterThan(2);
    });
  });

  /** All of it, the earlier, nothing of ours; or, if it was done after our last look, the next look tells. */
  async function expectNoHalf(after: string): Promise<void> {
    const withoutTheirs = after.replaceAll(/^qdisc pfifo .*\n/gm, '');
    if ([whole, earlier, untouched].includes(after) || withoutTheirs === untouched) return;
    const shown = await inetgw(guest, 'wan9');
    expect([after, shown.stdout + shown.stderr]).toEqual([
      after,
      expect.stringMatching(/taken away by someone|no device|not in force/),
    ]);
  }
});

test.each(['nft', 'iptables'])(
  'two at once on two devices, rules by %s: both as if alone',
  async (firewall) => {
    await change(`${MAKE}; ip link add wan7 type dummy; ip link set wan7 up`);
    const wordsOf = (device: string, up: string) => [device, up, '1710', '--firewall', firewall];
    // Which one came first shows in the order of chains and actions only.
    const both = async (): Promise<string> =>
      ((await snapshot(guest, 'wan7')) + (await snapshot(guest, 'wan9')))
        .split('\n')
        .map((line) => line.replace(/^\s*action order \d+:/, 'action:').replace(/ handle \d+/, ''))
        .sort()
        .join('\n');
    await inetgwOk(guest, ...wordsOf('wan7', '210'));
    await inetgwOk(guest, ...wordsOf('wan9', '300'));
    const alone = await both();
    for (const device of ['wan7', 'wan9']) await inetgwOk(guest, device, 'clear');
    const clean = await both();
    for (let round = 0; round < 2; round++) {
      expect(await sideBySide([wordsOf('wan7', '210'), wordsOf('wan9', '300')])).toBe('0 0 ');
      expect(await both()).toBe(alone);
      const clears = ['wan7', 'wan9'].map((device) => [device, 'clear']);
      expect(await sideBySide(clears)).toBe('0 0 ');
      expect(await both()).toBe(clean);
    }
    await change('ip link del wan7; ip link del wan9');
  },
);

/** In one request, so that they really run side by side; gives the exit codes. */
async function sideBySide(commands: readonly (readonly string[])[]): Promise<string> {
  const starts = commands.map(
    (words) => `${commandArgv('inetgw', ...words).join(' ')} >&2 & pids="$pids $!"`,
  );
  const script = `${starts.join('\n')}\nfor pid in $pids; do wait $pid; printf '%s ' $?; done`;
  return guest.run(['sh', '-c', script], { ns: 'gw', spinMs: 60_000 });
}
