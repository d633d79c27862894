/** Device names are unique in one network namespace only, and so are records of them. */
import { describe, expect, it } from 'vitest';
import { inNamespace, isRoot, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

describe.skipIf(!isRoot)('in a network namespace of its own', () => {
  // The capabilities of the unit: it may not see the namespace of process 1.
  it.each(['', 'setpriv --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin'])(
    'the records of the first one are not seen: %s',
    async (wrapper) => {
      await build();
      const { code, stdout, stderr } = await inNamespace(
        `mkdir /run/inetgw; echo '{}' > /run/inetgw/e9.json
         ${wrapper} ${process.execPath} ${ROOT}/dist/bin/inetgw.js status`,
      );
      expect([code, stdout, stderr]).toEqual([0, 'no device is shaped and none is configured\n', '']);
    },
  );
});
