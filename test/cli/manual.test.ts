import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { inetgw, ROOT } from './helpers/built.ts';

it.each(await readdir(`${ROOT}/docs/man`))('%s has no warning from mandoc', async (name) => {
  const { stdout } = await execa('mandoc', ['-Tlint', '-W', 'warning', `${ROOT}/docs/man/${name}`], {
    reject: false,
  });
  expect(stdout).toBe('');
});

it('the first example of inetgw(8) runs, also before its device is there', async () => {
  expect(await inetgw('ppp0', '210', '1710', '--firewall', 'nft', '--dry-run')).toMatchObject({ code: 0 });
});
