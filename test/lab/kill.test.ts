/**
 * SIGKILL at every step that changes something: whatever it leaves behind, the next run puts right, `inetgw heal` too.
 * The long form has every step, those that only look too, and every firewall.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOME_FIREWALLS, useVariant } from './firewalls.ts';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, snapshot } from './inetgw.ts';
import {
  countedCalls,
  countCalls,
  CUTS,
  hasKilled,
  killAt,
  putKillingPrograms,
  removeKillingPrograms,
} from './killing.ts';
import { setUpLine } from './line.ts';
import { firstOf, LONG } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';

/** More than one run may ever make; the loops end at the first call that does not happen. */
const MAX_CALLS = 18;

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});
beforeEach(async () => {
  await putKillingPrograms(guest, { changesOnly: !LONG });
});
afterEach(async () => {
  await removeKillingPrograms(guest);
});

/** Queues, filters, ifb and rules. */
const TAKE_AWAY = `tc qdisc del dev ppp0 root; tc qdisc del dev ppp0 clsact; ip link del igw-ppp0
  nft flush ruleset; for p in iptables ip6tables; do $p -t mangle -F; $p -t mangle -X; done`;

/** Runs inetgw to its death at that call; false: it made no such call, and came to its end. */
async function killedAt(call: number, half: number, words: readonly string[]): Promise<boolean> {
  await killAt(guest, call, { half });
  const { code } = await inetgw(guest, ...words);
  const wasKilled = await hasKilled(guest);
  if (wasKilled) expect(code).not.toBe(0);
  else expect(code).toBe(0);
  return wasKilled;
}

/** Each call, a batch of tc cut at several places. Returns how often it was killed. */
async function atEveryStep(body: (call: number, half: number) => Promise<boolean>): Promise<number> {
  let kills = 0;
  for (let call = 1; call <= MAX_CALLS; call++) {
    for (const half of CUTS) {
      if (!(await body(call, half))) return kills;
      kills++;
      // Only a batch can be cut; all else is done in one.
      if (!((await countedCalls(guest))[call - 1] ?? '').startsWith('tc -batch')) break;
    }
  }
  return expect.unreachable('it made more calls than it may');
}

const CHOICES = SOME_FIREWALLS.flatMap((each) =>
  firstOf(['police', 'shape']).map((ingress) => ({
    ...each,
    ingress,
  })),
);

describe.each(CHOICES)('rules by $firewall (iptables-$variant), ingress $ingress', (choice) => {
  const words = ['ppp0', '210', '1710', '--firewall', choice.firewall, '--ingress', choice.ingress];
  /** Another framing, so that the queues are made anew. */
  const others = [...words, '--framing', 'docsis'];
  let untouched: string;
  let first: string;
  let second: string;
  beforeAll(async () => {
    await useVariant(guest, choice);
    untouched = await snapshot(guest);
    await inetgwOk(guest, ...words);
    first = await snapshot(guest);
    await inetgwOk(guest, ...others);
    second = await snapshot(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
  });

  test('killed in the first apply: the next apply is whole, and so is a clear', async () => {
    const kills = await atEveryStep(async (call, half) => {
      if (!(await killedAt(call, half, words))) return false;
      await inetgwOk(guest, ...words);
      expect(await snapshot(guest)).toBe(first);
      await inetgwOk(guest, 'ppp0', 'clear');
      return true;
    });
    expect(kills).toBeGreaterThan(LONG ? 4 : 2);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test('killed in a later apply: the next one is whole', async () => {
    await inetgwOk(guest, ...words);
    let turn = 0;
    const kills = await atEveryStep(async (call, half) => {
      const [target, expected] = turn++ % 2 === 0 ? [others, second] : [words, first];
      if (!(await killedAt(call, half, target))) return false;
      await inetgwOk(guest, ...target);
      expect(await snapshot(guest)).toBe(expected);
      return true;
    });
    expect(kills).toBeGreaterThan(LONG ? 4 : 2);
  });

  test('killed in clear: the next clear leaves nothing', async () => {
    const kills = await atEveryStep(async (call, half) => {
      await inetgwOk(guest, ...words);
      if (!(await killedAt(call, half, ['ppp0', 'clear']))) return false;
      await inetgwOk(guest, 'ppp0', 'clear');
      expect(await snapshot(guest)).toBe(untouched);
      return true;
    });
    expect(kills).toBeGreaterThan(LONG ? 2 : 1);
    expect(await snapshot(guest)).toBe(untouched);
  });

  /** What is left for `heal`. */
  const DAMAGES: Readonly<Record<string, () => Promise<unknown>>> = {
    'all of it was taken away': () =>
      guest.run(['sh', '-c', `{ ${TAKE_AWAY}; } 2>/dev/null; :`], { ns: 'gw' }),
    'a change was killed half-way': async () => {
      expect(await killedAt(await batchOfChange(), 50, others)).toBe(true);
    },
  };
  let known: number | undefined;
  /** Which call of a change from `words` to `others` is the batch that changes the queues: the last one. */
  async function batchOfChange(): Promise<number> {
    if (known !== undefined) return known;
    await countCalls(guest);
    await inetgwOk(guest, ...others);
    known = (await countedCalls(guest)).lastIndexOf('tc -batch -') + 1;
    await inetgwOk(guest, ...words);
    return known;
  }

  test.runIf(LONG).each(Object.entries(DAMAGES))(
    'killed in heal, when %s: it is told until the next heal has put it right',
    async (_, damage) => {
      await inetgwOk(guest, ...words);
      await putKillingPrograms(guest, { changesOnly: true });
      const kills = await atEveryStep(async (call, half) => {
        await damage();
        const wasKilled = await killedAt(call, half, ['heal']);
        if (wasKilled) {
          const shown = await inetgw(guest, 'ppp0');
          if (shown.code === 0) expect(await snapshot(guest)).toBe(first);
          else expect(shown.code).toBe(3);
          await inetgwOk(guest, 'heal');
        }
        expect(await snapshot(guest)).toBe(first);
        return wasKilled;
      });
      expect(kills).toBeGreaterThan(2);
      await inetgwOk(guest, 'ppp0', 'clear');
    },
  );
});
