/**
 * What the host and the agent in the guest say to each other: one JSON line per request, one per answer, one
 * request at a time. All times inside are the guest's, that is virtual.
 */
import type { MeasureOptions, MeasureResult, UdpResult, UdpStream } from './measure.ts';

export interface Command {
  argv: readonly [string, ...string[]];
  /** Network namespace; the guest's own by default. */
  ns?: string;
  input?: string;
  /** Added to the agent's environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Virtual time after which the program is killed; 10 min by default. */
  timeoutMs?: number;
  /**
   * For this virtual time after the start the processor does not idle, whatever is waited for; 0 by default. While the host's
   * files are read it does not idle anyway (agent/hostReads.ts).
   */
  spinMs?: number;
}

export interface ExecResult {
  /** Exit code; 128 + n if signal n ended it; 127 if it could not be started. */
  code: number;
  stdout: string;
  stderr: string;
  /** Virtual time from start to end. */
  elapsedMs: number;
  timedOut: boolean;
}

/** One entry for each kind of request: what is asked and what comes back. */
export interface Operations {
  exec: { ask: Command; answer: ExecResult };
  /** Starts a program and leaves it running; `wait` or `stop` fetch its end. */
  spawn: { ask: Command; answer: { job: number; pid: number } };
  wait: { ask: { job: number }; answer: ExecResult };
  stop: { ask: { job: number; signal?: NodeJS.Signals }; answer: ExecResult };
  read: { ask: { path: string }; answer: { text: string } };
  write: { ask: { path: string; text: string; mode?: number }; answer: Record<string, never> };
  sleep: { ask: { ms: number }; answer: Record<string, never> };
  clock: { ask: Record<string, never>; answer: { ms: number } };
  measure: { ask: MeasureOptions; answer: MeasureResult };
  /** A stream, and no packet of any kind beside it. */
  stream: { ask: UdpStream; answer: UdpResult };
}

export type Operation = keyof Operations;

export type Request = { [Name in Operation]: { op: Name; ask: Operations[Name]['ask'] } }[Operation];

export type Answer = { ok: true; value: unknown } | { ok: false; error: string };
