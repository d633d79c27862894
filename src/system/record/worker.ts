/** A process that works on a device for longer than one change, as the record names it. */
import { startTime } from '../exec/process.ts';

/**
 * `measures`: it sets rates of its own for a while, and restores what was in force. Nobody else may change the device meanwhile.
 * `steers`: it keeps what is in force up to date for as long as it runs. Others may change the device.
 */
export type Work = 'measures' | 'steers';

export interface Worker {
  /** As a user knows it: `searchbw`. */
  command: string;
  pid: number;
  /** When it was started (exec/process.ts): tells it from a later process with the same number. */
  started: string;
  does: Work;
}

/** This process, for a record. */
export async function thisWorker(command: string, does: Work): Promise<Worker> {
  return { command, pid: process.pid, started: (await startTime(process.pid)) ?? '?', does };
}

/** The worker of a record, if it is another process than this one and still runs. */
export async function otherWorker(worker: Worker | undefined): Promise<Worker | undefined> {
  if (worker === undefined || worker.pid === process.pid) return undefined;
  return (await startTime(worker.pid)) === worker.started ? worker : undefined;
}

export function isWorker(value: unknown): value is Worker {
  if (typeof value !== 'object' || value === null) return false;
  const { command, pid, started, does } = value as Partial<Record<keyof Worker, unknown>>;
  return (
    typeof command === 'string' &&
    Number.isInteger(pid) &&
    typeof started === 'string' &&
    (does === 'measures' || does === 'steers')
  );
}
