/** A process of our own that is fed lines on its standard input for as long as it runs, and answers in lines. */
import { spawn, type ChildProcessByStdio, type SpawnOptions, type StdioOptions } from 'node:child_process';
import type { Server } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEARCH_PATH } from '../system/exec/run.ts';

export interface FedProcess {
  pid: number | undefined;
  /**
   * False: it was lost, since the process does not read.
   * @param onTaken called when the pipe has taken it, or will not any more
   */
  write: (line: string, onTaken?: () => void) => boolean;
  /** Ends its input, and it soon after. */
  end: () => Promise<void>;
}

/** What may wait for a process that does not read. */
const WAITING_BYTES = 4_194_304;
/** What comes without an end of line is no line of ours: it is ended before it fills the memory. */
const LINE_BYTES = 65_536;
/** How long it may take to end when its input has ended, in ms; and when it was killed, which nobody may without CAP_KILL. */
const LAST_MS = 2000;

/** Behind standard input, output and error. */
export const GIVEN_DESCRIPTOR = 3;

export interface Given {
  /** The user and the only group that it has from the start. */
  id: number;
  /** Its descriptor `GIVEN_DESCRIPTOR`; closed here. */
  server: Server;
}

function started(script: string, given: Given | undefined): ChildProcessByStdio<Writable, Readable, null> {
  const options = { cwd: '/', env: { PATH: SEARCH_PATH, LC_ALL: 'C' } };
  const streams: StdioOptions = ['pipe', 'pipe', 'inherit'];
  if (given === undefined) return spawnThree(script, { ...options, stdio: streams });
  const { id, server } = given;
  // Its number is known to its handle alone, which has no other name in any version of Node.
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const stdio: StdioOptions = [...streams, fd];
  const child = spawnThree(script, { ...options, stdio, uid: id, gid: id });
  server.close();
  return child;
}

const spawnThree = (script: string, options: SpawnOptions): ChildProcessByStdio<Writable, Readable, null> =>
  spawn(process.execPath, [script], options) as ChildProcessByStdio<Writable, Readable, null>;

/**
 * Its standard error is ours; of our environment it gets nothing.
 * @param script a file of the built commands
 * @param onEnd told how it ended, if that was not asked for
 * @param given undefined: it is started as this process is
 */
export function startFed(
  script: string,
  onLine: (line: string) => void,
  onEnd: (how: string) => void,
  given?: Given,
): FedProcess {
  const child = started(script, given);
  let ending = false;
  // Of all events the last: nothing of what it said comes after it.
  const ended = new Promise<void>((resolve) => {
    // Also told of what may not be killed.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve();
      if (!ending && child.pid === undefined) onEnd(error.message);
    });
    child.once('close', (code, signal) => {
      resolve();
      if (!ending) onEnd(signal === null ? `with exit code ${code ?? '?'}` : `by ${signal}`);
    });
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  let lineBytes = 0;
  child.stdout.on('data', (chunk: Buffer | string) => {
    const at = chunk.lastIndexOf('\n');
    lineBytes = at < 0 ? lineBytes + chunk.length : chunk.length - at - 1;
    if (lineBytes <= LINE_BYTES) return;
    // Nothing more of it is gathered, whether it can be killed or not.
    child.stdout.destroy();
    child.stdin.end();
    child.kill('SIGKILL');
  });
  child.stdin.on('error', () => undefined);
  return {
    pid: child.pid,
    write: (line, onTaken) => {
      if (!child.stdin.writable || child.stdin.writableLength > WAITING_BYTES) return false;
      child.stdin.write(`${line}\n`, () => {
        onTaken?.();
      });
      return true;
    },
    end: async () => {
      ending = true;
      child.stdin.end();
      const over = new AbortController();
      const late = async (): Promise<void> => {
        await sleep(LAST_MS, undefined, { signal: over.signal });
        child.kill('SIGKILL');
        await sleep(LAST_MS, undefined, { signal: over.signal });
      };
      await Promise.race([ended, late().catch(() => undefined)]);
      over.abort();
    },
  };
}
