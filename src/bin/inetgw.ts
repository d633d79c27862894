/** Where `inetgw` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { runMain } from '../cli/common/main.ts';
import { asksVersion, VERSION } from '../core/version.ts';

const argv = process.argv.slice(2);
if (asksVersion(argv)) process.stdout.write(`inetgw ${VERSION}\n`);
else void runMain('inetgw', async () => (await import('../cli/inetgw/inetgw.ts')).run(argv));
