/** `inetgw serve` on a real line whose rate changes: nothing is sent to find that out where TCP tells it. */
import { beforeAll, expect, test } from 'vitest';
import { parseTrace, replay } from '../../src/follow/decide/trace.ts';
import { LINE, rawBitPerSec, SETTINGS, startService, walkLine, type Walk } from './followed.ts';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, snapshot, statistics } from './inetgw.ts';
import { later } from './later.ts';
import { PROVIDER, setUpLine } from './line.ts';
import { summarise } from './measure.ts';
import { quicPrograms } from './quic.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, keepIperf, type FullLine } from './traffic.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
});

/** 20, 4, 20 Mbit/s. */
const DIP: Walk = {
  phases: [
    { atSec: 2, bitPerSec: 4e6 },
    { atSec: 9, bitPerSec: 20e6 },
  ],
  seconds: 15,
};

/** Pings that the gateway has sent. */
async function pingsSent(): Promise<number> {
  const [names = [], values = []] = (await guest.run(['cat', '/proc/net/snmp'], { ns: 'gw' }))
    .split('\n')
    .filter((line) => line.startsWith('Icmp: '))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('OutEchos')]);
}
/** When a device is taken up: how long the way to the next hop is. */
const AT_FIRST = 5;

test('a line of 20 Mbit/s that becomes one of 4 answers at once, is full, and comes back within seconds', async () => {
  const { result, trace } = await walkLine(guest, DIP);
  expect(await pingsSent()).toBe(AT_FIRST);
  const { timesMs } = result.ping;
  // On the path without a queue it is 10 ms. Without the service it is 80 and more for as long as the line is slow.
  expect(summarise(timesMs).p95).toBeLessThan(50);
  // Two seconds of the six after the dip are the way back; the lowest rate all the time would be 24 % of the raw rate.
  expect(result.downBitPerSec).toBeGreaterThan(rawBitPerSec(DIP) * 0.65);
  const { samples } = parseTrace(trace);
  const end = samples.at(-1)?.atMs ?? 0;
  const last = samples.filter(({ atMs }) => atMs > end - 2000);
  const meanBitPerSec = last.reduce((sum, each) => sum + each.downBitPerSec, 0) / last.length;
  expect(meanBitPerSec).toBeGreaterThan(16e6);
  // What was recorded decides the same again.
  const recorded = samples.map(
    (sample) => (sample as unknown as { decided: { downBitPerSec: number } }).decided,
  );
  expect(replay(parseTrace(trace)).map(({ downBitPerSec }) => downBitPerSec)).toEqual(
    recorded.map(({ downBitPerSec }) => downBitPerSec),
  );
});

later(
  'of QUIC, which has no timestamps, pings tell, sent while the line is loaded; its rate follows all the same',
  async () => {
    // 8 Mbit/s, then 4.
    const halved: Walk = { phases: [{ atSec: 2, bitPerSec: 10e6 }], seconds: 12 };
    const flows = [downloads(2, { client: 'lan', transport: 'quic', quic: await quicPrograms() })];
    const { trace, said } = await walkLine(guest, halved, { flows, scale: 0.4 });
    const { samples } = parseTrace(trace);
    const end = samples.at(-1)?.atMs ?? 0;
    const rates = replay(parseTrace(trace)).flatMap(({ downBitPerSec }, at) =>
      (samples[at]?.atMs ?? 0) > end - 5000 ? [downBitPerSec] : [],
    );
    const meanBitPerSec = rates.reduce((sum, each) => sum + each, 0) / rates.length;
    expect([meanBitPerSec > 2e6, meanBitPerSec < 4.1e6], `${meanBitPerSec} ${said}`).toEqual([true, true]);
    const sent = await pingsSent();
    expect(sent).toBeGreaterThan(100);
    const service = await startService(guest);
    await guest.request('sleep', { ms: 5000 });
    await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
    expect(await pingsSent()).toBe(sent + AT_FIRST);
  },
);

/** Without timestamps, so that pings tell. */
const keepSendingUdp = (): Promise<FullLine> =>
  keepIperf(guest, {
    ...{ client: 'lan', server: 'isp', address: PROVIDER.ipv4, words: ['-u', '-b', '4M', '-l', '1200'] },
  });

later(
  'an idle line is looked at once a second, a loaded one each 50 ms, and no span of either is lost',
  async () => {
    await setUpLine(guest, LINE);
    await inetgwOk(guest, ...SETTINGS);
    const file = '/run/idle.jsonl';
    const service = await startService(guest, 'ppp0', '--record', file);
    await guest.request('sleep', { ms: 3000 });
    const looks = async (): Promise<number> => {
      const sizes = await guest.run(['sh', '-c', `for n in $(seq 30); do wc -c <${file}; sleep 0.1; done`]);
      return new Set(sizes.trim().split('\n')).size;
    };
    expect(await looks()).toBeLessThan(7);
    const load = await keepSendingUdp();
    await guest.request('sleep', { ms: 2000 });
    expect(await looks()).toBeGreaterThan(20);
    await load.end();
    await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
    const { samples } = parseTrace(await guest.run(['cat', file]));
    const [first, last] = [samples[0], samples.at(-1)];
    expect((last?.atMs ?? 0) - (first?.atMs ?? 0)).toBe((samples.length - 1) * 50);
    // What was sent while it was idle is in the spans in which it was: the load begins at once.
    const begins = samples.findIndex(({ upBitPerSec }) => upBitPerSec > 1e6);
    const before = samples.slice(begins - 4, begins).map(({ upBitPerSec }) => upBitPerSec);
    expect(Math.max(...before)).toBeLessThan(0.4e6);
  },
);

/** One that was lost is looked for a minute later. */
const AGAIN_MS = 65_000;

later(
  'a next hop that falls silent is told, and looked for on the idle line, once; a ping that ends is followed by another',
  async () => {
    await setUpLine(guest, LINE);
    await inetgwOk(guest, ...SETTINGS);
    const service = await startService(guest);
    const sleep = (ms: number): Promise<unknown> => guest.request('sleep', { ms });
    const answers = (isAnswered: boolean): Promise<string> =>
      guest.run(['sysctl', '-qw', `net.ipv4.icmp_echo_ignore_all=${isAnswered ? 0 : 1}`], { ns: 'isp' });
    /** What is done while pings are needed. */
    const loaded = async (during: () => Promise<unknown>): Promise<void> => {
      const load = await keepSendingUdp();
      await sleep(4000);
      await during();
      await load.end();
      // They go on for 3 s.
      await sleep(4000);
    };
    /** Pings that were sent meanwhile. */
    const sentDuring = async (body: () => Promise<unknown>): Promise<number> => {
      const before = await pingsSent();
      await body();
      return (await pingsSent()) - before;
    };
    await sleep(2000);
    expect(await sentDuring(() => loaded(() => sleep(1000)))).toBeGreaterThan(20);
    await loaded(async () => {
      await answers(false);
      await sleep(13_000);
      expect(await sentDuring(() => sleep(2000))).toBe(0);
      await answers(true);
    });
    expect(await sentDuring(() => sleep(AGAIN_MS))).toBe(AT_FIRST);
    expect(await sentDuring(() => sleep(AGAIN_MS))).toBe(0);
    await loaded(async () => {
      await guest.run(['pkill', '-P', String(service.pid), '-x', 'ping'], { ns: 'gw' });
      // Another one goes on.
      expect(await sentDuring(() => sleep(2000))).toBeGreaterThan(10);
    });
    const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
    expect(stderr.split('\n').filter((line) => line.includes('no pings'))).toEqual([
      expect.stringContaining('it does not answer any longer'),
    ]);
  },
);

later(
  'the rates are shown while it runs, and at its end those that were set up are in force, to the letter',
  async () => {
    await inetgwOk(guest, 'ppp0', 'clear');
    await inetgwOk(guest, ...SETTINGS);
    const before = await snapshot(guest);
    const idle = await statistics(guest);
    expect(idle.following).toEqual({
      limits: {
        down: { leastBitPerSec: 3e6, mostBitPerSec: 19.6e6 },
        up: { leastBitPerSec: 4.875e6, mostBitPerSec: 4.875e6 },
      },
      pid: null,
    });
    const service = await startService(guest);
    const { following } = await statistics(guest);
    expect(following).toMatchObject({ pid: service.pid, down: { bitPerSec: 19.6e6, phase: 'steady' } });
    expect((await inetgw(guest, 'ppp0')).stdout).toContain(
      'follows: down within 3000 kbit/s to 19.6 Mbit/s: 19.6 Mbit/s now',
    );
    const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
    expect(stderr).toContain('ppp0: followed: down 3000 kbit/s to 19.6 Mbit/s; up 4875 kbit/s, fixed');
    expect(await snapshot(guest)).toBe(before);
    expect((await statistics(guest)).following).toEqual(idle.following);
  },
);

later(
  'killed, the rates that it set last stay; set up again, those that are given are in force, as after a clear',
  async () => {
    // What the pacing program is told: the rate, and for which.
    const told = `mount --bind /run/bpf /sys/fs/bpf
    bpftool map dump pinned /sys/fs/bpf/tc/globals/igr_$(printf %08x "$(cat /sys/class/net/ppp0/ifindex)") -j`;
    const inKernel = async (): Promise<[string, string]> => [
      await snapshot(guest),
      await guest.run(['sh', '-c', told], { ns: 'gw' }),
    ];
    const slow: Walk = { phases: [{ atSec: 0, bitPerSec: 4e6 }], seconds: 4 };
    await walkLine(guest, slow, { signal: 'SIGKILL' });
    const { following } = await statistics(guest);
    expect(following?.pid).toBeNull();
    expect(following?.down?.bitPerSec).toBeLessThan(10e6);
    const left = await inKernel();
    const again = await inetgw(guest, ...SETTINGS);
    expect(again.stderr).toMatch(
      /has ended without a word; its rates are replaced: up .*, down [34]\d\d\d kbit\/s/,
    );
    const anew = await inKernel();
    await inetgwOk(guest, 'ppp0', 'clear');
    await inetgwOk(guest, ...SETTINGS);
    const fresh = await inKernel();
    expect(anew[0]).toBe(fresh[0]);
    for (const n of [0, 1] as const) expect(left[n]).not.toBe(anew[n]);
    expect(JSON.parse(anew[1])).toEqual(JSON.parse(fresh[1]));
    expect((await statistics(guest)).following).toMatchObject({ pid: null, limits: following?.limits });
    expect((await inetgw(guest, ...SETTINGS)).stderr).not.toContain('ended without a word');
  },
);

later('other limits in the file than those in force are not in force', async () => {
  const status = async (downMin: string): Promise<[string, number]> => {
    const section = `[ppp0]\nup = 4875\ndown = 19600\n${downMin}\nlinklayer = "ethernet"\noverhead = 26\n`;
    await guest.request('write', { path: '/run/lab/limits.toml', text: section });
    const { stdout, code } = await inetgw(guest, 'status', '--config', '/run/lab/limits.toml', '--json');
    const [ppp0] = JSON.parse(stdout) as { configured: string }[];
    return [ppp0?.configured ?? '', code];
  };
  expect(await status('down-min = "3mbit"')).toEqual(['in force', 0]);
  expect(await status('down-min = "2mbit"')).toEqual(['not in force', 3]);
  expect(await status('')).toEqual(['not in force', 3]);
});

later(
  'rates that are set while it runs are all in force, whatever it had set; without limits it leaves the device',
  async () => {
    const service = await startService(guest);
    await inetgwOk(guest, 'ppp0', '4000', '10000', '--linklayer', 'ethernet', '--overhead', '26');
    const { following, downBitPerSec } = await statistics(guest);
    expect([following, downBitPerSec]).toEqual([undefined, 10e6]);
    await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
    const standing = await snapshot(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
    await inetgwOk(guest, 'ppp0', '4000', '10000', '--linklayer', 'ethernet', '--overhead', '26');
    expect(await snapshot(guest)).toBe(standing);
  },
);
