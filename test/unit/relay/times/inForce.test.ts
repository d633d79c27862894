import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatTimed,
  parseTimes,
  type Time,
  type TimedLimits,
  type Times,
} from '../../../../src/relay/settings/times.ts';
import { inForce, type OffsetAt } from '../../../../src/relay/times/inForce.ts';

const MINUTE_MS = 60_000;

/** The wall clock of a place as the time zone database has it. */
function wallClock(timeZone: string): (epochMs: number) => Record<string, string> {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return (epochMs) =>
    Object.fromEntries(format.formatToParts(epochMs).map(({ type, value }) => [type, value]));
}

function offsetIn(timeZone: string): OffsetAt {
  const clock = wallClock(timeZone);
  return (epochMs) => {
    const { year, month, day, hour, minute, second } = clock(epochMs);
    return (
      Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`) -
      Math.floor(epochMs / 1000) * 1000
    );
  };
}

function timesOf(...texts: string[]): Times {
  const times = parseTimes(texts, 'process');
  if (typeof times === 'string') throw new Error(times);
  return times;
}

/** `bandwidth 5 until 2026-11-27T22:00:00Z`. */
function told(times: Times, at: string, timeZone: string): string {
  const { limits, untilMs } = inForce(times, Date.parse(at), offsetIn(timeZone));
  const until =
    untilMs === undefined ? 'for good' : `until ${new Date(untilMs).toISOString().replace('.000', '')}`;
  return `${formatTimed(limits) || 'as set'} ${until}`;
}

const BERLIN = 'Europe/Berlin';
const SYDNEY = 'Australia/Sydney';

describe('what is in force', () => {
  it('is what holds from its first minute to before its last', () => {
    const times = timesOf('mon-fri 18:00-23:00 5');
    // A Friday in winter.
    expect(told(times, '2026-11-27T16:59:59.999Z', BERLIN)).toBe('as set until 2026-11-27T17:00:00Z');
    expect(told(times, '2026-11-27T17:00:00Z', BERLIN)).toBe('bandwidth 5 until 2026-11-27T22:00:00Z');
    expect(told(times, '2026-11-27T21:59:59.999Z', BERLIN)).toBe('bandwidth 5 until 2026-11-27T22:00:00Z');
    expect(told(times, '2026-11-27T22:00:00Z', BERLIN)).toBe('as set until 2026-11-30T17:00:00Z');
  });

  it('goes over midnight with the day on which it begins, also over the end of the week', () => {
    const times = timesOf('sun 22:00-06:00 5');
    expect(told(times, '2026-11-28T23:30:00Z', 'UTC')).toBe('as set until 2026-11-29T22:00:00Z');
    expect(told(times, '2026-11-30T03:00:00Z', 'UTC')).toBe('bandwidth 5 until 2026-11-30T06:00:00Z');
    expect(told(times, '2026-11-29T03:00:00Z', 'UTC')).toBe('as set until 2026-11-29T22:00:00Z');
  });

  it('is decided by the first that holds, each limit by itself', () => {
    const times = timesOf('fri 20:00-21:00 down 1', 'mon-fri 18:00-23:00 5', 'fri conn_up 7');
    expect(told(times, '2026-11-27T19:00:00Z', 'UTC')).toBe(
      'bandwidth 5 conn_up 7 until 2026-11-27T20:00:00Z',
    );
    expect(told(times, '2026-11-27T20:00:00Z', 'UTC')).toBe(
      'up 5 down 1 conn_up 7 until 2026-11-27T21:00:00Z',
    );
  });

  it('has no end where nothing changes, and none between two that say the same', () => {
    expect(told([], '2026-11-27T19:00:00Z', 'UTC')).toBe('as set for good');
    expect(told(timesOf('00:00-24:00 5'), '2026-11-27T19:00:00Z', 'UTC')).toBe('bandwidth 5 for good');
    expect(told(timesOf('fri 10:00-12:00 5', 'fri 12:00-13:00 5'), '2026-11-27T11:00:00Z', 'UTC')).toBe(
      'bandwidth 5 until 2026-11-27T13:00:00Z',
    );
  });

  it('keeps to the wall clock when summer begins: an hour is not there', () => {
    // Sunday, 29 March 2026, in Berlin: at 02:00 it is 03:00.
    const night = timesOf('22:00-06:00 5');
    expect(told(night, '2026-03-28T21:00:00Z', BERLIN)).toBe('bandwidth 5 until 2026-03-29T04:00:00Z');
    const leapt = timesOf('sun 02:15-02:45 5');
    expect(told(leapt, '2026-03-29T00:59:00Z', BERLIN)).toBe('as set until 2026-04-05T00:15:00Z');
    // What begins within that hour begins with its end.
    expect(told(timesOf('sun 02:15-04:00 5'), '2026-03-29T00:59:00Z', BERLIN)).toBe(
      'as set until 2026-03-29T01:00:00Z',
    );
  });

  it('keeps to it when winter begins: an hour is there twice', () => {
    // Sunday, 25 October 2026, in Berlin: at 03:00 it is 02:00.
    const twice = timesOf('sun 02:15-02:45 5');
    expect(told(twice, '2026-10-25T00:00:00Z', BERLIN)).toBe('as set until 2026-10-25T00:15:00Z');
    expect(told(twice, '2026-10-25T00:15:00Z', BERLIN)).toBe('bandwidth 5 until 2026-10-25T00:45:00Z');
    expect(told(twice, '2026-10-25T00:45:00Z', BERLIN)).toBe('as set until 2026-10-25T01:15:00Z');
    expect(told(twice, '2026-10-25T01:15:00Z', BERLIN)).toBe('bandwidth 5 until 2026-10-25T01:45:00Z');
    // The clock goes back into it.
    expect(told(timesOf('sun 02:00-02:30 5'), '2026-10-25T00:59:00Z', BERLIN)).toBe(
      'as set until 2026-10-25T01:00:00Z',
    );
  });

  it('keeps to it south of the equator', () => {
    // Sydney: summer ends on 5 April 2026 at 03:00 (02:00), and begins on 4 October at 02:00 (03:00).
    const night = timesOf('22:00-06:00 5');
    expect(told(night, '2026-04-04T11:00:00Z', SYDNEY)).toBe('bandwidth 5 until 2026-04-04T20:00:00Z');
    expect(told(night, '2026-10-03T12:00:00Z', SYDNEY)).toBe('bandwidth 5 until 2026-10-03T19:00:00Z');
    const early = timesOf('sun 02:15-02:45 5');
    expect(told(early, '2026-04-04T15:45:00Z', SYDNEY)).toBe('as set until 2026-04-04T16:15:00Z');
    expect(told(early, '2026-10-03T15:59:00Z', SYDNEY)).toBe('as set until 2026-10-10T15:15:00Z');
  });

  it('is at each minute what the wall clock of the place says, and changes when told', () => {
    const time: fc.Arbitrary<Time> = fc.record({
      days: fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }),
      fromMinute: fc.nat(1439),
      lastsMinutes: fc.integer({ min: 1, max: 1440 }),
      limits: fc.constantFrom<TimedLimits>({ up: 1 }, { down: 2 }, { up: 3, down: 3 }, { client: 4 }),
    });
    // Within a day of a change of the clock; Lord Howe changes by half an hour, Kathmandu never.
    const place = fc.constantFrom(
      [BERLIN, '2026-03-29T01:00Z'],
      [BERLIN, '2026-10-25T01:00Z'],
      [SYDNEY, '2026-04-04T16:00Z'],
      [SYDNEY, '2026-10-03T16:00Z'],
      ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
      ['Asia/Kathmandu', '2026-01-01T00:00Z'],
    );
    fc.assert(
      fc.property(
        fc.array(time, { maxLength: 4 }),
        place,
        fc.integer({ min: -1440, max: 120 }),
        (times, [zone = '', change = ''], minutes) => {
          const clock = wallClock(zone);
          const offsetAt = offsetIn(zone);
          const fromMs = Date.parse(change) + minutes * MINUTE_MS;
          const told = inForce(times, fromMs + 1234, offsetAt);
          const first = formatTimed(expected(times, clock(fromMs)));
          expect(formatTimed(told.limits)).toBe(first);
          const endMs = Math.min(told.untilMs ?? Infinity, fromMs + 300 * MINUTE_MS);
          for (let ms = fromMs; ms < endMs; ms += MINUTE_MS)
            expect(formatTimed(expected(times, clock(ms)))).toBe(first);
          if (told.untilMs !== undefined)
            expect(formatTimed(expected(times, clock(told.untilMs)))).not.toBe(first);
        },
      ),
      { numRuns: 30 },
    );
  });
});

/** By the words on the wall clock, minute by minute. */
function expected(times: Times, { weekday = '', hour, minute }: Record<string, string>): TimedLimits {
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(weekday);
  const ofDay = Number(hour) * 60 + Number(minute);
  const holding = times.filter(({ days, fromMinute, lastsMinutes }) => {
    const end = fromMinute + lastsMinutes;
    const today = days.includes(day) && fromMinute <= ofDay && ofDay < end;
    return today || (days.includes((day + 6) % 7) && ofDay + 1440 < end);
  });
  const value = (key: keyof TimedLimits): number | undefined =>
    holding.find(({ limits }) => limits[key] !== undefined)?.limits[key];
  const [up, down, client] = [value('up'), value('down'), value('client')];
  return {
    ...(up === undefined ? {} : { up }),
    ...(down === undefined ? {} : { down }),
    ...(client === undefined ? {} : { client }),
  };
}
