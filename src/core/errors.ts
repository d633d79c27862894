/**
 * What a user can cause or meet. Everything else that is thrown is a bug and is reported as one.
 *
 * The exit codes stand here and nowhere else; the manual pages are checked against this table. `notInForce` is for
 * what monitoring asks (`inetgw status`, `inetgw DEV`): the question was answered, and the answer is no; the number is
 * the one that init scripts give for what is not running.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notInForce: 3,
  privilege: 4,
  missing: 5,
  config: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** `128 + n` when signal n ended the command, as shells report it. */
export function exitCodeOfSignal(signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM'): number {
  return 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
}

/** An error with one clear line for the user, and where one exists, a hint at what to do. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Several errors found in one check: all are told at once, the first one gives the exit code. */
export class UserErrors extends Error {
  override readonly name = 'UserErrors';
  readonly errors: readonly UserError[];

  constructor(errors: readonly UserError[]) {
    super(errors.map((error) => error.message).join('\n'));
    this.errors = errors;
  }
}

export const usageError = (message: string, hint?: string): UserError =>
  new UserError(EXIT.usage, message, hint);
export const failure = (message: string, hint?: string, options?: ErrorOptions): UserError =>
  new UserError(EXIT.failed, message, hint, options);
export const notInForce = (message: string, hint?: string): UserError =>
  new UserError(EXIT.notInForce, message, hint);
export const missing = (message: string, hint?: string): UserError =>
  new UserError(EXIT.missing, message, hint);
export const noPrivilege = (message: string, hint?: string): UserError =>
  new UserError(EXIT.privilege, message, hint);
export const configError = (message: string, hint?: string): UserError =>
  new UserError(EXIT.config, message, hint);

/** The name that the kernel or Node gives an error: `ENOENT`; undefined: it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
