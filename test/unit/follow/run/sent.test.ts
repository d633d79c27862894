import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sent } from '../../../../src/follow/run/sent.ts';

const counted = (txBytes: number) => ({ txBytes, txPackets: txBytes / 100 });

describe('what was sent', () => {
  it('in spans between two readings is spread evenly; a burst is where it was seen', () => {
    const sent = new Sent();
    for (const [span, bytes] of [
      [10, 0],
      [12, 200],
      [14, 20_200],
    ] as const)
      sent.read(span, counted(bytes));
    expect([10, 11, 12, 13].map((span) => sent.during(span).bytes)).toEqual([100, 100, 10_000, 10_000]);
    expect(sent.during(13).packets).toBe(100);
  });

  it('before the first reading, and after the last, is not known', () => {
    const sent = new Sent();
    expect(sent.during(3)).toEqual({ bytes: 0, packets: 0 });
    sent.read(3, counted(1000));
    expect(sent.during(2)).toEqual({ bytes: 0, packets: 0 });
    expect(sent.during(3)).toEqual({ bytes: 0, packets: 0 });
  });

  it('is all of it, whenever it is read, and asked for in pieces', () => {
    const step = fc.record({ spans: fc.nat(4), bytes: fc.nat(5000), isAsked: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const sent = new Sent();
        sent.read(100, counted(0));
        let [span, bytes, asked, sum, last] = [100, 0, 100, 0, 0];
        for (const each of [...steps, { spans: 1, bytes: 0, isAsked: true }]) {
          span += each.spans;
          bytes += each.bytes;
          sent.read(span, counted(bytes));
          // Of several readings in one span the first counts: the rest comes with the next.
          if (each.spans > 0) last = bytes;
          if (!each.isAsked) continue;
          for (; asked < span; asked++) sum += sent.during(asked).bytes;
          sent.forgetBefore(asked);
        }
        expect(sum).toBeCloseTo(last, 6);
      }),
    );
  });
});
