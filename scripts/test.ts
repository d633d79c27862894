/**
 * All checks of the project, one after another; stops at the first that fails. The last line of its output
 * stands alone: how many tests passed and failed.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

interface Stage {
  name: string;
  argv: readonly [string, ...string[]];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const reportFile = join(root, '.lab/test-report.json');

const stages: readonly Stage[] = [
  { name: 'format', argv: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'lint', argv: [bin('eslint'), '--max-warnings', '0', '.'] },
  { name: 'types', argv: [bin('tsc'), '--noEmit'] },
  {
    name: 'tests',
    argv: [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
  },
];

async function runStages(): Promise<boolean> {
  for (const { name, argv } of stages) {
    console.log(`== ${name}`);
    const [file, ...args] = argv;
    const result = await execa(file, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      reject: false,
    });
    if (result.failed) {
      console.log(`== ${name} failed`);
      return false;
    }
  }
  return true;
}

/** Counts from vitest's report. A test file that could not even be loaded counts as one failure. */
async function counts(): Promise<{ passed: number; failed: number; left: string[] }> {
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 0, left: [] };
  const report = JSON.parse(text) as {
    numPassedTests: number;
    numFailedTests: number;
    testResults: { status: string; assertionResults: { status: string; fullName: string }[] }[];
  };
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
  );
  const left = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ status, fullName }) =>
      status === 'passed' || status === 'failed' ? [] : [fullName],
    ),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length, left };
}

await mkdir(join(root, '.lab'), { recursive: true });
await rm(reportFile, { force: true });
const succeeded = await runStages();
const { passed, failed, left } = await counts();
// What this machine cannot run, or what belongs to a long form, is named, so that nothing is left out silently.
for (const name of left) console.log(`== not run: ${name}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = succeeded && failed === 0 && passed > 0 ? 0 : 1;
