/** Uplinks that are small beside their downlink: what acknowledgements take of them, and what the plan does about it. */
import { expect, it } from 'vitest';
import { framingByKeyword, type Framing } from '../../../../src/plan/input/framing.ts';
import { DEFAULT_SETTINGS } from '../../../../src/plan/input/settings.ts';
import { makePlan, type Plan } from '../../../../src/plan/plan.ts';
import {
  acksBitPerSec,
  downCarriedByAcks,
  isNarrowUplink,
} from '../../../../src/plan/queues/acknowledgements.ts';
import { EGRESS_CLASSES } from '../../../../src/plan/queues/egressClasses.ts';
import { changeLines, setUpLines } from '../../../../src/tc/batch.ts';

const framing = framingByKeyword('pppoe-llcsnap') as Framing;
const line = { framing, upBitPerSec: 250e3, downBitPerSec: 9984e3, mtuBytes: 1492 };

function planOf(
  upBitPerSec: number,
  { leafQdisc = 'cake', fair = 'host' }: { leafQdisc?: 'cake' | 'fq_codel'; fair?: 'host' | 'flow' } = {},
): Plan {
  return makePlan(
    { ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec, downBitPerSec: 9984e3, framing, fair, pacing: 'bpf' },
    { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc, pacingObjectFile: '/run/inetgw/ppp0.pacing.o' },
    'nft',
  );
}

const leafLines = (plan: Plan): string[] =>
  setUpLines(plan.tc).filter((each) => / parent 1:[123]0 /.test(each));

it('two cells acknowledge 64: 312 of 250 kbit/s at 9984 kbit/s down', () => {
  expect(acksBitPerSec(line)).toBe(312e3);
  expect(downCarriedByAcks(line)).toBe(8000e3);
});

it('an uplink is narrow where they are more than the share of their class', () => {
  expect(isNarrowUplink(line)).toBe(true);
  const least = 312e3 / EGRESS_CLASSES.interactive.share;
  expect(isNarrowUplink({ ...line, upBitPerSec: least * 0.999 })).toBe(true);
  expect(isNarrowUplink({ ...line, upBitPerSec: least * 1.001 })).toBe(false);
  // The lines that were measured.
  for (const [upBitPerSec, downBitPerSec] of [
    [215e3, 1715e3],
    [627e3, 5880e3],
    [9.8e6, 49e6],
    [19.6e6, 98e6],
  ] as const)
    expect(isNarrowUplink({ ...line, upBitPerSec, downBitPerSec })).toBe(false);
});

it('the queue of the class that goes first thins them out there, and nowhere else', () => {
  const [interactive, normal, bulk] = leafLines(planOf(250e3));
  expect(interactive).toMatch(/ handle 10: cake .* ack-filter-aggressive$/);
  for (const other of [normal, bulk, ...leafLines(planOf(2e6))]) expect(other).not.toContain('ack-filter');
});

it('a change of UP turns it off and on in place', () => {
  const [wide, narrow] = [planOf(2e6).tc, planOf(250e3).tc];
  expect(changeLines(narrow, wide)?.join('\n')).toMatch(/qdisc change .* handle 10: cake .* no-ack-filter$/m);
  expect(changeLines(wide, narrow)?.join('\n')).toMatch(/ handle 10: cake .* ack-filter-aggressive$/m);
});

it('windows may last for as long as two full packets of an upload take', () => {
  const mostQueueUs = (up: number): number | undefined => planOf(up).pacing?.config.mostQueueUs;
  // 32 cells at 250 kbit/s are 54.3 ms.
  expect(mostQueueUs(250e3)).toBe(20_000 + 2 * 54_272);
  expect(mostQueueUs(2e6)).toBe(20_000);
  // What is learned of a wait has 16 bits of 16 us, and is no wait of seconds.
  expect(mostQueueUs(16e3)).toBe(20_000 + 212_000);
});
