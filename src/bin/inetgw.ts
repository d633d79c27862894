/** Where `inetgw` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { runMain } from '../cli/common/main.ts';
import { VERSION } from '../core/version.ts';

const argv = process.argv.slice(2);
if (['--version', '-V', 'version'].includes(argv[0] ?? '')) process.stdout.write(`inetgw ${VERSION}\n`);
else void runMain('inetgw', async () => (await import('../cli/inetgw/inetgw.ts')).run(argv));
