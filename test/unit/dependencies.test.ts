/** What SECURITY.md says of dependencies. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const lock = z
  .object({
    packages: z.record(
      z.string(),
      z.object({
        license: z.string().optional(),
        dev: z.boolean().optional(),
        hasInstallScript: z.boolean().optional(),
        resolved: z.string().optional(),
        integrity: z.string().optional(),
      }),
    ),
  })
  .parse(JSON.parse(read('package-lock.json')));
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

describe('the packages in package-lock.json', () => {
  it('run no install script, but for esbuild, which is for building only', () => {
    const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripted.map(([path, { dev }]) => [path, dev])).toEqual([['node_modules/esbuild', true]]);
  });
  it('are none of them needed by an installation: what is used is bundled into dist', () => {
    expect(packages.filter(([, { dev }]) => dev !== true)).toEqual([]);
  });
  it('are fixed by a checksum each, and by no address of a registry', () => {
    expect(packages.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });
  it('have a licence that permits use beside MIT', () => {
    const licences = new Set(packages.map(([, { license }]) => license));
    const permitted = ['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0'];
    // Tools that are not shipped: lightningcss (vite), axe-core and the data of caniuse (babel).
    expect([...licences].filter((each) => !permitted.includes(each ?? '')).sort()).toEqual([
      'CC-BY-4.0',
      'MPL-2.0',
    ]);
  });
  it('that are asked for by name are each explained in SECURITY.md', () => {
    const { devDependencies } = z
      .object({ devDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    const said = read('SECURITY.md');
    expect(Object.keys(devDependencies).filter((name) => !said.includes(`| ${name} `))).toEqual([]);
  });
});
