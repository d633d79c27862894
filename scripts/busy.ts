/**
 * `npm run test:busy`: all checks and tests on a machine that is busy with something else, namely with three endless
 * loops. With arguments only these tests: `npm run test:busy -- --project unit test/unit/core/units.test.ts`.
 */
import { execa } from 'execa';

const LOOPS = 3;
const words = process.argv.slice(2);

// pdeathsig: they end with this process however it ends.
const loops = Array.from({ length: LOOPS }, () =>
  execa('setpriv', ['--pdeathsig', 'KILL', 'sh', '-c', 'while :; do :; done'], {
    reject: false,
    stdio: 'ignore',
  }),
);
try {
  const [file, ...args] =
    words.length > 0 ? (['vitest', 'run', ...words] as const) : (['tsx', 'scripts/test.ts'] as const);
  const { exitCode } = await execa(file, args, {
    preferLocal: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  const ended = loops.filter(({ exitCode: code, signalCode }) => code !== null || signalCode !== null);
  if (ended.length > 0)
    throw new Error(`${ended.length} of the loops ended before the tests: nothing is shown`);
  process.exitCode = exitCode ?? 1;
} finally {
  for (const loop of loops) loop.kill('SIGKILL');
}
