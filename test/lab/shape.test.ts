/** Shaping what comes in: chosen freely, or because the kernel cannot police, which is then said. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot, statistics } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { LONG } from './forms.ts';
import { summarise } from './measure.ts';
import { sharedGuest } from './sharedGuest.ts';
import { downloads, keepFull, measure } from './traffic.ts';

const DOWN_KBIT = 1710;
/** User data in full packets over PPPoE and ATM: 1440 of 1696 bytes. */
const PAYLOAD_SHARE = 1440 / 1696;

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  untouched = await snapshot(guest);
});
afterEach(async () => {
  await inetgwOk(guest, 'ppp0', 'clear', '--quiet');
});

describe.each([
  // cake counts what it drops as though it had been sent on, and so keeps the line emptier.
  { how: 'cake', mostMs: 60, leastShare: 0.8 },
  { how: 'htb', mostMs: 350, leastShare: 0.95 },
] as const)('--ingress shape-$how', ({ how, mostMs, leastShare }) => {
  const words = ['ppp0', '215', String(DOWN_KBIT), '--ingress', `shape-${how}`];
  /** Of the queue, the first of them is enough: it is changed to the other and back, too. */
  const ofEither = test.runIf(how === 'cake' || LONG);

  test('answers in time under 4 downloads, at a rate that means the same as with stages', async () => {
    expect(await inetgwOk(guest, ...words)).toContain('downlink shaped by');
    const result = await measure(guest, { flows: [downloads(4)], warmUpMs: 20_000 });
    expect(summarise(result.ping.timesMs).mean).toBeLessThan(mostMs);
    const most = DOWN_KBIT * 0.98 * PAYLOAD_SHARE;
    expect(result.downBitPerSec / 1000).toBeGreaterThan(most * leastShare);
    // A window of 16 s may show a few per cent more than the line carries, see docs/lab.md.
    expect(result.downBitPerSec / 1000).toBeLessThan(most * 1.03);
    const { ingress } = await statistics(guest);
    expect(ingress).toMatchObject({ how, queue: { device: 'igw-ppp0' } });
    expect(ingress.seenPackets).toBeGreaterThan(1000);
    expect(ingress.queue?.sentPackets).toBeGreaterThan(1000);
    expect(ingress.queue?.droppedPackets).toBeGreaterThan(10);
  });

  ofEither('new rates change in place; other structures come and go; clear leaves nothing', async () => {
    await inetgwOk(guest, ...words);
    const once = await snapshot(guest);
    const other = ['ppp0', '300', '1500', '--ingress', `shape-${how}`];
    expect(await inetgwOk(guest, ...other)).toContain('changed in place');
    expect(await inetgwOk(guest, ...words)).toContain('changed in place');
    expect(await snapshot(guest)).toBe(once);
    for (const choice of ['police', how === 'cake' ? 'shape-htb' : 'shape-cake', `shape-${how}`]) {
      const said = await inetgwOk(guest, ...words.slice(0, 4), choice);
      expect(said).not.toContain('changed in place');
    }
    expect(await snapshot(guest)).toBe(once);
    expect(await inetgwOk(guest, 'status')).toMatch(new RegExp(`ppp0 .* ${how} `));
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
    expect(await guest.run(['ip', '-br', 'link', 'show', 'type', 'ifb'], { ns: 'gw' })).toBe('');
  });

  ofEither('an ifb that somebody has taken away is noticed, and made again', async () => {
    await inetgwOk(guest, ...words);
    const whole = await snapshot(guest);
    await guest.run(['ip', 'link', 'del', 'igw-ppp0'], { ns: 'gw' });
    expect((await inetgw(guest, 'ppp0')).stderr).toContain(
      'igw-ppp0, through which everything that comes in passes, is gone',
    );
    await inetgwOk(guest, ...words);
    expect(await snapshot(guest)).toBe(whole);
  });

  ofEither('the dry run prints what a shell can run, and that does the same', async () => {
    await inetgwOk(guest, ...words);
    const applied = await snapshot(guest);
    await inetgwOk(guest, 'ppp0', 'clear');
    const script = await inetgwOk(guest, ...words, '--dry-run=script');
    await guest.run(['sh', '-e'], { ns: 'gw', input: script });
    const withoutRun = (text: string): string => text.replaceAll(/^\/run\/inetgw.*\n?/gm, '');
    expect(withoutRun(await snapshot(guest))).toBe(withoutRun(applied));
    await inetgwOk(guest, ...words, '--replace');
  });
});

describe('on a kernel that lacks something', () => {
  afterAll(async () => {
    await guest.run(['rm', '-f', '/etc/modprobe.d/lab.conf']);
  });

  /** Its module is unloaded, and not loaded again when asked for. */
  async function takeAway(module: string): Promise<void> {
    const script = `echo 'install ${module} /bin/false' >>/etc/modprobe.d/lab.conf; modprobe -r ${module}`;
    await guest.run(['sh', '-ec', script]);
  }

  test('without police it shapes by itself, and says so each time; one who insists is told', async () => {
    await takeAway('act_police');
    for (const down of ['1710', '1600']) {
      const { code, stdout, stderr } = await inetgw(guest, 'ppp0', '215', down);
      expect([code, stdout]).toEqual([
        0,
        expect.stringContaining('downlink shaped by cake on igw-ppp0') as string,
      ]);
      expect(stderr).toContain('this kernel cannot police');
    }
    expect(await inetgwOk(guest, 'ppp0')).toContain('note: this kernel cannot police');
    await inetgwOk(guest, 'ppp0', 'clear');
    const insists = await inetgw(guest, 'ppp0', '215', '1710', '--ingress', 'police');
    expect(insists.code).toBe(5);
    expect(insists.stderr).toContain('act_police');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test('a service that may make no namespace finds it out too', async () => {
    const bounded = (...words: string[]): [string, ...string[]] => [
      ...(['setpriv', '--bounding-set=-all,+net_admin,+net_raw', '--inh-caps=-all'] as const),
      ...commandArgv('inetgw', 'ppp0', ...words),
    ];
    const { code, stdout } = await guest.exec(bounded('215', '1710'), { ns: 'gw' });
    expect([code, stdout]).toEqual([0, expect.stringContaining('downlink shaped by cake') as string]);
    await guest.run(bounded('clear'), { ns: 'gw' });
  });

  test.runIf(LONG)(
    'searchbw measures with the queue that stands in, and puts back what was in force',
    async () => {
      await inetgwOk(guest, 'ppp0', '200', '1500');
      const inForce = await snapshot(guest);
      const load = await keepFull(guest, 'DOWN');
      const argv = commandArgv(
        'searchbw',
        'ppp0',
        'DOWN',
        '1400-1700',
        '100',
        '10',
        '210',
        '--ping-host',
        SERVER.ipv4,
      );
      const { code, stdout } = await guest.exec(argv, { ns: 'gw' });
      await load.end();
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^then use: inetgw ppp0 210 1[67]00$/m) as string,
      ]);
      expect(await snapshot(guest)).toBe(inForce);
    },
  );

  // fq_codel cannot be taken away here: this kernel does not let go of it. Its fallback is in the unit tests.
  test('without cake too it is HTB', async () => {
    await takeAway('sch_cake');
    for (const down of ['1710', '1600']) {
      const { code, stdout, stderr } = await inetgw(guest, 'ppp0', '215', down);
      expect([code, stdout]).toEqual([0, expect.stringContaining('HTB and flow queues') as string]);
      for (const missing of ['cannot police', 'no cake']) expect(stderr).toContain(missing);
    }
    const queues = await guest.run(['tc', 'qdisc', 'show', 'dev', 'igw-ppp0'], { ns: 'gw' });
    expect(queues.match(/qdisc fq_codel/g)).toHaveLength(2);
    const insists = await inetgw(guest, 'ppp0', '215', '1710', '--ingress', 'shape-cake');
    expect(insists.code).toBe(5);
    expect(insists.stderr).toContain('sch_cake');
  });
});
