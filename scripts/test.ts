/**
 * `npm test`: the checks of the project and its tests, one after another; stops at the first that fails. What failed is
 * told once more in the end, and the last line of its output stands alone: how many tests passed and failed.
 */
import { execa } from 'execa';
import { COMMAND_TURNS, commandPathOf, FIRST_FILES, pathOf } from '../test/labFiles.ts';
import { closingLines, type TestReport } from './testReport/report.ts';
import { bin, NOTHING, root, runTests, type TestRun } from './testRuns.ts';

interface Check {
  name: string;
  argv: readonly [string, ...string[]];
}

const CHECKS: readonly Check[] = [
  { name: 'format', argv: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'lint', argv: [bin('eslint'), '--max-warnings', '0', '.'] },
  { name: 'imports', argv: [bin('depcruise'), '--config', '.dependency-cruiser.mjs', 'src'] },
  { name: 'types', argv: [bin('tsc'), '--noEmit'] },
];
/**
 * Two runs of vitest side by side: the lab's guests count instructions and take what is left of the processor; most of
 * the others wait in real time, and none of them is decided by it.
 */
const RUNS: readonly TestRun[] = [
  { projects: ['lab'], files: FIRST_FILES.map(pathOf), env: { LAB_FIRST: '1' } },
  { projects: ['unit', 'cli', 'packages'], without: COMMAND_TURNS.map(commandPathOf) },
];

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
    if (failed) return { ...NOTHING, failures: [{ name, message: all }] };
  }
  console.log('== tests');
  return runTests(RUNS);
}

const report = await runAll();
for (const line of closingLines(report)) console.log(line);
process.exitCode = report.failures.length === 0 ? 0 : 1;
