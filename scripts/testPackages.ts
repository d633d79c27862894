/**
 * The tests of the packages alone: `npm run test:packages [-- --suite NAME]…`, in a clean root of each suite that is
 * named, or of all with `--suite all`. `npm test` has them too, in the root that is the default of test/packages.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

const root = fileURLToPath(new URL('..', import.meta.url));
const SUITES = ['bookworm', 'trixie'];

const { values } = parseArgs({ options: { suite: { type: 'string', multiple: true } } });
const named = values.suite ?? [];
const unknown = named.filter((name) => name !== 'all' && !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`test:packages: no suite '${unknown.join("', '")}': there are ${SUITES.join(', ')} and all`);
  process.exit(2);
}
const suites = named.includes('all') ? SUITES : named;
for (const suite of suites.length === 0 ? [undefined] : suites) {
  if (suite !== undefined) console.log(`== ${suite}`);
  const { exitCode } = await execa('node_modules/.bin/vitest', ['run', '--project', 'packages'], {
    cwd: root,
    env: suite === undefined ? {} : { INETGW_SUITE: suite },
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  if (exitCode !== 0) process.exitCode = 1;
}
