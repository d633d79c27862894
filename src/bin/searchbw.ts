/** Where `searchbw` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { runMain } from '../cli/common/main.ts';
import { VERSION } from '../core/version.ts';

const argv = process.argv.slice(2);
if (['--version', '-V', 'version'].includes(argv[0] ?? '')) process.stdout.write(`searchbw ${VERSION}\n`);
else void runMain('searchbw', async () => (await import('../cli/searchbw.ts')).run(argv));
