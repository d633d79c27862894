import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkArguments, estimate } from '../../../../src/search/arguments/arguments.ts';
import type { RawOptions } from '../../../../src/search/arguments/rawOptions.ts';
import { countLines, gridRates } from '../../../../src/search/decide/sweep.ts';

const check = (line: string, options: RawOptions = {}) =>
  checkArguments(line.split(' ').filter(Boolean), options);
const messages = (line: string, options: RawOptions = {}): string[] =>
  check(line, options).errors.map(({ message }) => message);

describe("the article's commands", () => {
  it.each([
    ['ppp0 DOWN 1300-1800 50 5 210', 'down', 11, 1_300_000, 1_800_000, 5, 210_000],
    ['ppp0 DOWN 1650-1750 20 100 210', 'down', 6, 1_650_000, 1_750_000, 100, 210_000],
    ['ppp0 UP 150-250 10 5 1710', 'up', 11, 150_000, 250_000, 5, 1_710_000],
  ])('reads %s', (line, direction, lines, first, last, pings, otherBitPerSec) => {
    const { settings, errors } = check(line);
    expect(errors).toEqual([]);
    const [task] = settings?.tasks ?? [];
    if (task?.mode !== 'grid') throw new Error('no grid');
    expect(task).toMatchObject({ direction, pings, otherBitPerSec });
    const rates = gridRates(task.grid);
    expect([rates.length, rates[0], rates.at(-1)]).toEqual([lines, first, last]);
  });

  it('reads units and a direction in small letters', () => {
    const { settings } = check('eth1 down 15mbit-0.02gbit 500 5 2mbit');
    expect(settings?.tasks[0]).toMatchObject({
      direction: 'down',
      grid: { lowerBitPerSec: 15e6, upperBitPerSec: 20e6, stepBitPerSec: 500_000 },
      otherBitPerSec: 2e6,
    });
  });
});

describe('bad input', () => {
  it.each([
    ['ppp0 DOWN 1800-1300 50 5 210', 'LOWER 1800 is above UPPER 1300'],
    ['ppp0 DOWN 1300-1300 50 5 210', 'LOWER and UPPER are both 1300: that is no interval'],
    ['ppp0 DOWN 1300-1800 0 5 210', 'STEP is zero: the measurement would never end'],
    ['ppp0 DOWN 1300-1800 600 5 210', 'STEP 600 is larger than the interval 1300-1800 (500 kbit/s)'],
    ['ppp0 DOWN 1300-1800 0.1 5 210', '5001 lines are more than 1000: choose a larger STEP'],
    ['ppp0 DOWN 1300-1800 50 0 210', 'PINGS is zero: without a ping there is no answer time'],
    ['ppp0 DOWN 1300-1800 50 -5 210', "PINGS '-5' is not a whole number"],
    ['ppp0 DOWN 1300-1800 50 2.5 210', "PINGS '2.5' is not a whole number"],
    ['ppp0 SIDEWAYS 1300-1800 50 5 210', "unknown direction 'SIDEWAYS': DOWN, UP or AUTO"],
    ['ppp0 DOWN 1300 50 5 210', "'1300' is not an interval LOWER-UPPER"],
    ['ppp0 DOWN fast-1800 50 5 210', "LOWER 'fast' is not a bandwidth"],
    ['ppp0 DOWN 1300-1800 50 5 0', 'OTHER 0 is not between 64 kbit/s and 10 Gbit/s'],
    ['ppp0 DOWN 1300-20gbit 50 5 210', 'UPPER 20gbit is not between 64 kbit/s and 10 Gbit/s'],
    ['ppp0 DOWN 1300-1800 50', 'missing: PINGS, OTHER'],
    ['ppp0 DOWN 1300-1800 50 5 210 7', "'7' is one word too many"],
    ['ppp0', 'the direction is missing: DOWN, UP or AUTO'],
    [
      'averyverylongdevicename DOWN 1300-1800 50 5 210',
      "'averyverylongdevicename' is no device name: it is longer than 15 characters",
    ],
    [
      '../x DOWN 1300-1800 50 5 210',
      `"../x" is no device name: letters, digits, '_', '.' and '-' are allowed, not first '.' or '-'`,
    ],
  ])('%s', (line, message) => {
    expect(messages(line)).toEqual([message]);
  });

  it.each<[RawOptions, string]>([
    [{ pingHost: '-f' }, "--ping-host '-f' begins with '-'"],
    [{ pingHost: '1.2.3' }, "--ping-host '1.2.3' is not an IP address"],
    [{ pingHost: 'a b' }, "--ping-host 'a b' is neither an IP address nor a host name"],
    [{ maxRtt: '0' }, '--max-rtt 0 is not between 1 ms and 60 s'],
    [{ maxRtt: 'soon' }, "--max-rtt 'soon' is not a time"],
    [{ maxLoss: '100' }, "--max-loss '100' is not a percentage below 100"],
    [{ load: ['ftp://host/file'] }, "--load 'ftp://host/file' is not an http or https URL"],
    [{ load: ['file'] }, "--load 'file' is not an http or https URL"],
    [{ loadUp: ['http://host/'] }, '--load-up is of no use for DOWN'],
    [{ streams: '0' }, "--streams '0' is not a whole number from 1 to 64"],
    [{ json: true, csv: true }, '--json and --csv exclude each other'],
  ])('%j', (options, message) => {
    expect(messages('ppp0 DOWN 1300-1800 50 5 210', options)).toEqual([message]);
  });

  it('tells all errors at once', () => {
    expect(messages('ppp0 DOWN 1800-1300 0 0 nothing', { pingHost: '-f', streams: 'x' })).toHaveLength(6);
  });

  it.each([
    ['foo bar baz', "unknown direction 'bar': DOWN, UP or AUTO"],
    ['foo', 'the direction is missing: DOWN, UP or AUTO'],
    ['../x DOWN 5', 'missing: STEP, PINGS, OTHER'],
    ['ppp0 DOWN 1 2 3 4 5 6', "'5 6' is 2 words too many"],
    ['ppp0 AUTO 5 6 7', "'5 6 7' is 3 words too many"],
  ])('%s: one error, since values in the wrong place are not judged', (line, message) => {
    const { errors, wordsFit } = check(line, { streams: '0' });
    expect([errors.map((error) => error.message), wordsFit]).toEqual([[message], false]);
    expect(errors[0]?.hint).toMatch(/^searchbw /);
  });

  it('gives settings exactly if there is no error, whatever is typed', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'ppp0',
        'DOWN',
        'UP',
        'AUTO',
        '1300-1800',
        '50',
        '5',
        '210',
        '0',
        '-1',
        '',
        '1-2-3',
        'NaN',
        '1e9',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.boolean(), (words, auto) => {
        const { settings, errors } = checkArguments(words, auto ? { auto } : {});
        expect(settings === undefined).toBe(errors.length > 0);
        expect(
          errors.every(({ exitCode, message }) => exitCode === 2 && !message.includes('undefined')),
        ).toBe(true);
      }),
    );
  });
});

describe('--auto and AUTO', () => {
  it('takes one direction or both', () => {
    expect(check('ppp0 AUTO').settings?.tasks.map(({ direction, mode }) => [direction, mode])).toEqual([
      ['down', 'auto'],
      ['up', 'auto'],
    ]);
    expect(check('ppp0 UP 1710', { auto: true }).settings?.tasks).toEqual([
      { mode: 'auto', direction: 'up', otherBitPerSec: 1_710_000 },
    ]);
    expect(messages('ppp0 AUTO 5')).toEqual(["'5' is one word too many"]);
  });
});

describe('how long it takes', () => {
  it('counts lines as the grid makes them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 64, max: 9000 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 90 }),
        (lower, step, count) => {
          const grid = {
            lowerBitPerSec: lower * 1000,
            stepBitPerSec: step * 1000,
            upperBitPerSec: (lower + step * count) * 1000,
          };
          expect(countLines(grid)).toBe(count + 1);
          expect(gridRates(grid).at(-1)).toBe(grid.upperBitPerSec);
        },
      ),
    );
  });

  it('estimates the overview at about two minutes and a careless grid at hours', () => {
    const overview = check('ppp0 DOWN 1300-1800 50 5 210').settings;
    const careless = check('ppp0 DOWN 1300-1800 1 100 210').settings;
    if (overview === undefined || careless === undefined) throw new Error('not read');
    expect(estimate(overview)).toEqual({ lines: 11, durationMs: 121_000 });
    expect(estimate(careless).durationMs).toBeGreaterThan(3 * 3_600_000);
  });
});
