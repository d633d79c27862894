import { failure, UserError } from '../../core/errors.ts';
import type { Step } from '../../plan/steps.ts';
import { batchReason, failedBatchLine } from '../../tc/parse.ts';
import { ProgramError, type Runner, type RunOptions } from './run.ts';

/** Runs a program that is no step; gives what it printed. A failure is a `UserError`, as that of a step. */
export async function ask(argv: Step['argv'], run: Runner, options: RunOptions = {}): Promise<string> {
  try {
    return (await run(argv, options)).stdout;
  } catch (error) {
    throw error instanceof ProgramError ? error.toUserError() : error;
  }
}

/** What a program printed that can be done without; undefined where it is missing or fails. */
export async function answer(
  argv: Step['argv'],
  run: Runner,
  options: RunOptions = {},
): Promise<string | undefined> {
  try {
    return (await run(argv, options)).stdout;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return undefined;
    throw error;
  }
}

export interface StepOptions {
  /** How the message names what was being done; by default `setting`. */
  doing?: 'setting' | 'taking away' | 'trying';
}

/** Runs one step. A failure names the step, the line of its input and what the program said. */
export async function runStep(step: Step, run: Runner, options: StepOptions = {}): Promise<void> {
  const { doing = 'setting' } = options;
  try {
    await run(step.argv, { input: step.input, okCodes: step.okCodes ?? [] });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const lineNumber = failedLine(error.result.stderr);
    const line = lineNumber === undefined ? undefined : step.input.split('\n')[lineNumber - 1];
    const said = line === undefined ? error.message : batchReason(error.result.stderr);
    const place =
      line === undefined ? '' : ` at line ${lineNumber ?? 0} of ${step.argv[0]}'s input, '${line.trim()}'`;
    throw failure(`${doing} ${step.what} failed${place}: ${said}`, undefined, { cause: error });
  }
}

/** tc says `Command failed -:7`, iptables-restore `line 7 failed` or `Error occurred at line: 7`. */
function failedLine(stderr: string): number | undefined {
  const restore = /line:? (\d+)/.exec(stderr)?.[1];
  return failedBatchLine(stderr) ?? (restore === undefined ? undefined : Number(restore));
}
