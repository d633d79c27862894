/** With the tc of this machine. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TcProcess } from '../../../../src/system/device/tcProcess.ts';

let tc: TcProcess;
beforeEach(() => {
  tc = new TcProcess();
});
afterEach(() => {
  tc.close();
});

it('is through when all of its lines are, whatever they print, and stays', async () => {
  await tc.change(['qdisc show dev lo', 'class show dev lo']);
  await tc.change(['qdisc show dev lo']);
});

it('tells what was refused, has done the rest, and goes on', async () => {
  const refused = tc.change(['qdisc show dev no-such', 'qdisc show dev lo', 'qdisc show dev none-either']);
  await expect(refused).rejects.toThrow(
    'tc: Cannot find device "no-such"; Command failed -:1; Cannot find device "none-either"; Command failed -:3',
  );
  await tc.change(['qdisc show dev lo']);
});
