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

const CHECKS: readonly Stage[] = [
  { name: 'format', argv: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'lint', argv: [bin('eslint'), '--max-warnings', '0', '.'] },
  { name: 'imports', argv: [bin('depcruise'), '--config', '.dependency-cruiser.mjs', 'src'] },
  { name: 'types', argv: [bin('tsc'), '--noEmit'] },
];
/**
 * Two runs of vitest side by side: the lab's guests count instructions and take what is left of the processor; most of
 * the others wait in real time, and none of them is decided by it.
 */
const RUNS: readonly (readonly string[])[] = [['lab'], ['unit', 'cli', 'packages']];

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
  console.log('== tests');
  return together(await Promise.all(RUNS.map(runTests)));
}

/** The output of all runs is shown as it comes, line by line: each line of vitest's names its project. */
async function runTests(projects: readonly string[], index: number): Promise<TestReport> {
  const name = `tests of ${projects.join(', ')}`;
  const reportFile = join(root, `.lab/test-report-${index}.json`);
  await mkdir(join(root, '.lab'), { recursive: true });
  await rm(reportFile, { force: true });
  const reporter = join(root, 'scripts/testReport/reporter.ts');
  const args = [
    'run',
    '--reporter=default',
    `--reporter=${reporter}`,
    ...projects.map((each) => `--project=${each}`),
  ];
  const { failed, shortMessage } = await execa(bin('vitest'), args, {
    cwd: root,
    env: { TEST_REPORT: reportFile, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
    stdin: 'ignore',
    // Not the terminal itself, of which each would take the last lines for its own.
    stdout: ['pipe', 'inherit'],
    stderr: ['pipe', 'inherit'],
    reject: false,
  });
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  const report = text === undefined ? nothing : (JSON.parse(text) as TestReport);
  if (report.failures.length > 0) return report;
  if (failed) return { ...report, failures: [{ name, message: shortMessage ?? '' }] };
  return report.passed > 0 ? report : { ...report, failures: [{ name, message: 'there are none' }] };
}

function together(reports: readonly TestReport[]): TestReport {
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    failures: reports.flatMap(({ failures }) => failures),
    secondTries: reports.flatMap(({ secondTries }) => secondTries),
    left: reports.flatMap(({ left }) => left),
  };
}

const report = await runAll();
for (const line of closingLines(report)) console.log(line);
process.exitCode = report.failures.length === 0 ? 0 : 1;
