/** A reporter of vitest: writes the run's `TestReport` as JSON to the file that TEST_REPORT names. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';
import type { Failure, TestReport } from './report.ts';

export default class ClosingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['TEST_REPORT'];
    if (file === undefined) throw new Error('TEST_REPORT does not say where the report goes');
    writeFileSync(file, JSON.stringify(reportOf(modules, unhandled)));
  }
}

function reportOf(modules: readonly TestModule[], unhandled: readonly SerializedError[]): TestReport {
  const report: TestReport = { passed: 0, failures: [], secondTries: [], left: [] };
  for (const module of modules) {
    addErrors(report, module, placeOf(module));
    for (const suite of module.children.allSuites()) addErrors(report, suite, nameOf(suite));
    for (const test of module.children.allTests()) addTest(report, test);
  }
  const outside = unhandled.map((error) => ({ name: 'outside of any test', message: messageOf([error]) }));
  report.failures.push(...outside);
  return report;
}

/** Those of loading a file, and of hooks. */
function addErrors(report: TestReport, part: TestModule | TestSuite, name: string): void {
  const errors = part.errors();
  if (errors.length > 0) report.failures.push({ name, message: messageOf(errors) });
}

function addTest(report: TestReport, test: TestCase): void {
  const { state, errors } = test.result();
  const failure = (): Failure => ({ name: nameOf(test), message: messageOf(errors ?? []) });
  if (state === 'failed') report.failures.push(failure());
  else if (state !== 'passed') report.left.push(nameOf(test));
  else {
    report.passed += 1;
    if (test.diagnostic()?.flaky === true) report.secondTries.push(failure());
  }
}

const placeOf = (module: TestModule): string => module.relativeModuleId;
const nameOf = (part: TestCase | TestSuite): string => `${placeOf(part.module)} > ${part.fullName}`;

/** What each error says, how it differs from what was expected, and where in the project it came up. */
function messageOf(errors: readonly SerializedError[]): string {
  return errors
    .map(({ name, message, diff, stacks }): string => {
      const frame = stacks?.find(({ file }) => !file.includes('/node_modules/'));
      const where =
        frame === undefined ? [] : [`at ${relative('', frame.file)}:${frame.line}:${frame.column}`];
      const said: string = name === undefined || message.startsWith(name) ? message : `${name}: ${message}`;
      return [said, ...where, ...(typeof diff === 'string' ? [diff] : [])].join('\n');
    })
    .join('\n');
}
