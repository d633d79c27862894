/**
 * The one module that runs programs to their end. Argument arrays only, never a shell; a fixed locale; a time limit; an
 * abort signal. A failure carries what a person needs: the command, the exit code and what the tool said.
 *
 * Node's own spawn, not execa: loading that takes a quarter of the time of an apply (docs/benchmarks/cost.md).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { errorCode, failure, missing, type UserError } from '../../core/errors.ts';
import { openInput } from './inputFile.ts';

export interface RunOptions {
  /** Text for the program's standard input; empty by default, never the terminal. */
  input?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Variables that this program needs; it sees no others but PATH and the locale. */
  env?: Readonly<Record<string, string>>;
  /** Told how much the program prints, and what, which is then thrown away, however much it is. */
  onOutput?: (bytes: number, chunk: Buffer) => void;
  /** Descriptors of this process that the program gets, from 3 on. */
  descriptors?: readonly number[];
  /** Exit codes that are answers, not failures (0 always is one). */
  okCodes?: readonly number[];
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs programs; handed to whoever needs effects, so that tests can watch or refuse them. */
export type Runner = (argv: readonly [string, ...string[]], options?: RunOptions) => Promise<RunResult>;

/** 30 s: the slowest of our calls, the first one on a small board that loads modules, stays far below. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** sbin folders are not on every user's PATH, and ip-up.d starts hooks with a nearly empty environment. */
export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Thrown where a program ended with an error: the caller may look at the parts, a user reads the message. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly argv: readonly string[];
  readonly result: RunResult;

  constructor(argv: readonly string[], result: RunResult, message: string) {
    super(message);
    this.argv = argv;
    this.result = result;
  }

  toUserError(): UserError {
    return failure(this.message, undefined, { cause: this });
  }
}

/** More than the longest rule set that anybody has; what prints more than this prints rubbish. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** As much of what a program said as helps a person. */
const MAX_SAID_CHARACTERS = 2000;

/** Between asking a program to end and ending it, and between that and no longer listening to it. */
const GRACE_MS = 500;

/** Runs a program to its end. Throws `UserError` if it is missing, `ProgramError` if it fails. */
export const run: Runner = async (argv, options = {}) => {
  const [file] = argv;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const shown = argv.join(' ');
  if (shown.includes('\0')) throw failure(`${JSON.stringify(shown)} cannot be run: it contains a null byte`);
  const { end, startCode, code, signal, output } = await untilEnd(argv, options, timeoutMs);
  if (startCode === 'ENOENT') throw missing(`${file} was not found`, packageHint(file));
  if (startCode === 'EACCES')
    throw missing(
      `${file} is there but may not be run: it is not executable`,
      packageHint(file, '--reinstall '),
    );
  const problem = (what: string): ProgramError =>
    new ProgramError(argv, output, `'${shorten(shown)}' ${what}`);
  switch (end) {
    case 'interrupted':
      throw problem('was interrupted');
    case 'late':
      throw problem(`did not end within ${timeoutMs / 1000} s`);
    case 'too much output':
      throw problem(`printed more than ${MAX_OUTPUT_BYTES / 1024 / 1024} MiB`);
    case 'own':
  }
  if (signal !== null) throw problem(`was ended by ${signal}`);
  if (code === null) throw problem(`could not be run (${startCode ?? 'unknown error'})`);
  if (code !== 0 && !(options.okCodes ?? []).includes(code)) {
    const said = output.stderr.trim() || output.stdout.trim() || 'it said nothing';
    throw problem(`failed with exit code ${code}: ${shorten(said)}`);
  }
  return output;
};

/** How a program came to its end: of itself, or by us. */
type End = 'own' | 'late' | 'interrupted' | 'too much output';

interface Ended {
  end: End;
  /** Why it could not be started, as the kernel names it. */
  startCode: string | undefined;
  code: number | null;
  signal: string | null;
  output: RunResult;
}

/** Starts the program; gives the code of the error where the kernel refuses at once. */
function start(
  [file, ...args]: readonly [string, ...string[]],
  { input = '', env, descriptors = [] }: RunOptions,
): ChildProcess | { refused: string | undefined } {
  const inputFile = input === '' ? undefined : openInput(input);
  try {
    return spawn(file, args, {
      env: { ...env, PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
      stdio: [input === '' ? 'ignore' : (inputFile ?? 'pipe'), 'pipe', 'pipe', ...descriptors],
      // A group of its own: Ctrl-C is for us, who finish or undo what we are at, and not for tc half way.
      detached: true,
    });
  } catch (error) {
    // Some errors are thrown (too long a command line), others are told by an event.
    return { refused: errorCode(error) };
  } finally {
    if (inputFile !== undefined) closeSync(inputFile);
  }
}

/** Starts the program and waits until it has ended and nothing holds its output any more, or we end it. */
async function untilEnd(
  argv: readonly [string, ...string[]],
  options: RunOptions,
  timeoutMs: number,
): Promise<Ended> {
  const { input = '', signal: abort, onOutput } = options;
  const child = start(argv, options);
  if ('refused' in child) {
    const output = { code: -1, stdout: '', stderr: '' };
    return { end: 'own', startCode: child.refused, code: null, signal: null, output };
  }
  let end: End = 'own';
  let stopEnding: (() => void) | undefined;
  const endIt = (why: End): void => {
    if (end !== 'own') return;
    end = why;
    stopEnding = endGroup(child);
  };
  const tooMuch = (): void => {
    endIt('too much output');
  };
  const stdout = onOutput === undefined ? collect(child.stdout, tooMuch) : undefined;
  const stderr = collect(child.stderr, tooMuch);
  if (onOutput !== undefined)
    child.stdout?.on('data', (chunk: Buffer) => {
      onOutput(chunk.length, chunk);
    });
  // It need not read to the end.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const timer = setTimeout(endIt, timeoutMs, 'late');
  const onAbort = (): void => {
    endIt('interrupted');
  };
  if (abort?.aborted === true) onAbort();
  else abort?.addEventListener('abort', onAbort);
  let startCode: string | undefined;
  child.on('error', (error) => {
    startCode ??= errorCode(error);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (...how) => {
      resolve(how);
    });
  });
  clearTimeout(timer);
  stopEnding?.();
  abort?.removeEventListener('abort', onAbort);
  const started = startCode === undefined;
  const output = { code: code ?? -1, stdout: stdout?.() ?? '', stderr: stderr() };
  return { end, startCode, code: started ? code : null, signal, output };
}

/** Gathers what a program prints; the result gives it as text. */
function collect(stream: Readable | null, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (bytes > MAX_OUTPUT_BYTES) return;
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > MAX_OUTPUT_BYTES) tooMuch();
  });
  return () => Buffer.concat(chunks).toString();
}

/**
 * Ends a program together with whatever it has started: a child that lives on would hold the pipe, and we
 * would wait for it. What went into a group of its own is no longer listened to. Gives the way to call it off.
 */
function endGroup({ pid, stdout, stderr }: ChildProcess): () => void {
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      if (pid !== undefined) process.kill(-pid, name);
    } catch {
      // All of it has ended.
    }
  };
  signal('SIGTERM');
  const kill = setTimeout(signal, GRACE_MS, 'SIGKILL');
  const leave = setTimeout(() => {
    stdout?.destroy();
    stderr?.destroy();
  }, 2 * GRACE_MS);
  return () => {
    clearTimeout(kill);
    clearTimeout(leave);
    signal('SIGKILL');
  };
}

function shorten(text: string): string {
  return text.length <= MAX_SAID_CHARACTERS ? text : `${text.slice(0, MAX_SAID_CHARACTERS)} …`;
}

/** Which Debian package brings a program that was not found. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  tc: 'iproute2',
  ip: 'iproute2',
  iptables: 'iptables',
  'iptables-save': 'iptables',
  'iptables-restore': 'iptables',
  'ip6tables-save': 'iptables',
  'ip6tables-restore': 'iptables',
  nft: 'nftables',
  ping: 'iputils-ping',
  curl: 'curl',
  ethtool: 'ethtool',
  modprobe: 'kmod',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  'systemd-notify': 'systemd',
  perl: 'perl-base',
};

function packageHint(file: string, how = ''): string | undefined {
  const name = PACKAGE_OF[file];
  return name === undefined ? undefined : `install it with: apt-get install ${how}${name}`;
}
