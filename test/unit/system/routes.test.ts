/** By which device the kernel would send to an address: what `ip` prints, and how often it is asked. */
import { expect, it } from 'vitest';
import { parseRoutes, Routes } from '../../../src/system/link/routes.ts';
import type { Runner } from '../../../src/system/exec/run.ts';

/** iproute2 6.1 of an address on a ppp device, one behind a router, an own one, and nothing of one that no route leads to. */
const PRINTED = `[{"dst":"192.0.2.1","dev":"ppp0","prefsrc":"198.51.100.2","flags":[],"uid":0,"cache":[]}]
[{"dst":"2001:db8:9::1","from":"::","gateway":"fe80::1","dev":"lan","protocol":"static","prefsrc":"2001:db8:3::1","metric":1024,"flags":[],"pref":"medium"}]
[{"type":"local","dst":"127.0.0.1","dev":"lo","prefsrc":"127.0.0.1","flags":[],"uid":0,"cache":["local"]}]
`;

it('what ip prints of each', () => {
  expect([...parseRoutes(PRINTED)]).toEqual([
    ['192.0.2.1', 'ppp0'],
    ['2001:db8:9::1', 'lan'],
    ['127.0.0.1', 'lo'],
  ]);
  expect(parseRoutes('').size).toBe(0);
});

it('asks for many at once, and for none again until half a minute is over', async () => {
  const asked: string[] = [];
  let nowMs = 1000;
  const noting: Runner = (_, options) => {
    asked.push(options?.input ?? '');
    return Promise.resolve({ code: 1, stdout: PRINTED, stderr: '' });
  };
  const routes = new Routes(noting, () => nowMs);
  const addresses = ['192.0.2.1', '203.0.113.9'];
  expect(await routes.learn(addresses)).toBeUndefined();
  expect(addresses.map((each) => routes.deviceTo(each))).toEqual(['ppp0', undefined]);
  nowMs += 29_000;
  await routes.learn(addresses);
  expect(asked).toEqual(['route get 192.0.2.1\nroute get 203.0.113.9\n']);
  nowMs += 2000;
  await routes.learn(addresses);
  expect(asked).toHaveLength(2);
});

it('says what is not understood', async () => {
  const other: Runner = () => Promise.resolve({ code: 0, stdout: '[no JSON\n', stderr: '' });
  expect(await new Routes(other).learn(['192.0.2.1'])).toContain('ip printed what is no JSON');
});
