import { usageError } from '../errors.ts';

/** Runs `searchbw` with the words after its name; resolves to the exit code. */
export function run(_argv: readonly string[]): Promise<number> {
  return Promise.reject(usageError('not built yet'));
}
