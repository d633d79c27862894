/** Rates follow their line: what holds of any line, as a fluid. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, pingIntervalMs, startFollowing } from '../../../../src/follow/decide/decide.ts';
import type { LineLimits, Sample } from '../../../../src/follow/decide/sample.ts';
import { follow, LIMITS, type Lived } from './fluidLine.ts';

const always = (): boolean => true;
const constantly = (value: number) => (): number => value;

const bitPerSec = fc.double({ min: 0, max: 1e9, noNaN: true });
const queueMs = fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }), { nil: undefined });

/** Whatever can be seen, at times that go on. */
const samples: fc.Arbitrary<Sample[]> = fc
  .array(
    fc.record({
      spanMs: fc.integer({ min: 1, max: 5000 }),
      ...{ downBitPerSec: bitPerSec, upBitPerSec: bitPerSec },
      ...{ downQueueMs: queueMs, roundTripMs: queueMs, pingMs: queueMs },
    }),
    { maxLength: 200 },
  )
  .map((seen) => {
    let atMs = 0;
    return seen.map(({ downQueueMs, roundTripMs, pingMs, ...rest }) => ({
      ...rest,
      atMs: (atMs += rest.spanMs),
      ...(downQueueMs === undefined ? {} : { downQueueMs }),
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      ...(pingMs === undefined ? {} : { pingMs }),
    }));
  });

const limits: fc.Arbitrary<LineLimits> = fc
  .tuple(
    ...[1, 2].map(() =>
      fc.tuple(fc.double({ min: 1e4, max: 1e9, noNaN: true }), fc.double({ min: 1, max: 100, noNaN: true })),
    ),
  )
  .map((each) => {
    const [down, up] = each.map(([least, times]) => ({
      leastBitPerSec: least,
      mostBitPerSec: least * times,
    }));
    if (down === undefined || up === undefined) throw new Error('two directions');
    return { down, up };
  });

test('no rate is ever outside its limits, whatever is seen', () => {
  fc.assert(
    fc.property(samples, limits, fc.double({ min: 1, max: 1e10, noNaN: true }), (all, within, rate) => {
      let state = startFollowing({ downBitPerSec: rate, upBitPerSec: rate }, 0);
      for (const sample of all) {
        const next = decide(state, sample, within);
        state = next.state;
        for (const direction of ['down', 'up'] as const) {
          const decided = next.decision[`${direction}BitPerSec`];
          expect(decided).toBeGreaterThanOrEqual(within[direction].leastBitPerSec);
          expect(decided).toBeLessThanOrEqual(within[direction].mostBitPerSec);
        }
      }
    }),
  );
});

const within = fc.double({ min: 3.2e6, max: 19e6, noNaN: true });
const firstBelow = (lived: readonly Lived[], rate: number): number =>
  lived.find(({ decision }) => decision.downBitPerSec < rate)?.atMs ?? Infinity;

test('a line that has become slower: the rate is below it 100 ms after that shows, and the queue gone a second later', () => {
  // Not so near the lowest rate that nothing may be below it.
  const above = fc.double({ min: 6e6, max: 19e6, noNaN: true });
  fc.assert(
    fc.property(above, (slower) => {
      const changesMs = 5000;
      const lived = follow(
        {
          downBitPerSec: (atMs) => (atMs < changesMs ? 20e6 : slower),
          upBitPerSec: constantly(5e6),
          isLoaded: always,
        },
        8000,
      );
      // A queue must have come first that cannot be anything else: 12 ms, at a surplus of so many ms a second.
      const showsMs = 12 / (20e6 / slower - 1) + 100;
      expect(firstBelow(lived, slower) - changesMs).toBeLessThanOrEqual(showsMs + 100);
      const later = lived.filter(({ atMs }) => atMs > changesMs + showsMs + 1000);
      expect(Math.max(...later.map((each) => each.downQueueMs))).toBeLessThan(40);
    }),
  );
});

test('a line that is as fast again is used again: 80 % of it within 3 s, from a fifth', () => {
  const changesMs = 15_000;
  const lived = follow(
    {
      downBitPerSec: (atMs) => (atMs < 5000 || atMs >= changesMs ? 20e6 : 4e6),
      upBitPerSec: constantly(5e6),
      isLoaded: always,
    },
    25_000,
  );
  const there = lived.find(({ atMs, decision }) => atMs > changesMs && decision.downBitPerSec > 16e6);
  expect((there?.atMs ?? Infinity) - changesMs).toBeLessThanOrEqual(3000);
});

test('load and no queue: the rate rises to its highest, from any', () => {
  fc.assert(
    fc.property(within, (rate) => {
      let state = startFollowing({ downBitPerSec: rate, upBitPerSec: 5e6 }, 0);
      for (let atMs = 50; atMs <= 12_000; atMs += 50) {
        const { downBitPerSec } = { downBitPerSec: state.down.rateBitPerSec };
        const sample = { atMs, spanMs: 50, downBitPerSec, upBitPerSec: 0, downQueueMs: 0, roundTripMs: 0 };
        state = decide(state, sample, LIMITS).state;
      }
      expect(state.down.rateBitPerSec).toBe(LIMITS.down.mostBitPerSec);
    }),
  );
});

test('a queue that grows whatever is done: the rate falls to its lowest', () => {
  fc.assert(
    fc.property(within, (rate) => {
      let state = startFollowing({ downBitPerSec: rate, upBitPerSec: 5e6 }, 0);
      for (let atMs = 50; atMs <= 12_000; atMs += 50) {
        const sample: Sample = {
          ...{ atMs, spanMs: 50, upBitPerSec: 0 },
          downBitPerSec: state.down.rateBitPerSec,
          ...{ downQueueMs: 50 + atMs / 10, roundTripMs: 50 + atMs / 10 },
        };
        state = decide(state, sample, LIMITS).state;
      }
      expect(state.down.rateBitPerSec).toBe(LIMITS.down.leastBitPerSec);
    }),
  );
});

describe('what tells nothing changes nothing', () => {
  const followed = follow(
    { downBitPerSec: constantly(7e6), upBitPerSec: constantly(2e6), isLoaded: always },
    10_000,
  );
  const last = followed.at(-1)?.decision;
  const rates = { downBitPerSec: last?.downBitPerSec ?? NaN, upBitPerSec: last?.upBitPerSec ?? NaN };

  test.each([
    ['an idle line', { downBitPerSec: 0, upBitPerSec: 0 }],
    [
      'a line that carries a little, without a queue',
      { downBitPerSec: 1e5, upBitPerSec: 1e5, downQueueMs: 0, roundTripMs: 0 },
    ],
    ['seconds of silence under load', { downBitPerSec: 0, upBitPerSec: rates.upBitPerSec }],
    ['slow pings while nothing is sent', { downBitPerSec: 0, upBitPerSec: 0, pingMs: 900 }],
    [
      'single packets that come late',
      { downBitPerSec: 1e4, upBitPerSec: 1e4, downQueueMs: 45, roundTripMs: 900 },
    ],
  ] as const)('%s', (_, seen) => {
    let state = startFollowing(rates, 0);
    for (let atMs = 50; atMs <= 60_000; atMs += 50) {
      const next = decide(state, { atMs, spanMs: 50, ...seen }, LIMITS);
      state = next.state;
      expect(next.decision).toMatchObject(rates);
    }
  });
});

describe('a queue in one direction', () => {
  test.each(['tcp', 'pings'] as const)('of the uplink, told by %s: the downlink keeps its rate', (tells) => {
    const lived = follow(
      {
        downBitPerSec: constantly(20e6),
        upBitPerSec: (atMs) => (atMs < 5000 ? 5e6 : 2e6),
        isLoaded: always,
        ...{ tells },
      },
      8000,
    );
    const { downBitPerSec, upBitPerSec } = lived.at(-1)?.decision ?? {};
    if (tells === 'tcp') {
      expect(downBitPerSec).toBe(LIMITS.down.mostBitPerSec);
      expect(upBitPerSec).toBeLessThan(2.2e6);
      expect(upBitPerSec).toBeGreaterThan(1.5e6);
    } else {
      // Nobody can tell which it is: it is charged to either, not to both.
      expect(lived.some(({ decision }) => decision.downBitPerSec < 20e6 && decision.upBitPerSec < 5e6)).toBe(
        false,
      );
    }
  });

  test('of the downlink: the uplink keeps its rate', () => {
    const lived = follow(
      {
        downBitPerSec: (atMs) => (atMs < 5000 ? 20e6 : 6e6),
        upBitPerSec: constantly(5e6),
        isLoaded: always,
      },
      8000,
    );
    expect(lived.at(-1)?.decision.upBitPerSec).toBe(LIMITS.up.mostBitPerSec);
  });
});

/** The way of a loaded downlink becomes 60 ms longer after 2 s: how often that is told, and the rate 18 s later. */
function onALongerWay(
  seenAs: (longerMs: number) => Partial<Sample>,
  tells: 'forgetLeast' | 'forgetLeastPing',
): [times: number, downBitPerSec: number] {
  let state = startFollowing({ downBitPerSec: 20e6, upBitPerSec: 5e6 }, 0);
  let longerMs = 0;
  let told = 0;
  for (let atMs = 50; atMs <= 20_000; atMs += 50) {
    if (atMs === 2000) longerMs = 60;
    const downBitPerSec = state.down.rateBitPerSec;
    const sample = { atMs, spanMs: 50, downBitPerSec, upBitPerSec: 0, ...seenAs(longerMs) };
    const next = decide(state, sample, LIMITS);
    state = next.state;
    if (next.decision[tells]) {
      told += 1;
      longerMs = 0;
    }
  }
  return [told, state.down.rateBitPerSec];
}

test('a way that has become longer is no queue: it is told once, and the rate comes back', () => {
  const seenAs = (longerMs: number) => ({ downQueueMs: longerMs, roundTripMs: longerMs });
  expect(onALongerWay(seenAs, 'forgetLeast')).toEqual([1, 20e6]);
});

test('a line below the lowest rate: its queue cannot be drained, and is not taken for the way', () => {
  let state = startFollowing(
    { downBitPerSec: LIMITS.down.mostBitPerSec, upBitPerSec: LIMITS.up.mostBitPerSec },
    0,
  );
  for (let atMs = 50; atMs <= 30_000; atMs += 50) {
    const next = decide(
      state,
      {
        ...{ atMs, spanMs: 50, downBitPerSec: LIMITS.down.leastBitPerSec * 0.7, upBitPerSec: 1e5 },
        ...{ downQueueMs: 300, roundTripMs: 300 },
      },
      LIMITS,
    );
    state = next.state;
    expect(next.decision.forgetLeast).toBe(false);
    if (atMs > 500) expect(next.decision.downBitPerSec).toBe(LIMITS.down.leastBitPerSec);
  }
});

describe('pings', () => {
  const quic = { downBitPerSec: 15e6, upBitPerSec: 1e5 };
  const asked = (sample: Omit<Sample, 'atMs' | 'spanMs'>): boolean[] => {
    let state = startFollowing({ downBitPerSec: 20e6, upBitPerSec: 5e6 }, 0);
    return Array.from({ length: 40 }, (_, at) => {
      const next = decide(state, { atMs: (at + 1) * 50, spanMs: 50, ...sample }, LIMITS);
      state = next.state;
      return next.decision.pings;
    });
  };

  test('are asked for half a second after the line is full of what has no timestamps', () => {
    expect(asked(quic).indexOf(true)).toBe(10);
  });
  test.each([
    ['an idle line', { downBitPerSec: 1e5, upBitPerSec: 1e5 }],
    ['TCP with timestamps', { ...quic, downQueueMs: 0 }],
  ] as const)('never: %s', (_, sample) => {
    expect(asked(sample)).not.toContain(true);
  });

  /** What is asked for after each of these samples of 50 ms. */
  const after = (...spans: [count: number, sample: Omit<Sample, 'atMs' | 'spanMs'>][]): boolean[] => {
    let state = startFollowing({ downBitPerSec: 20e6, upBitPerSec: 5e6 }, 0);
    let atMs = 0;
    return spans.map(([count, sample]) => {
      let pings = false;
      for (let n = 0; n < count; n += 1) {
        const next = decide(state, { atMs: (atMs += 50), spanMs: 50, ...sample }, LIMITS);
        state = next.state;
        ({ pings } = next.decision);
      }
      return pings;
    });
  };
  const idle = { downBitPerSec: 1e4, upBitPerSec: 1e4 };

  test('go on for three seconds after the load, which may come in bursts', () => {
    expect(after([20, quic], [60, idle], [2, idle])).toEqual([true, true, false]);
  });
  test('end at once where timestamps tell again', () => {
    expect(after([20, quic], [1, { ...quic, downQueueMs: 0 }])).toEqual([true, false]);
  });
  test('take a hundredth of the uplink at most, and are 2 to 20 a second', () => {
    expect([100e6, 5e6, 1e6, 256e3, 64e3].map(pingIntervalMs).map(Math.round)).toEqual([
      50, 50, 85, 331, 500,
    ]);
  });
  test('that take longer on a way that has become longer are forgotten as well', () => {
    expect(onALongerWay((pingMs) => ({ pingMs }), 'forgetLeastPing')).toEqual([1, 20e6]);
  });
});
