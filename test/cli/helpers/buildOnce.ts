/** Builds dist/ if it is not what the sources make, once for all tests of a process and one process at a time. */
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let building: Promise<void> | undefined;

export function build(): Promise<void> {
  building ??= buildIfOlder();
  return building;
}

async function buildIfOlder(): Promise<void> {
  // Without a look at the npm packages, as scripts/setup.sh has it: these tests run from them.
  const script =
    'mkdir -p .lab && exec 9>.lab/setup.lock && flock 9 && exec "$0" scripts/build.mjs --if-changed';
  await execa('sh', ['-c', script, process.execPath], { cwd: root });
}
