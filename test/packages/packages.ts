/** The packages that are tried. */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { buildDeb } from '../../scripts/deb.ts';
import { build } from '../cli/helpers/buildOnce.ts';
import { hasNode20, type CleanRoot, type Suite } from './cleanRoot.ts';

/** The version of the second Debian package. */
export const NEXT_VERSION = '99.0';

export interface Packages {
  deb: string;
  /** The same as `NEXT_VERSION`. */
  nextDeb: string;
  /** This machine's node, as a package that says what it is. */
  nodeDeb: string;
  remove: () => Promise<void>;
}

export async function makePackages(): Promise<Packages> {
  await build();
  const folder = await mkdtemp(join(tmpdir(), 'inetgw-packages-'));
  return {
    deb: await buildDeb(folder),
    nextDeb: await buildDeb(folder, NEXT_VERSION),
    nodeDeb: await nodePackage(folder),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function nodePackage(folder: string): Promise<string> {
  const stage = join(folder, 'node');
  await mkdir(join(stage, 'DEBIAN'), { recursive: true });
  await mkdir(join(stage, 'usr/bin'), { recursive: true });
  await copyFile(process.execPath, join(stage, 'usr/bin/node'));
  await chmod(join(stage, 'usr/bin/node'), 0o755);
  const { stdout: architecture } = await execa('dpkg', ['--print-architecture']);
  await writeFile(
    join(stage, 'DEBIAN/control'),
    `Package: nodejs\nVersion: ${process.versions.node}\nArchitecture: ${architecture}\n` +
      // A node that is linked with C++'s library, as the binaries of nodejs.org are.
      'Depends: libc6, libstdc++6\n' +
      'Maintainer: nobody <nobody@localhost.invalid>\nDescription: node for a test\n',
  );
  const path = join(folder, 'nodejs.deb');
  await execa('dpkg-deb', ['--root-owner-group', '-Znone', '--build', stage, path]);
  await rm(stage, { recursive: true });
  return path;
}

/** This machine's npm, wherever `npm install -g` would put others: its program is a link into it. */
export async function npmFolder(): Promise<string> {
  const { stdout } = await execa('sh', ['-c', 'readlink -f "$(command -v npm)"']);
  return dirname(dirname(stdout));
}

/** Node for a root whose suite has none that is new enough; apt takes the others' when they are depended on. */
export async function provideNode(root: CleanRoot, suite: Suite, { nodeDeb }: Packages): Promise<void> {
  if (hasNode20(suite)) return;
  const [path = ''] = await root.bring(nodeDeb);
  await root.run(`apt-get install -y --no-install-recommends ${path} && rm ${path}`);
}
