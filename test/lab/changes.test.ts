/** Changing the settings of a line comes to the same as setting it up with them at first, from whatever to whatever. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgwOk, snapshot } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { LONG } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});

/** Each makes other queues, filters or actions than the rest. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'as it is by itself': ['--framing', 'pppoa-vcmux'],
  'the stages alone': ['--framing', 'pppoa-vcmux', '--pacing', 'off'],
  'a queue on an ifb': ['--framing', 'pppoa-vcmux', '--ingress', 'shape'],
  ...(LONG
    ? {
        'other framing, mark and sizes': ['--framing', 'docsis', '--mark', '77', '--large-packet', '700'],
        'other sizes, the stages alone': ['--framing', 'docsis', '--large-packet', '700', '--pacing', 'off'],
        'flows for themselves': ['--framing', 'pppoa-vcmux', '--fair', 'flow'],
        'HTB on an ifb': ['--framing', 'pppoa-vcmux', '--ingress', 'shape-htb'],
        'no large downloads': ['--framing', 'pppoa-vcmux', '--no-large-downloads'],
      }
    : {}),
};

describe.each(Object.keys(SETTINGS))('to: %s', (to) => {
  const words = ['ppp0', '215', '1600', ...(SETTINGS[to] ?? [])];
  let atFirst: string;
  beforeAll(async () => {
    await inetgwOk(guest, ...words);
    atFirst = await snapshot(guest);
  });

  test.each(Object.keys(SETTINGS).filter((from) => from !== to))('from: %s', async (from) => {
    await inetgwOk(guest, 'ppp0', '300', '3mbit', ...(SETTINGS[from] ?? []));
    await inetgwOk(guest, ...words);
    expect(await snapshot(guest)).toBe(atFirst);
  });

  test('nothing is left of any of them', async () => {
    await inetgwOk(guest, 'ppp0', 'clear');
    const left = await guest.run(
      ['sh', '-c', 'for k in police skbedit gact mirred; do tc actions ls action $k; done'],
      {
        ns: 'gw',
      },
    );
    expect(left).not.toMatch(/index/);
  });
});
