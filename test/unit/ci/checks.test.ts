import { describe, expect, it } from 'vitest';
import { countsOf, wrongWithDemo } from '../../../scripts/ci/checks.mjs';
import { table } from '../../../src/report/statistics/table.ts';

const demo = (ms: string): string =>
  [
    '$ inetgw ppp0 215 1715',
    'Answer time and user data of the loaded line:',
    table(
      ['', 'average', 'median'],
      [
        ['without inetgw', '1825', '1900'],
        ['with inetgw', ms, '38'],
      ],
    ),
  ].join('\n');

describe('the demo', () => {
  it('is right when the line answers below 100 ms with inetgw', () => {
    expect(wrongWithDemo(demo('40'))).toBeUndefined();
    expect(wrongWithDemo(demo('99'))).toBeUndefined();
  });
  it('is wrong when it takes longer, or cannot be read', () => {
    expect(wrongWithDemo(demo('100'))).toMatch(/takes 100 ms, not below 100/);
    expect(wrongWithDemo(demo('1825'))).toMatch(/takes 1825 ms/);
    expect(wrongWithDemo(demo('–'))).toMatch(/no row "with inetgw" with an average/);
    expect(wrongWithDemo(demo('40').replace('1825', '12'))).toBe(
      'with inetgw the average answer takes 40 ms, without it 12 ms',
    );
  });
  it('is wrong without its table', () => {
    expect(wrongWithDemo('$ inetgw ppp0 215 1715\n')).toMatch(/no row/);
  });
});

describe('the counts of the tests', () => {
  it('stand alone in the last line', () => {
    expect(countsOf('== tests\n12 passed, 3 failed\n')).toEqual({ passed: 12, failed: 3 });
    expect(countsOf('12 passed, 3 failed\nmore\n')).toBeUndefined();
    expect(countsOf('')).toBeUndefined();
  });
});
