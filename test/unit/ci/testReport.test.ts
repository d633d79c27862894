import { describe, expect, it } from 'vitest';
import { toldFailures } from '../../../scripts/ci/checks.mjs';
import { closingLines, type TestReport } from '../../../scripts/testReport/report.ts';

const nothing: TestReport = { passed: 12, failures: [], secondTries: [], left: [] };
const failure = (name: string, lines: number) => ({
  name,
  message: Array.from({ length: lines }, (_, index) => `line ${index + 1}`).join('\n'),
});

describe('the end of the output of the tests', () => {
  it('is the counts alone where nothing failed', () => {
    expect(closingLines(nothing)).toEqual(['12 passed, 0 failed']);
  });

  it('names what was not run, then what passed at the second try, then what failed, each with its message', () => {
    const report: TestReport = {
      ...nothing,
      left: ['in its long form'],
      secondTries: [{ name: 'a.test.ts > now and then', message: 'expected 331 to be less than 200\n\n' }],
      failures: [
        { name: 'b.test.ts > prints\n a b ', message: '\u001b[31mis red\u001b[39m\r\n\nat b.test.ts:3:1' },
      ],
    };
    expect(closingLines(report)).toEqual([
      '== not run: in its long form',
      '== passed at the second try: a.test.ts > now and then',
      '   expected 331 to be less than 200',
      '== failed: b.test.ts > prints a b',
      '   is red',
      '   at b.test.ts:3:1',
      '12 passed, 1 failed',
    ]);
  });

  it.each([1, 4, 20, 70])('fits into 100 lines with %i failures, each of them named', (count) => {
    const failures = Array.from({ length: count }, (_, index) => failure(`test ${index}`, 500));
    const lines = closingLines({ ...nothing, failures });
    expect(lines.length).toBeLessThanOrEqual(85);
    for (const { name } of failures) expect(lines).toContain(`== failed: ${name}`);
    expect(lines[1]).toBe(count <= 40 ? '   line 1' : '== failed: test 1');
  });

  it('is found again by CI in all that was printed', () => {
    const report = {
      ...nothing,
      failures: [failure('one', 2), failure('two', 0)],
      secondTries: [failure('three', 1)],
    };
    const output = ['== tests', '   indented', ...closingLines(report), '== npm test: failed', '   x'].join(
      '\n',
    );
    expect(toldFailures(output)).toEqual([
      ...['passed at the second try: three', '   line 1'],
      ...['failed: one', '   line 1', '   line 2', 'failed: two'],
    ]);
    expect(toldFailures('all is well\n')).toEqual([]);
  });
});
