/** searchbw on a real, loaded line: what it recommends holds, and it leaves the device as it found it. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/core/errors.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, snapshot, withBpf } from './inetgw.ts';
import { ADSL_LINE, SERVER, setUpLine } from './line.ts';
import { FIRST, firstOf, LONG } from './forms.ts';
import { later } from './later.ts';
import type { ExecResult } from './protocol.ts';
import { sharedGuest } from './sharedGuest.ts';
import { keepFull, serveDownloads } from './traffic.ts';

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
});
beforeEach(async () => {
  await setUpLine(guest);
  untouched = await snapshot(guest);
});

function searchbw(...words: string[]): Promise<ExecResult> {
  const argv = withBpf(commandArgv('searchbw', ...words, '--ping-host', SERVER.ipv4));
  return guest.request('exec', { argv, ns: 'gw', timeoutMs: 3_000_000 });
}

function recommended(result: ExecResult, direction: 'DOWN' | 'UP'): number {
  return Number(new RegExp(`^${direction}: (\\d+) kbit/s recommended`, 'm').exec(result.stdout)?.[1]);
}

/** Expects a recommendation within these limits, in kbit/s; a failure shows what the search printed. */
function expectRecommended(
  result: ExecResult,
  direction: 'DOWN' | 'UP',
  limits: { atLeast: number; atMost: number },
): void {
  const rate = recommended(result, direction);
  const printed = `${result.stdout}${result.stderr}`;
  expect(rate, printed).toBeGreaterThanOrEqual(limits.atLeast);
  expect(rate, printed).toBeLessThanOrEqual(limits.atMost);
}

test('the overview of the article, as written', async () => {
  await keepFull(guest, 'DOWN');
  const result = await searchbw('ppp0', 'DOWN', '1300-1800', '50', '5', '210');
  expect(result.code).toBe(0);
  expectRecommended(result, 'DOWN', { atLeast: 1500, atMost: ADSL_LINE.downBitPerSec / 1000 });
  expect(result.stdout).toMatch(/^next: +searchbw ppp0 DOWN \d+-\d+ \d+ \d+ 210 --ping-host 192\.0\.2\.1$/m);
  expect(result.stdout).toContain(`then use: inetgw ppp0 210 ${recommended(result, 'DOWN')}`);
  expect(await snapshot(guest)).toBe(untouched);
});

test.runIf(LONG)('the uplink of the article, as written', async () => {
  await keepFull(guest, 'UP');
  const result = await searchbw('ppp0', 'UP', '150-250', '10', '5', '1710');
  expect(result.code).toBe(0);
  expectRecommended(result, 'UP', { atLeast: 190, atMost: ADSL_LINE.upBitPerSec / 1000 });
  expect(await snapshot(guest)).toBe(untouched);
});

later(
  '--auto needs no interval, says how it came to its value and what pacing gains, and stays below the raw rate',
  async () => {
    const result = await searchbw('ppp0', 'DOWN', '--auto', '215', '--load', await serveDownloads(guest));
    expect(result.code, result.stderr).toBe(0);
    expectRecommended(result, 'DOWN', { atLeast: 1550, atMost: ADSL_LINE.downBitPerSec / 1000 });
    expect(result.stdout).toMatch(/^ +unshaped: 17\d\d kbit\/s with framing at \d+ ms on average/m);
    const gain =
      /^window pacing: with it, at \S+ kbit\/s: ([\d.]+) ms, (\d+) kbit\/s of user data; without, .*: ([\d.]+) ms, (\d+)/m;
    const [pacedMs = NaN, pacedKbit = NaN, unpacedMs = NaN, unpacedKbit = NaN] =
      gain.exec(result.stdout)?.slice(1).map(Number) ?? [];
    expect(pacedMs, result.stdout).toBeLessThan(unpacedMs);
    expect(pacedMs).toBeLessThan(40);
    expect(pacedKbit).toBeGreaterThanOrEqual(unpacedKbit);
    expect(await snapshot(guest)).toBe(untouched);
  },
);

test('an idle line gets no recommendation', async () => {
  const result = await searchbw('ppp0', 'DOWN', '1500-1600', '50', '5', '210');
  expect(result.code).toBe(1);
  expect(result.stdout).toContain('no value can be recommended');
  expect(result.stdout).not.toContain('then use:');
  expect(await snapshot(guest)).toBe(untouched);
});

describe.skipIf(FIRST)('ended before its time', () => {
  /** Starts a search and lets it measure for a while. */
  async function started(): Promise<number> {
    const words = ['ppp0', 'DOWN', '1300-1800', '50', '5', '210', '--ping-host', SERVER.ipv4];
    const argv = commandArgv('searchbw', ...words);
    const { job } = await guest.request('spawn', { argv, ns: 'gw', timeoutMs: 600_000 });
    await guest.request('sleep', { ms: 15_000 });
    return job;
  }
  const interrupted = async (signal: NodeJS.Signals): Promise<ExecResult> =>
    guest.request('stop', { job: await started(), signal });

  /** Another device of the same name, as when a ppp link is dialled anew. */
  async function comesUpAnew(): Promise<void> {
    const again = `pkill -x pppd; while [ -e /sys/class/net/ppp0 ]; do sleep 0.1; done
      ip link add ppp0 type dummy && ip link set ppp0 up`;
    await guest.run(['sh', '-c', again], { ns: 'gw' });
  }

  test.each(
    firstOf([
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const),
  )('by %s it puts back what was in force, to the byte, and exits with %i', async (signal, code) => {
    await inetgwOk(guest, 'ppp0', '200', '1500');
    const inForce = await snapshot(guest);
    await keepFull(guest, 'DOWN');
    expect((await interrupted(signal)).code).toBe(code);
    expect(await snapshot(guest)).toBe(inForce);
    await inetgwOk(guest, 'ppp0', 'clear');
  });

  test.runIf(LONG)('neither it nor a heal forgets which tables iptables has made for the rules', async () => {
    await inetgwOk(guest, 'ppp0', '200', '1500', '--firewall', 'iptables');
    await keepFull(guest, 'DOWN');
    expect((await interrupted('SIGINT')).code).toBe(130);
    await guest.run(['tc', 'qdisc', 'del', 'dev', 'ppp0', 'root'], { ns: 'gw' });
    await inetgwOk(guest, 'heal', 'ppp0');
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test('while it measures, inetgw says who does, with the rates of this moment; then all is as before', async () => {
    await inetgwOk(guest, 'ppp0', '200', '1500');
    const inForce = await snapshot(guest);
    await keepFull(guest, 'DOWN');
    const inetgw = (...args: string[]): Promise<ExecResult> =>
      guest.exec(commandArgv('inetgw', ...args), { ns: 'gw', timeoutMs: 120_000 });
    const job = await started();
    const shown = await inetgw('ppp0');
    expect(shown.code).toBe(EXIT.notInForce);
    expect(shown.stderr).toMatch(
      /not in force on ppp0 \(searchbw, process \d+, is measuring ppp0 at this moment\)/,
    );
    const status = await inetgw('status', '--json');
    expect(status.code).toBe(EXIT.notInForce);
    const [ppp0] = JSON.parse(status.stdout) as {
      state: string;
      upBitPerSec: number;
      downBitPerSec: number;
    }[];
    const [, pid = '?'] = /process (\d+)/.exec(shown.stderr) ?? [];
    const worker = { command: 'searchbw', pid: Number(pid), does: 'measures' };
    expect(ppp0).toMatchObject({ state: 'measured', upBitPerSec: 210_000, worker });
    expect(ppp0?.downBitPerSec).toBeGreaterThanOrEqual(1_300_000);
    expect(ppp0?.downBitPerSec).toBeLessThanOrEqual(1_800_000);
    // Whoever would change it is told who measures, and how to end that; the measurement goes on.
    for (const words of [
      ['ppp0', '180', '1400'],
      ['ppp0', 'clear'],
    ]) {
      const refused = await inetgw(...words);
      expect(refused.code).toBe(EXIT.failed);
      expect(refused.stderr).toContain(`searchbw, process ${pid}, is measuring ppp0 at this moment`);
      expect(refused.stderr).toContain(`end it: kill ${pid}`);
    }
    expect((await guest.request('stop', { job, signal: 'SIGINT' })).code).toBe(130);
    expect(await snapshot(guest)).toBe(inForce);
    await inetgwOk(guest, 'ppp0', 'clear');
  });

  test.runIf(LONG)(
    'a line that comes up anew meanwhile is set up at once, and the measurement leaves it as it is',
    async () => {
      await inetgwOk(guest, 'ppp0', '200', '1500');
      await keepFull(guest, 'DOWN');
      const job = await started();
      await comesUpAnew();
      await inetgwOk(guest, 'ppp0', '180', '1400');
      const inForce = await snapshot(guest);
      const ended = await guest.request('stop', { job, signal: 'SIGINT' });
      // Whether it sees first that the line went away, or that inetgw has set up the new one, depends on the moment.
      expect(ended.stderr).toMatch(
        /somebody else has changed ppp0 while it was measured: it is left as it is now|ppp0 went away while it was measured/,
      );
      expect(await snapshot(guest)).toBe(inForce);
      await inetgwOk(guest, 'ppp0', 'clear');
    },
  );

  test('a line that comes up anew, and that nobody sets up, gets nothing: what was in force was on the old one', async () => {
    await inetgwOk(guest, 'ppp0', '200', '1500');
    await keepFull(guest, 'DOWN');
    const job = await started();
    await comesUpAnew();
    const fresh = await guest.run(['tc', 'qdisc', 'show', 'dev', 'ppp0'], { ns: 'gw' });
    const ended = await guest.request('wait', { job });
    expect([ended.code, ended.stderr]).toEqual([
      EXIT.failed,
      expect.stringContaining('ppp0 went away while it was measured'),
    ]);
    expect(await guest.run(['tc', 'qdisc', 'show', 'dev', 'ppp0'], { ns: 'gw' })).toBe(fresh);
    // Nor is a next run in anything's way.
    await inetgwOk(guest, 'ppp0', '180', '1400');
    await inetgwOk(guest, 'ppp0', 'clear');
  });

  test('by SIGKILL, the next run says so and puts it right', async () => {
    await inetgwOk(guest, 'ppp0', '200', '1500');
    const inForce = await snapshot(guest);
    await keepFull(guest, 'DOWN');
    await interrupted('SIGKILL');
    const shown = await guest.exec(commandArgv('inetgw', 'ppp0'), { ns: 'gw' });
    expect(shown.code).toBe(EXIT.notInForce);
    expect(shown.stderr).toContain('a measurement of searchbw was ended before it could put back');
    await inetgwOk(guest, 'ppp0', '200', '1500');
    expect(await snapshot(guest)).toBe(inForce);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });
});
