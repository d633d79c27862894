import { describe, expect, test } from 'vitest';
import { rtcMs, Watch } from '../../lab/limits.ts';

const LIMITS = { guestMs: 10_000, standstills: 3, realMs: 60_000 };

describe('the limits of a request to a guest', () => {
  test('a guest that is slow in real time is not hung', () => {
    const watch = new Watch(LIMITS, 0);
    for (let look = 0; look < 20; look += 1) {
      watch.look({ clockMs: 5_000_000 + Math.floor(look / 10) * 1000, instructions: look });
    }
    expect(watch.exceeded(59_999)).toBeUndefined();
  });

  test('its own time counts from the first look at it', () => {
    const watch = new Watch(LIMITS, 0);
    expect(watch.exceeded(1000)).toBeUndefined();
    watch.look({ clockMs: 5_000_000, instructions: 0 });
    watch.look({ clockMs: 5_010_000, instructions: 0 });
    expect(watch.exceeded(1000)).toBeUndefined();
    watch.look({ clockMs: 5_011_000, instructions: 0 });
    expect(watch.exceeded(1000)).toBe('within 10 s of its time');
  });

  test('a guest that stands still is seen by the number of looks, however far apart', () => {
    const watch = new Watch(LIMITS, 0);
    const same = { clockMs: 1000, instructions: 7 };
    for (let look = 0; look < 3; look += 1) watch.look(same);
    expect(watch.exceeded(1)).toBeUndefined();
    watch.look(same);
    expect(watch.exceeded(1)).toBe('and stands still');
  });

  test('a guest that goes on begins the count anew', () => {
    const watch = new Watch(LIMITS, 0);
    for (const clockMs of [0, 0, 0, 1000, 1000, 1000]) watch.look({ clockMs, instructions: 7 });
    expect(watch.exceeded(1)).toBeUndefined();
  });

  test('real time without end is the last stop, also when QEMU says nothing', () => {
    const watch = new Watch(LIMITS, 7);
    expect(watch.exceeded(60_007)).toBeUndefined();
    expect(watch.exceeded(60_008)).toBe('within 60 s of real time');
  });
});

test('the clock chip of QEMU is read to the second', () => {
  const time = { tm_year: 126, tm_mon: 10, tm_mday: 26, tm_hour: 1, tm_min: 4, tm_sec: 8 };
  expect(new Date(rtcMs(time)).toISOString()).toBe('2026-11-26T01:04:08.000Z');
});
