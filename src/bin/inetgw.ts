/** Where `inetgw` begins, once it is clear that this Node is new enough (scripts/build.mjs). */
import { begin } from '../cli/common/begin.ts';

begin('inetgw', async () => {
  const { keepCompiledCode } = await import('../cli/common/codeCache.ts');
  // What takes rates, or has them from the file, calls much that nobody else does.
  const setsUp = process.argv.slice(2).some((word) => /^(\d.*|apply|heal)$/.test(word));
  keepCompiledCode(import.meta.url, setsUp ? 'apply' : 'rest');
  return import('../cli/inetgw/inetgw.ts');
});
