/**
 * All checks of the project, one after another; stops at the first that fails. What failed is told once more in
 * the end, and the last line of its output stands alone: how many tests passed and failed.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { closingLines, type TestReport } from './testReport/report.ts';

interface Stage {
  name: string;
  argv: readonly [string, ...string[]];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const reportFile = join(root, '.lab/test-report.json');

const CHECKS: readonly Stage[] = [
  { name: 'format', argv: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'lint', argv: [bin('eslint'), '--max-warnings', '0', '.'] },
  { name: 'imports', argv: [bin('depcruise'), '--config', '.dependency-cruiser.mjs', 'src'] },
  { name: 'types', argv: [bin('tsc'), '--noEmit'] },
];
const TESTS: Stage = {
  name: 'tests',
  argv: [
    bin('vitest'),
    'run',
    '--reporter=default',
    `--reporter=${join(root, 'scripts/testReport/reporter.ts')}`,
  ],
};

const nothing: TestReport = { passed: 0, failures: [], secondTries: [], left: [] };

/** A check that fails counts as one failure, with what it printed. */
async function runAll(): Promise<TestReport> {
  for (const { name, argv } of CHECKS) {
    console.log(`== ${name}`);
    const [file, ...args] = argv;
    const { failed, all } = await execa(file, args, {
      cwd: root,
      stdin: 'ignore',
      stdout: ['pipe', 'inherit'],
      stderr: ['pipe', 'inherit'],
      all: true,
      reject: false,
    });
    if (failed) return { ...nothing, failures: [{ name, message: all }] };
  }
  return runTests(TESTS);
}

async function runTests({ name, argv: [file, ...args] }: Stage): Promise<TestReport> {
  console.log(`== ${name}`);
  await mkdir(join(root, '.lab'), { recursive: true });
  await rm(reportFile, { force: true });
  const { failed, shortMessage } = await execa(file, args, {
    cwd: root,
    env: { TEST_REPORT: reportFile },
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  const report = text === undefined ? nothing : (JSON.parse(text) as TestReport);
  if (report.failures.length > 0) return report;
  if (failed) return { ...report, failures: [{ name, message: shortMessage ?? '' }] };
  return report.passed > 0 ? report : { ...report, failures: [{ name, message: 'there are none' }] };
}

const report = await runAll();
for (const line of closingLines(report)) console.log(line);
process.exitCode = report.failures.length === 0 ? 0 : 1;
