/** Programs that misbehave: whatever they do, the call ends in time, in bounded memory, with a cause. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRunning } from '../../../../src/system/exec/process.ts';
import { ProgramError, run } from '../../../../src/system/exec/run.ts';
import { until } from '../../../hang.ts';
import { EXIT, UserError } from '../../../../src/core/errors.ts';

const sh = (script: string): readonly [string, ...string[]] => ['sh', '-c', script];

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** The processes that a hanging script names, once it had the time for it before its limit struck. */
async function startedBy(script: string, count: number): Promise<number[]> {
  for (let timeoutMs = 300; ; timeoutMs *= 2) {
    const error = await failureOf(run(sh(script), { timeoutMs }));
    expect(error).toBeInstanceOf(ProgramError);
    const named = error instanceof ProgramError ? error.result.stdout.trim().split('\n') : [];
    if (named.length === count && named[0] !== '') return named.map(Number);
  }
}

describe('a program that hangs', () => {
  it.each([
    ['waits', 'exec sleep 100000'],
    ['has a child that waits and holds its output', 'sleep 100000; echo late'],
    ['does not listen to SIGTERM', 'trap "" TERM; sleep 100000; echo late'],
    ['has ended, but left a child that holds its output', 'sleep 100000 & echo done'],
  ])('is ended at its time limit: it %s', async (_what, script) => {
    const error = await failureOf(run(sh(script), { timeoutMs: 300 }));
    expect(error).toBeInstanceOf(ProgramError);
    expect(error.message).toMatch(/did not end within 0\.3 s$/);
  });

  it('is not waited for where a child in a session of its own holds its output', async () => {
    const processes = await startedBy('setsid sh -c "echo \\$\\$; exec sleep 100000"; echo late', 1);
    for (const pid of processes) process.kill(pid, 'SIGKILL');
  });

  it('leaves no process behind', async () => {
    const processes = await startedBy('echo $$; sleep 100000 & echo $!; sleep 100000', 2);
    // By state, not by signal 0: killed children wait as zombies for a slow init.
    await until(async () => (await Promise.all(processes.map(isRunning))).every((running) => !running));
  });

  it('is ended when the caller gives up', async () => {
    const signal = AbortSignal.timeout(100);
    const error = await failureOf(run(sh('sleep 100000; echo late'), { signal }));
    expect(error.message).toMatch(/was interrupted$/);
  });
});

it('a program that is there and not executable is missing, in words of its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inetgw-run-'));
  const file = join(folder, 'tool');
  await writeFile(file, '#!/bin/sh\n', { mode: 0o644 });
  const error = await failureOf(run([file]));
  await rm(folder, { recursive: true });
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({
    exitCode: EXIT.missing,
    message: `${file} is there but may not be run: it is not executable`,
  });
});

describe('a program that prints rubbish', () => {
  it('without end is ended, and the memory stays bounded', async () => {
    const before = process.memoryUsage().rss;
    const error = await failureOf(run(['yes', 'x'.repeat(100)]));
    expect(error.message).toMatch(/printed more than 16 MiB$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(250e6);
  });

  it('of great length has a short error', async () => {
    const error = await failureOf(run(sh('head -c 1000000 /dev/zero | tr "\\0" x >&2; exit 3')));
    expect(error.message).toMatch(/failed with exit code 3: x+ …$/);
    expect(error.message.length).toBeLessThan(3000);
  });
});

describe('a program that cannot be started', () => {
  it('is named with its package', async () => {
    expect(await failureOf(run(['no-such-program-here']))).toMatchObject({
      exitCode: 5,
      message: 'no-such-program-here was not found',
    });
  });

  it.each([
    ['an argument is too long for the kernel', ['echo', 'x'.repeat(3_000_000)]],
    ['an argument holds a null byte', ['echo', 'a\0b']],
    ['it is a folder', ['/tmp']],
  ] as const)('is an error that says so: %s', async (_why, argv) => {
    const error = await failureOf(run(argv));
    expect(error instanceof UserError || error instanceof ProgramError).toBe(true);
    expect(error.message.length).toBeLessThan(3000);
  });

  it('is not run by a shell', async () => {
    const odd = ['$(id)', '`id`', ';id', '|id', '&&id', '>f', '*', '\n', "'", '"', '\\', '-n', '~', '!1'];
    expect((await run(['printf', '%s\\n', ...odd])).stdout).toBe(`${odd.join('\n')}\n`);
  });
});

describe('the input of a program', () => {
  const text = `${'a line\n'.repeat(30_000)}ü\n`;

  it('is read whole, from the beginning', async () => {
    expect((await run(['cat'], { input: text })).stdout).toBe(text);
  });

  // nft 0.9.8 does; a socket, which Node's own pipes are, cannot be opened.
  it('can be opened anew by its name', async () => {
    expect((await run(['cat', '/dev/stdin'], { input: text })).stdout).toBe(text);
  });

  it('is nothing, not the terminal, where there is none', async () => {
    expect((await run(['cat'])).stdout).toBe('');
  });
});
