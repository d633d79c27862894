import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatTime,
  parseTimes,
  type Time,
  type TimesOf,
  withoutKeys,
} from '../../../../src/relay/settings/times.ts';

const ALL = [0, 1, 2, 3, 4, 5, 6];

function read(text: string, of: TimesOf = 'process'): Time {
  const times = parseTimes([text], of);
  const time = typeof times === 'string' ? times : times[0];
  if (typeof time !== 'object') throw new Error(String(time));
  return time;
}

describe('limits at times of the week', () => {
  it.each<[string, Time]>([
    [
      'mon-fri 18:00-23:00 500kB',
      {
        days: [0, 1, 2, 3, 4],
        fromMinute: 1080,
        lastsMinutes: 300,
        limits: { up: 500_000, down: 500_000 },
      },
    ],
    [
      'sat,sun up 1k down 2k',
      { days: [5, 6], fromMinute: 0, lastsMinutes: 1440, limits: { up: 1000, down: 2000 } },
    ],
    ['22:00-06:30 0', { days: ALL, fromMinute: 1320, lastsMinutes: 510, limits: { up: 0, down: 0 } }],
    [
      'Sunday..Tue 8:00-24:00 up 5',
      { days: [0, 1, 6], fromMinute: 480, lastsMinutes: 960, limits: { up: 5 } },
    ],
    // One direction alone comes before both, wherever it stands.
    ['fri up 5 bandwidth 7', { days: [4], fromMinute: 0, lastsMinutes: 1440, limits: { up: 5, down: 7 } }],
    [
      'fri client_bandwidth 1 conn_bandwidth 2',
      { days: [4], fromMinute: 0, lastsMinutes: 1440, limits: { client: 1, connUp: 2, connDown: 2 } },
    ],
    ['fri bandwidth_down 9', { days: [4], fromMinute: 0, lastsMinutes: 1440, limits: { down: 9 } }],
  ])('%s', (text, time) => {
    expect(parseTimes([text], 'process')).toEqual([time]);
  });

  it.each<[string, string, TimesOf?]>([
    ['', 'no time, as in: mon-fri 18:00-23:00 500k'],
    ['500k', 'no time, as in: mon-fri 18:00-23:00 500k'],
    ['up 500k', 'no time, as in: mon-fri 18:00-23:00 500k'],
    ['mon-fri 18:00-23:00', 'no limit behind the time, as in: mon-fri 18:00-23:00 500k'],
    ['mon-fry 18:00-23:00 1', 'not a day: fry (mon, tue, wed, thu, fri, sat, sun, as mon-fri or sat,sun)'],
    ['mon-wed-fri 1', 'not a day: mon-wed-fri (mon, tue, wed, thu, fri, sat, sun, as mon-fri or sat,sun)'],
    ['18-23 500k', 'not from one minute of the day to another: 18-23 (as in: 18:00-23:00)'],
    ['7-9 500k', 'not from one minute of the day to another: 7-9 (as in: 7:00-9:00)'],
    ['6pm-11pm 500k', 'not from one minute of the day to another: 6pm-11pm (as in: 18:00-23:00)'],
    ['18:00-24:01 1', 'not from one minute of the day to another: 18:00-24:01 (as in: 18:00-23:00)'],
    ['24:00-02:00 1', 'not from one minute of the day to another: 24:00-02:00 (as in: 18:00-23:00)'],
    ['18:60-23:00 1', 'not from one minute of the day to another: 18:60-23:00 (as in: 18:00-23:00)'],
    ['18:00-18:00 1', '18:00-18:00 has no length (the whole day: 00:00-24:00)'],
    ['fri 500kb/s', 'bad value for bandwidth: 500kb/s (bits or bytes? Type 500kbit, or 500kB/s)'],
    ['fri off', 'bad value for bandwidth: off (0 is no limit)'],
    ['fri up 5 down', 'bad value for down: none'],
    ['fri up 5 up 6', 'up twice'],
    ['fri bandwith 5', 'no limit that has times here: bandwith, did you mean bandwidth?'],
    ['fri client_bandwidth 5', 'no limit that has times here: client_bandwidth', 'forwarder'],
    ['fri conn_up 5', 'no limit that has times here: conn_up (bandwidth, up, down)', 'group'],
  ])('refuses %s and says why', (text, problem, of = 'process') => {
    expect(parseTimes(['mon 1', text], of)).toContain(`${JSON.stringify(text)}: ${problem}`);
  });

  it('refuses a time that can never decide anything, and no other that overlaps', () => {
    const hidden = 'never holds, those before it hold all of its time';
    expect(parseTimes(['mon-fri 1', 'sat,sun 08:00-24:00 2', 'wed 18:00-23:00 3'], 'process')).toBe(
      `"wed 18:00-23:00 3": ${hidden}`,
    );
    // Two together, over midnight.
    expect(parseTimes(['mon 20:00-24:00 1', 'tue 00:00-04:00 1', 'mon 22:00-02:00 5'], 'process')).toContain(
      hidden,
    );
    expect(parseTimes(['wed 18:00-23:00 3', 'mon-fri 1'], 'process')).toHaveLength(2);
    expect(parseTimes(['mon-fri up 1', 'wed 5'], 'process')).toHaveLength(2);
    expect(parseTimes(['mon-fri up 1', 'wed down 5'], 'process')).toHaveLength(2);
  });

  it('are told as they can be typed again', () => {
    expect(formatTime(read('Sunday-tue,fri 22:00-6:00 up 1k down 2k conn_bandwidth 3'))).toBe(
      'mon,tue,fri,sun 22:00-06:00 up 1000 down 2000 conn_bandwidth 3',
    );
    expect(formatTime(read('mon-sun 00:00-24:00 500k'))).toBe('00:00-24:00 bandwidth 500000');
    const rate = fc.nat(1_000_000);
    const time = fc.record({
      days: fc.subarray(ALL, { minLength: 1 }),
      fromMinute: fc.nat(1439),
      lastsMinutes: fc.integer({ min: 1, max: 1439 }),
      limits: fc
        .record({ up: rate, down: rate, connUp: rate, connDown: rate, client: rate }, { requiredKeys: [] })
        .filter((limits) => Object.keys(limits).length > 0),
    });
    fc.assert(
      fc.property(time, (each) => {
        expect(parseTimes([formatTime(each)], 'process')).toEqual([each]);
      }),
    );
  });

  it('give way where the command line has set the limit', () => {
    const times = [read('fri up 1 down 2'), read('sat up 3')];
    expect(withoutKeys(times, ['up']).map(formatTime)).toEqual(['fri down 2']);
    expect(withoutKeys(times, [])).toEqual(times);
  });
});
