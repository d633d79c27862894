/** Runs of vitest, shown as they go, and what they came to. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { TestReport } from './testReport/report.ts';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const bin = (name: string): string => join(root, 'node_modules/.bin', name);

export interface TestRun {
  /** vitest's: see vitest.config.ts. */
  projects: readonly string[];
  /** From the checkout's folder; none: all of the projects. */
  files?: readonly string[];
  /** Files that are left out, likewise. */
  without?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

export const NOTHING: TestReport = { passed: 0, failures: [], secondTries: [], left: [] };

/**
 * Runs them side by side. The output of all is shown as it comes, line by line: each line of vitest's names its project.
 * A run without a test counts as a failure.
 */
export async function runTests(runs: readonly TestRun[]): Promise<TestReport> {
  const reports = await Promise.all(runs.map(runOne));
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    failures: reports.flatMap(({ failures }) => failures),
    secondTries: reports.flatMap(({ secondTries }) => secondTries),
    left: reports.flatMap(({ left }) => left),
  };
}

async function runOne(
  { projects, files = [], without = [], env = {} }: TestRun,
  index: number,
): Promise<TestReport> {
  const name = `tests of ${projects.join(', ')}`;
  const reportFile = join(root, `.lab/test-report-${index}.json`);
  await mkdir(join(root, '.lab'), { recursive: true });
  await rm(reportFile, { force: true });
  const reporter = join(root, 'scripts/testReport/reporter.ts');
  const args = [
    ...['run', '--reporter=default', `--reporter=${reporter}`],
    ...projects.map((each) => `--project=${each}`),
    ...without.map((each) => `--exclude=${each}`),
    ...files,
  ];
  const { failed, shortMessage } = await execa(bin('vitest'), args, {
    cwd: root,
    env: { ...env, TEST_REPORT: reportFile, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
    stdin: 'ignore',
    // Not the terminal itself, of which each would take the last lines for its own.
    stdout: ['pipe', 'inherit'],
    stderr: ['pipe', 'inherit'],
    reject: false,
  });
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  const report = text === undefined ? NOTHING : (JSON.parse(text) as TestReport);
  if (report.failures.length > 0) return report;
  if (failed) return { ...report, failures: [{ name, message: shortMessage ?? '' }] };
  return report.passed > 0 ? report : { ...report, failures: [{ name, message: 'there are none' }] };
}
