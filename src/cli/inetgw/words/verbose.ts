import type { Runner } from '../../../system/exec/run.ts';

/** Tells every program that is run, with what is handed to it, on standard error. */
export function verboseRunner(run: Runner): Runner {
  return async (argv, options) => {
    const input = (options?.input ?? '').replaceAll(/^(?=.)/gm, '    ');
    process.stderr.write(`+ ${argv.join(' ')}\n${input}`);
    return run(argv, options);
  };
}
