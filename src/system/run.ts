/**
 * The one module that runs programs. Argument arrays only, never a shell; a fixed locale; a time limit; an
 * abort signal. A failure carries what a person needs: the command, the exit code and what the tool said.
 */
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { failure, missing, type UserError } from '../errors.ts';

export interface RunOptions {
  /** Text for the program's standard input; empty by default, never the terminal. */
  input?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Variables that this program needs; it sees no others but PATH and the locale. */
  env?: Readonly<Record<string, string>>;
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
export const DEFAULT_TIMEOUT_MS = 30_000;

/** sbin folders are not on every user's PATH, and ip-up.d starts hooks with a nearly empty environment. */
const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

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
  const [file, ...args] = argv;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const shown = argv.join(' ');
  if (shown.includes('\0')) throw failure(`${JSON.stringify(shown)} cannot be run: it contains a null byte`);
  const running = execa(file, args, {
    env: { ...options.env, PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
    extendEnv: false,
    input: options.input ?? '',
    reject: false,
    stripFinalNewline: false,
    // A group of its own: Ctrl-C is for us, who finish or undo what we are at, and not for tc half way.
    detached: true,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  let ended: 'no' | 'late' | 'interrupted' = 'no';
  let stopListening: (() => void) | undefined;
  const end = (why: 'late' | 'interrupted'): void => {
    if (ended !== 'no') return;
    ended = why;
    stopListening = endGroup(running);
  };
  const timer = setTimeout(end, timeoutMs, 'late');
  const onAbort = (): void => {
    end('interrupted');
  };
  if (options.signal?.aborted === true) onAbort();
  else options.signal?.addEventListener('abort', onAbort);
  const result = await running;
  clearTimeout(timer);
  stopListening?.();
  options.signal?.removeEventListener('abort', onAbort);
  if (result.code === 'ENOENT') throw missing(`${file} was not found`, packageHint(file));
  if (result.code === 'EACCES') throw failure(`${file} may not be run (permission denied)`);
  const output: RunResult = {
    code: result.exitCode ?? -1,
    stdout: textOf(result.stdout),
    stderr: textOf(result.stderr),
  };
  const problem = (what: string): ProgramError =>
    new ProgramError(argv, output, `'${shorten(shown)}' ${what}`);
  switch (ended as 'no' | 'late' | 'interrupted') {
    case 'interrupted':
      throw problem('was interrupted');
    case 'late':
      throw problem(`did not end within ${timeoutMs / 1000} s`);
    case 'no':
  }
  if (result.isMaxBuffer) throw problem(`printed more than ${MAX_OUTPUT_BYTES / 1024 / 1024} MiB`);
  if (result.signal !== undefined) throw problem(`was ended by ${result.signal}`);
  if (result.exitCode === undefined) throw problem(`could not be run (${result.code ?? 'unknown error'})`);
  if (output.code !== 0 && !(options.okCodes ?? []).includes(output.code)) {
    const said = output.stderr.trim() || output.stdout.trim() || 'it said nothing';
    throw problem(`failed with exit code ${output.code}: ${shorten(said)}`);
  }
  return output;
};

/**
 * Ends a program together with whatever it has started: a child that lives on would hold the pipe, and we
 * would wait for it. What went into a group of its own is no longer listened to. Gives the way to call it off.
 */
function endGroup(running: { pid?: number; stdout: Readable; stderr: Readable }): () => void {
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      if (running.pid !== undefined) process.kill(-running.pid, name);
    } catch {
      // All of it has ended.
    }
  };
  signal('SIGTERM');
  const kill = setTimeout(signal, GRACE_MS, 'SIGKILL');
  const leave = setTimeout(() => {
    running.stdout.destroy();
    running.stderr.destroy();
  }, 2 * GRACE_MS);
  return () => {
    clearTimeout(kill);
    clearTimeout(leave);
    signal('SIGKILL');
  };
}

/** Where a program could not be started there is no output at all. */
function textOf(output: string | undefined): string {
  return output ?? '';
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
  ethtool: 'ethtool',
  modprobe: 'kmod',
  unshare: 'util-linux',
  'systemd-notify': 'systemd',
};

function packageHint(file: string): string | undefined {
  const name = PACKAGE_OF[file];
  return name === undefined ? undefined : `install it with: apt-get install ${name}`;
}
