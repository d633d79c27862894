/** The agent's loop: a request, its answer, and the clock stands still. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Operation, Operations, Request } from '../protocol.ts';
import { clockMs, exec, signalJob, startJob, type Job } from './jobs.ts';
import { watchHostReads } from './hostReads.ts';
import { measure } from './measure.ts';
import { Port } from './port.ts';
import { spin, startSpinner } from './spinner.ts';
import { stream } from './udpStream.ts';

type Handlers = {
  [Name in Operation]: (
    ask: Operations[Name]['ask'],
  ) => Promise<Operations[Name]['answer']> | Operations[Name]['answer'];
};

const jobs = new Map<number, Job>();

function jobOf(id: number): Job {
  const job = jobs.get(id);
  if (job === undefined) throw new Error(`there is no job ${id}`);
  return job;
}

const handlers: Handlers = {
  exec,
  spawn: (ask) => {
    const job = startJob(ask);
    spin(ask.spinMs ?? 0);
    const pid = job.child.pid ?? -1;
    jobs.set(pid, job);
    return { job: pid, pid };
  },
  wait: async ({ job }) => jobOf(job).ended,
  stop: async ({ job, signal }) => {
    signalJob(jobOf(job), signal ?? 'SIGTERM');
    const result = await jobOf(job).ended;
    jobs.delete(job);
    return result;
  },
  read: ({ path }) => ({ text: readFileSync(path, 'utf8') }),
  write: ({ path, text, mode }) => {
    writeFileSync(path, text, mode === undefined ? {} : { mode });
    return {};
  },
  sleep: async ({ ms }) => {
    await sleep(ms);
    return {};
  },
  clock: () => ({ ms: clockMs() }),
  measure,
  stream,
};

async function answer(line: string): Promise<Answer> {
  try {
    const { op, ask } = JSON.parse(line) as Request;
    // The table is typed by name; the compiler cannot follow one name through both sides.
    const handler = handlers[op] as (ask: unknown) => unknown;
    return { ok: true, value: await handler(ask) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

export async function serve(): Promise<never> {
  const port = new Port();
  await startSpinner();
  await watchHostReads();
  port.send(JSON.stringify({ ok: true, value: {} } satisfies Answer));
  for (;;) {
    port.halt();
    const line = port.receive();
    port.send(JSON.stringify(await answer(line)));
  }
}
