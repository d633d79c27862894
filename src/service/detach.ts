/**
 * Starts this very command again in a session of its own, without a terminal, and waits until it says over
 * descriptor 3 that it works, or why not.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';

/** Set for the detached process: the descriptor on which it reports. */
export const REPORT_FD_VARIABLE = 'IPRELAY_REPORT_FD';
const REPORT_FD = 3;

export interface DetachReport {
  readonly ok: boolean;
  /** Lines for standard error. */
  readonly messages: readonly string[];
  /** Lines for standard output. */
  readonly said?: readonly string[];
  readonly exitCode: number;
}

/** Resolves when the detached process has reported, or ended without a word. */
export async function detach(): Promise<DetachReport & { pid: number }> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [REPORT_FD_VARIABLE]: String(REPORT_FD) },
  });
  const pipe = child.stdio[REPORT_FD];
  const said = pipe instanceof Readable ? await text(pipe) : '';
  child.unref();
  const pid = child.pid ?? 0;
  return { ...parseReport(said), pid };
}

/** What the detached process said; silence is a failure too. */
function parseReport(said: string): DetachReport {
  try {
    const value: unknown = JSON.parse(said);
    if (
      typeof value === 'object' &&
      value !== null &&
      'ok' in value &&
      'messages' in value &&
      'exitCode' in value
    ) {
      return value as DetachReport;
    }
  } catch {
    // Below.
  }
  return { ok: false, messages: ['the daemon ended without saying why'], exitCode: 1 };
}
