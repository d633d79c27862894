import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDurationMs,
  parseRateBitPerSec,
  parseSizeBytes,
} from '../../src/units.ts';

describe('rates', () => {
  it.each([
    ['210', 210_000],
    ['1.7mbit', 1_700_000],
    ['16Mbit', 16_000_000],
    ['1gbit', 1e9],
    ['64kbit/s', 64_000],
    ['9600bit', 9600],
    ['0', 0],
  ])('reads %s as %d bit/s', (text, bitPerSec) => {
    expect(parseRateBitPerSec(text)).toBe(bitPerSec);
  });

  it.each([
    '',
    '-5',
    'fast',
    '1e3',
    '1.7.2',
    '210kbps',
    '0x10',
    '5 5',
    'Infinity',
    '1toString',
    'constructor',
  ])('does not read %j as a rate', (text) => {
    expect(parseRateBitPerSec(text)).toBeUndefined();
  });

  it('reads kilobytes per second (kbps, as tc calls them) not at all rather than eight times wrong', () => {
    expect(parseRateBitPerSec('100kbps')).toBeUndefined();
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

describe('sizes and durations', () => {
  it('reads decimal and binary sizes', () => {
    expect(parseSizeBytes('10mb')).toBe(10_000_000);
    expect(parseSizeBytes('64kib')).toBe(65_536);
    expect(parseSizeBytes('1024')).toBe(1024);
    expect(parseSizeBytes('ten')).toBeUndefined();
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
});
