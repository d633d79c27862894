import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../../src/follow/decide/decide.ts';
import type { Sample } from '../../../../src/follow/decide/sample.ts';
import { Rest, REST_MS } from '../../../../src/follow/run/rest.ts';
import { BUCKET_MS, BUCKETS } from '../../../../src/plan/pacing/arrivals.ts';

/** 20 Mbit/s down, 5 up: 1 % of a second are 25 000 and 6250 bytes. */
const DECISION: Decision = {
  ...{ downBitPerSec: 20e6, upBitPerSec: 5e6, why: { down: 'steady', up: 'steady' } },
  ...{ pings: false, forgetLeast: false, forgetLeastPing: false },
};
const IDLE: Sample = { atMs: 0, spanMs: BUCKET_MS, downBitPerSec: 20_000, upBitPerSec: 5000 };
/** A packet of 1500 bytes in a span. */
const PACKET_BIT_PER_SEC = (1500 * 8 * 1000) / BUCKET_MS;
const COUNTED = { rxBytes: 1_000_000, txBytes: 500_000 };

/** After so many spans, the last of which are told apart, and a look at 5000 ms. */
function restAfter(spans: number, ...last: [Partial<Sample>, Partial<Decision>][]): Rest {
  const rest = new Rest();
  for (let n = 0; n < spans; n++) rest.decided(IDLE, DECISION);
  for (const [sample, decision] of last) rest.decided({ ...IDLE, ...sample }, { ...DECISION, ...decision });
  rest.looked(5000, COUNTED);
  return rest;
}
const idle = (): Rest => restAfter(21);
const moved = (rxBytes: number, txBytes: number) => ({
  rxBytes: COUNTED.rxBytes + rxBytes,
  txBytes: COUNTED.txBytes + txBytes,
});

describe('an idle line', () => {
  it('is looked at once a second, and nothing that is kept of it is lost', () => {
    expect(idle().canWait(5050, COUNTED)).toBe(true);
    expect(idle().canWait(5000 + REST_MS - 1, COUNTED)).toBe(true);
    expect(idle().canWait(5000 + REST_MS, COUNTED)).toBe(false);
    expect(2 * REST_MS).toBeLessThan(BUCKETS * BUCKET_MS);
  });

  it.each([
    ['what keeps a connection alive', 20_000, 5000, true],
    ['a download that begins', 26_000, 0, false],
    ['an upload that begins', 0, 6300, false],
    ['counters that began anew', -1, 0, false],
  ])('with %s', (_, rxBytes, txBytes, canWait) => {
    expect(idle().canWait(5100, moved(rxBytes, txBytes))).toBe(canWait);
  });

  it('may have a packet now and then: what counts is the second', () => {
    const packet: [Partial<Sample>, Partial<Decision>] = [{ upBitPerSec: PACKET_BIT_PER_SEC }, {}];
    expect(restAfter(40, packet).canWait(5050, COUNTED)).toBe(true);
    expect(restAfter(40, ...Array.from({ length: 5 }, () => packet)).canWait(5050, COUNTED)).toBe(false);
  });
});

describe('a line that is not idle is looked at each time', () => {
  it.each<[string, Rest]>([
    ['before a second of it was seen', restAfter(20)],
    ['at first', new Rest()],
    ['after a span with a download', restAfter(40, [{ downBitPerSec: 5e6 }, {}])],
    ['after a span with an upload', restAfter(40, [{ upBitPerSec: 2e6 }, {}])],
    ['while pings are sent', restAfter(40, [{}, { pings: true }])],
    ['after a change of a rate', restAfter(40, [{}, { downBitPerSec: 19e6 }])],
    ['after a change of a phase', restAfter(40, [{}, { why: { down: 'steady', up: 'hold' } }])],
    ['after the way became longer', restAfter(40, [{}, { forgetLeast: true }])],
  ])('%s', (_, rest) => {
    expect(rest.isIdle).toBe(false);
    expect(rest.canWait(5050, COUNTED)).toBe(false);
  });

  it('until a second later', () => {
    const rest = restAfter(40, [{ downBitPerSec: 5e6 }, {}]);
    for (let n = 0; n < 20; n++) {
      expect(rest.canWait(5050, COUNTED)).toBe(false);
      rest.decided(IDLE, DECISION);
    }
    expect(rest.canWait(5050, COUNTED)).toBe(true);
  });
});
