/** Programs inside the guest: to their end, or in the background. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Command, ExecResult } from '../protocol.ts';
import { spin } from './spinner.ts';

/** What is kept of one output: far above anything a test looks at. */
const OUTPUT_LIMIT_BYTES = 32 * 1024 * 1024;

export interface Job {
  child: ChildProcess;
  ended: Promise<ExecResult>;
}

/** Virtual milliseconds since the guest's start. */
export const clockMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Puts a command into its network namespace; `ip netns exec` also gives it that namespace's /sys. */
export function inNamespace(argv: readonly string[], ns: string | undefined): readonly string[] {
  return ns === undefined ? argv : ['ip', 'netns', 'exec', ns, ...argv];
}

/** Starts a command; its standard input ends after `input` unless it is to be kept open. */
export function startJob(command: Command, { keepInput = false } = {}): Job {
  const [file = '', ...args] = inNamespace(command.argv, command.ns);
  const startedMs = clockMs();
  const child = spawn(file, args, {
    env: { ...process.env, ...command.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  const output = { stdout: collect(child.stdout), stderr: collect(child.stderr) };
  child.stdin.on('error', () => undefined);
  if (!keepInput) child.stdin.end(command.input ?? '');
  const ended = new Promise<ExecResult>((resolve) => {
    const finish = (code: number, error?: Error): void => {
      resolve({
        code,
        stdout: output.stdout(),
        stderr: error === undefined ? output.stderr() : error.message,
        elapsedMs: clockMs() - startedMs,
        timedOut: false,
      });
    };
    child.once('error', (error) => {
      finish(127, error);
    });
    child.once('close', (code, signal) => {
      finish(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  return { child, ended };
}

/** Runs to the end; past the time limit the whole process group is killed. */
export async function exec(command: Command): Promise<ExecResult> {
  const stopSpinning = spin(command.spinMs ?? 0);
  const job = startJob(command);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    signalJob(job, 'SIGKILL');
  }, command.timeoutMs ?? 600_000);
  const result = await job.ended;
  clearTimeout(timer);
  stopSpinning();
  return { ...result, timedOut };
}

/** Signals a job and what it started; one that is gone already is fine. */
export function signalJob(job: Job, signal: NodeJS.Signals): void {
  if (job.child.pid === undefined) return;
  try {
    process.kill(-job.child.pid, signal);
  } catch {
    // It has ended in between.
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= OUTPUT_LIMIT_BYTES) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}
