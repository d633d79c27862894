/**
 * `--dry-run=script`: commander has no option whose value may only follow a `=`; with one that may be left out,
 * `inetgw --dry-run ppp0 210 1710` would take the device for the value.
 */
import { usageError } from '../../../core/errors.ts';

/** The words with `--dry-run=script` as the option of its own that commander knows it by. */
export function withDryRunWord(argv: readonly string[]): string[] {
  return argv.map((word) => {
    const form = /^(?:--dry-run|-n)=(.*)$/s.exec(word)?.[1];
    if (form === undefined) return word;
    if (form === 'script') return '--dry-run-script';
    throw usageError(
      `'${word}' is not known`,
      '--dry-run tells what would be run, --dry-run=script gives it as a script',
    );
  });
}
