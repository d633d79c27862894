/**
 * The one module that runs programs. Argument arrays only, never a shell; a fixed locale; a time limit; an
 * abort signal. A failure carries what a person needs: the command, the exit code and what the tool said.
 */
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

/** Runs a program to its end. Throws `UserError` if it is missing, `ProgramError` if it fails. */
export const run: Runner = async (argv, options = {}) => {
  const [file, ...args] = argv;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const result = await execa(file, args, {
    env: { ...options.env, PATH: SEARCH_PATH, LC_ALL: 'C', LANG: 'C' },
    extendEnv: false,
    input: options.input ?? '',
    reject: false,
    stripFinalNewline: false,
    timeout: timeoutMs,
    forceKillAfterDelay: 500,
    // A group of its own: Ctrl-C is for us, who finish or undo what we are at, and not for tc half way.
    detached: true,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  if (result.code === 'ENOENT') throw missing(`${file} was not found`, packageHint(file));
  if (result.code === 'EACCES') throw failure(`${file} may not be run (permission denied)`);
  const shown = argv.join(' ');
  const output: RunResult = { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
  if (result.isCanceled) throw new ProgramError(argv, output, `'${shown}' was interrupted`);
  if (result.timedOut) {
    throw new ProgramError(argv, output, `'${shown}' did not end within ${timeoutMs / 1000} s`);
  }
  if (result.signal !== undefined) {
    throw new ProgramError(argv, output, `'${shown}' was ended by ${result.signal}`);
  }
  if (output.code !== 0 && !(options.okCodes ?? []).includes(output.code)) {
    const said = output.stderr.trim() || output.stdout.trim() || 'it said nothing';
    throw new ProgramError(argv, output, `'${shown}' failed with exit code ${output.code}: ${said}`);
  }
  return output;
};

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
