/** The packages that are tried on each system. */
import { readdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { execa } from 'execa';
import { failure } from '../../src/core/errors.ts';
import { checkoutRoot, labFolder } from '../../test/lab/paths.ts';
import { buildDeb } from '../deb.ts';

/** Files in a folder of the checkout. */
export interface Packages {
  folder: string;
  deb: string;
  /** The same of a later version. */
  nextDeb: string;
  tarball: string;
}

/** The .deb and npm's archive of a fresh build, below the checkout, where the guests see them. */
export async function buildPackages(): Promise<Packages> {
  const folder = await labFolder('platforms');
  await rm(folder, { recursive: true });
  await labFolder('platforms');
  // npm builds before it packs (`prepack`).
  await execa('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: checkoutRoot });
  const [deb, nextDeb] = [await buildDeb(folder), await buildDeb(folder, '99.0')].map((path) =>
    basename(path),
  );
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (deb === undefined || nextDeb === undefined || tarball === undefined)
    throw failure('there are no packages to try');
  return { folder, deb, nextDeb, tarball };
}
