/** What `npm test` tells in the end: the reporter on a real run of tests that fail in every way. */
import { execa } from 'execa';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestReport } from '../../scripts/testReport/report.ts';
import { ROOT } from './helpers/built.ts';

/** Below the checkout, so that vitest is found. */
let folder: string;
beforeAll(async () => {
  await mkdir(join(ROOT, '.lab'), { recursive: true });
  folder = await mkdtemp(join(ROOT, '.lab/report-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function reportOf(
  files: Readonly<Record<string, string>>,
): Promise<{ code: number; report: TestReport }> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, 'vitest.config.js'), `export default { test: { name: 'small' } };`);
  const reportFile = join(folder, 'report.json');
  const reporter = join(ROOT, 'scripts/testReport/reporter.ts');
  const { exitCode = 1 } = await execa(
    join(ROOT, 'node_modules/.bin/vitest'),
    ['run', '--root', folder, '--no-file-parallelism', `--reporter=${reporter}`],
    { cwd: folder, env: { TEST_REPORT: reportFile }, reject: false, stdin: 'ignore' },
  );
  return { code: exitCode, report: JSON.parse(await readFile(reportFile, 'utf8')) as TestReport };
}

it('names what failed and what passed only at its second try, with why; nothing is left out', async () => {
  const { code, report } = await reportOf({
    'a.test.js': `
      import { beforeAll, describe, expect, it } from 'vitest';
      it('passes', () => {});
      it.skip('is left', () => {});
      let tries = 0;
      it('is flaky', { retry: 1 }, () => { tries += 1; expect(tries).toBe(2); });
      it('fails', () => { expect([331]).toEqual([200]); });
      describe('a group', () => {
        beforeAll(() => { throw new Error('no line'); });
        it('never begins', () => {});
      });`,
    'b.test.js': `throw new Error('cannot be loaded');`,
  });
  expect(code).toBe(1);
  expect(report).toMatchObject({
    passed: 2,
    left: ['a.test.js > is left', 'a.test.js > a group > never begins'],
  });
  expect(report.secondTries.map(({ name }) => name)).toEqual(['a.test.js > is flaky']);
  expect(report.secondTries[0]?.message).toMatch(
    /^AssertionError: expected 1 to be 2[^\n]*\nat .*a\.test\.js:6:/,
  );
  expect(report.failures.map(({ name }) => name).sort()).toEqual([
    'a.test.js > a group',
    'a.test.js > fails',
    'b.test.js',
  ]);
  const said = Object.fromEntries(report.failures.map(({ name, message }) => [name, message]));
  expect(said['a.test.js > a group']).toMatch(/^Error: no line\n/);
  expect(said['b.test.js']).toMatch(/^Error: cannot be loaded/);
  expect(said['a.test.js > fails']).toMatch(/\+ +331/);
});

it('counts an error outside of any test, which would pass otherwise', async () => {
  const { code, report } = await reportOf({
    'a.test.js': `
      import { it } from 'vitest';
      it('passes', async () => {
        void Promise.reject(new Error('nobody waited'));
        await new Promise((resolve) => setTimeout(resolve, 50));
      });`,
    'b.test.js': `import { it } from 'vitest'; it('passes too', () => {});`,
  });
  expect(code).toBe(1);
  expect(report).toMatchObject({ passed: 2, failures: [{ name: 'outside of any test' }] });
  expect(report.failures[0]?.message).toMatch(/^Error: nobody waited/);
});
