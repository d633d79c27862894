import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteRateAdvice,
  compactRate,
  counted,
  durationAdvice,
  formatDuration,
  formatRate,
  formatSize,
  isRateUnit,
  parseDurationMs,
  parseRateBitPerSec,
  parseRateBytePerSec,
  parseSizeBytes,
  rateAdvice,
  sizeAdvice,
} from '../../../src/core/units.ts';

describe('rates', () => {
  it.each([
    ['210', 210_000],
    ['1.7mbit', 1_700_000],
    ['16Mbit', 16_000_000],
    ['1gbit', 1e9],
    ['64kbit/s', 64_000],
    ['9600bit', 9600],
    ['0', 0],
    ['16Mbps', 16e6],
    ['16 Mbps', 16e6],
    ['10Mb/s', 10e6],
    ['10mb/s', 10e6],
    ['10mbit/s', 10e6],
    ['16 Mbit/s', 16e6],
    ['16\u00a0Mbit/s', 16e6],
    ['100M', 100e6],
    ['1.5mbps', 1.5e6],
    ['0.5gbit', 0.5e9],
    ['1G', 1e9],
    ['210kbps', 210_000],
    ['100MBPS', 100e6],
    ['10mbits/s', 10e6],
    ['10Mbit/sec', 10e6],
    ['1mibit', 1_048_576],
  ])('reads %s as %d bit/s', (text, bitPerSec) => {
    expect(parseRateBitPerSec(text)).toBe(bitPerSec);
  });

  it.each([
    '',
    '-5',
    'fast',
    '1e3',
    '1.7.2',
    '100b',
    '100b/s',
    '1mi',
    '1mbit/h',
    '1,7mbit',
    '0x10',
    '5 5',
    'Infinity',
    '1toString',
    'constructor',
  ])('does not read %j as a rate', (text) => {
    expect(parseRateBitPerSec(text)).toBeUndefined();
  });

  it.each(['2MB/s', '2MByte/s', '2MBps', '2 MB', '250kB/s', '2mbytes/s', '250 KByte/s'])(
    'reads bytes (%s) not at all rather than eight times wrong, and says what to type',
    (text) => {
      expect(parseRateBitPerSec(text)).toBeUndefined();
      const [, bytes = '', bits = ''] = /type (\S+), or (\S+) if bits/.exec(rateAdvice(text) ?? '') ?? [];
      expect(parseRateBitPerSec(bytes)).toBe(
        text.startsWith('2 ') || text.startsWith('2M') || text.startsWith('2m') ? 16e6 : 2e6,
      );
      expect(parseRateBitPerSec(bits)).toBe((parseRateBitPerSec(bytes) ?? 0) / 8);
    },
  );

  it('says what to type for a comma', () => {
    expect(rateAdvice('1,7mbit')).toBe('numbers take a point and no comma: type 1.7mbit');
    expect(rateAdvice('16,000')).toBe('numbers take a point and no comma: type 16000 or 16.000');
    expect(rateAdvice('1,2,3')).toBeUndefined();
    expect(rateAdvice('fast')).toBeUndefined();
    expect(sizeAdvice('1,5mb')).toBe('numbers take a point and no comma: type 1.5mb');
    expect(sizeAdvice('10Mbit')).toBe('sizes are in bytes: 10mb');
    expect(durationAdvice('2,5s')).toBe('numbers take a point and no comma: type 2.5s');
  });

  it('knows a unit that stands alone', () => {
    expect(['mbit', 'Mbit/s', 'kbps', 'M'].map(isRateUnit)).toEqual([true, true, true, true]);
    expect(['', 'clear', '10', 'MB/s', 'ppp0', '/s'].map(isRateUnit)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('prints one word that is read as the same rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000_000 }), (bitPerSec) => {
        expect(parseRateBitPerSec(compactRate(bitPerSec))).toBe(bitPerSec);
      }),
    );
  });

  it('reads the same rate however the unit is spelt', () => {
    const spelt = fc.constantFrom('bit', 'Bit', 'bit/s', 'bits/s', 'bps', 'b/s', 'b', '');
    const prefix = fc.constantFrom<[string, number]>(
      ['k', 1e3],
      ['K', 1e3],
      ['m', 1e6],
      ['M', 1e6],
      ['g', 1e9],
      ['G', 1e9],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9999 }),
        prefix,
        spelt,
        fc.constantFrom('', ' '),
        (n, [p, factor], unit, space) => {
          expect(parseRateBitPerSec(`${n}${space}${p}${unit}`)).toBe(n * factor);
        },
      ),
    );
  });

  it('prints what it reads back to within rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 10_000_000_000 }), (bitPerSec) => {
        const [value, unit] = formatRate(bitPerSec).split(' ');
        const read = parseRateBitPerSec(`${value ?? ''}${unit ?? ''}`) ?? Number.NaN;
        expect(Math.abs(read - bitPerSec) / bitPerSec).toBeLessThan(1e-3);
      }),
    );
  });
});

describe('rates in bytes per second', () => {
  it.each([
    ['512', 512],
    ['100k', 100_000],
    ['2mb', 2_000_000],
    ['100kB/s', 100_000],
    ['100 kByte/s', 100_000],
    ['1mbit', 125_000],
    ['1 Mbit/s', 125_000],
    ['8kbps', 1000],
    ['1MBps', 1_000_000],
  ])('reads %s as %d', (text, bytePerSec) => {
    expect(parseRateBytePerSec(text)).toBe(bytePerSec);
  });

  it('asks where it could be either', () => {
    expect(parseRateBytePerSec('100kb/s')).toBeUndefined();
    expect(byteRateAdvice('100kb/s')).toBe('bits or bytes? Type 100kbit, or 100kB/s');
    expect(parseRateBytePerSec('100kbit')).toBe(12_500);
    expect(byteRateAdvice('1,5k')).toBe('numbers take a point and no comma: type 1.5k');
    expect(byteRateAdvice('fast')).toBeUndefined();
  });

  it.each(['0.1', '.4', '3bit', '0.0004k', '0.0000001mbit', '0.0001kB/s'])(
    'takes %s neither for 0, which is no limit, nor for 1',
    (text) => {
      expect(parseRateBytePerSec(text)).toBeUndefined();
      expect(byteRateAdvice(text)).toBe('the least is 1');
      expect(parseRateBytePerSec('0.0')).toBe(0);
    },
  );
});

describe('sizes and durations', () => {
  it('reads decimal and binary sizes', () => {
    expect(parseSizeBytes('10mb')).toBe(10_000_000);
    expect(parseSizeBytes('64kib')).toBe(65_536);
    expect(parseSizeBytes('1024')).toBe(1024);
    expect(parseSizeBytes('ten')).toBeUndefined();
    expect(parseSizeBytes('0.1')).toBeUndefined();
    expect(parseSizeBytes('0')).toBe(0);
  });

  it('reads durations in ms', () => {
    expect(parseDurationMs('100')).toBe(100);
    expect(parseDurationMs('2s')).toBe(2000);
    expect(parseDurationMs('1.5min')).toBe(90_000);
    expect(parseDurationMs('-1s')).toBeUndefined();
  });

  it('prints them for people', () => {
    expect(formatSize(12_345)).toBe('12.35 kB');
    expect(formatDuration(850)).toBe('850 ms');
    expect(formatDuration(200_000)).toBe('3 min 20 s');
    expect(formatDuration(7_500_000)).toBe('2 h 5 min');
  });

  it('counts in the singular what is shown as one', () => {
    expect([0, 1, 2].map((value) => counted(value, 'packet'))).toEqual([
      '0 packets',
      '1 packet',
      '2 packets',
    ]);
    expect([counted('-', 'window'), counted('1', 'window')]).toEqual(['- windows', '1 window']);
  });
});
