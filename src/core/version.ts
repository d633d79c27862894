declare const __VERSION__: string | undefined;

/** The package's version; set by the build, `dev` when run from source. */
export const VERSION: string = typeof __VERSION__ === 'undefined' ? 'dev' : __VERSION__;

/** Whether a command is asked for its version, and for nothing else. */
export function asksVersion(argv: readonly string[]): boolean {
  return ['--version', '-V', 'version'].includes(argv[0] ?? '');
}
