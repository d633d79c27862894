/** Where `searchbw` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { runMain } from '../cli/common/main.ts';
import { asksVersion, VERSION } from '../core/version.ts';

const argv = process.argv.slice(2);
if (asksVersion(argv)) process.stdout.write(`searchbw ${VERSION}\n`);
else void runMain('searchbw', async () => (await import('../cli/searchbw.ts')).run(argv));
