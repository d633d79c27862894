/**
 * Builds the Debian package from dist/: `npm run deb [-- FOLDER]`, into .lab/packages by default.
 * Needs dpkg-deb, no debhelper and no root.
 */
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import {
  CONFFILES,
  controlFile,
  copyrightFile,
  debianChangelog,
  LINTIAN_OVERRIDES,
  POSTINST,
  POSTRM,
  PRERM,
} from './debFiles.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const COMMANDS = ['inetgw', 'searchbw', 'iprelay'] as const;

/** Builds into `folder`; resolves to the package's path. `version`: another than package.json's, for tests. */
export async function buildDeb(folder: string, version?: string): Promise<string> {
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const debVersion = version ?? own.version;
  const stage = join(folder, 'stage');
  await rm(stage, { recursive: true, force: true });
  await fill(stage, debVersion);
  const { stdout } = await execa('du', ['-sk', '--apparent-size', stage]);
  const control = controlFile(debVersion, Number(stdout.split('\t')[0]));
  await putControl(stage, control);
  const path = join(folder, `inetgw_${debVersion}_all.deb`);
  await execa('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', stage, path]);
  await rm(stage, { recursive: true });
  return path;
}

/** Where the files of the npm package lie in the Debian package; undefined: in another form, see `fill`. */
function placeOf(name: string): string | undefined {
  const doc = 'usr/share/doc/inetgw';
  if (name === 'dist/THIRD-PARTY-LICENCES.txt') return undefined;
  if (name.startsWith('dist/')) return `usr/lib/inetgw/${name}`;
  if (name.startsWith('docs/man/')) return undefined;
  if (name.startsWith('templates/')) return name.replace('templates', 'usr/share/inetgw');
  return name.endsWith('.md') || name.startsWith('docs/') ? `${doc}/${name}` : undefined;
}

/** The files of the npm package: one list for both, `files` in package.json. */
async function npmFiles(): Promise<string[]> {
  const { stdout } = await execa('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: root });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  return packed?.files.map(({ path }) => path) ?? [];
}

/** Puts files and links into the stage, with the folders above them. */
function writerOf(stage: string): {
  put: (name: string, content: string | Uint8Array, mode?: number) => Promise<void>;
  link: (target: string, name: string) => Promise<void>;
} {
  return {
    put: async (name, content, mode = 0o644) => {
      const path = join(stage, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeFile(path, content);
      await chmod(path, mode);
    },
    link: async (target, name) => {
      await mkdir(dirname(join(stage, name)), { recursive: true });
      await symlink(target, join(stage, name));
    },
  };
}

const SYSTEMD_UNITS = [
  'inetgw@.service',
  ...['inetgw.service', 'inetgw-heal.path', 'inetgw-heal.service', 'iprelay@.service', 'iprelay@.socket'].map(
    (name) => `systemd/${name}`,
  ),
];

const from = (name: string): string => join(root, name);
const zipped = (content: string | Uint8Array): Uint8Array => gzipSync(content, { level: 9 });

async function fill(stage: string, version: string): Promise<void> {
  const { put, link } = writerOf(stage);
  const copy = async (source: string, name: string): Promise<void> => put(name, await readFile(from(source)));

  const files = await npmFiles();
  for (const name of files) {
    const place = placeOf(name);
    if (place !== undefined)
      await put(place, await readFile(from(name)), /\/hooks\/|\.sh$/.test(name) ? 0o755 : 0o644);
  }
  // As in the npm package, for what looks there beside dist/ and for links in the documentation.
  await link('../../share/inetgw', 'usr/lib/inetgw/templates');
  await link('../../inetgw', 'usr/share/doc/inetgw/templates');
  for (const name of ['inetgw.conf.example', 'iprelay.toml'])
    await link(`../../../inetgw/${name}`, `usr/share/doc/inetgw/examples/${name}`);
  for (const name of COMMANDS) {
    const text = await readFile(from(`dist/bin/${name}.js`), 'utf8');
    // Hooks run with next to no PATH.
    await put(`usr/lib/inetgw/dist/bin/${name}.js`, text.replace(/^#!.*/, '#!/usr/bin/node'), 0o755);
    await link(`../lib/inetgw/dist/bin/${name}.js`, `usr/bin/${name}`);
    await copy(`templates/completions/bash/${name}`, `usr/share/bash-completion/completions/${name}`);
    await copy(`templates/completions/zsh/_${name}`, `usr/share/zsh/vendor-completions/_${name}`);
    await copy(`templates/completions/fish/${name}.fish`, `usr/share/fish/vendor_completions.d/${name}.fish`);
  }
  for (const page of files.filter((name) => name.startsWith('docs/man/')))
    await put(`usr/share/man/man${page.slice(-1)}/${basename(page)}.gz`, zipped(await readFile(from(page))));
  await copy('templates/inetgw.conf.example', 'etc/inetgw.conf');
  for (const unit of SYSTEMD_UNITS)
    await copy(`templates/${unit}`, `usr/lib/systemd/system/${basename(unit)}`);
  await copy('templates/logrotate/iprelay', 'etc/logrotate.d/iprelay');
  // For the configurations of iprelay@NAME.service.
  await mkdir(join(stage, 'etc/inetgw'));
  await put('usr/share/lintian/overrides/inetgw', LINTIAN_OVERRIDES);
  await put('usr/share/doc/inetgw/changelog.gz', zipped(debianChangelog(version, new Date())));
  const [licence, notices] = await Promise.all([
    readFile(from('LICENSE'), 'utf8'),
    readFile(from('dist/THIRD-PARTY-LICENCES.txt'), 'utf8'),
  ]);
  await put('usr/share/doc/inetgw/copyright', copyrightFile(licence, notices));
  // Whatever the umask of who builds it.
  await execa('chmod', ['-R', 'u=rwX,go=rX', stage]);
}

async function putControl(stage: string, control: string): Promise<void> {
  const folder = join(stage, 'DEBIAN');
  const sums = await execa(
    'sh',
    [
      '-c',
      "find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\\0' | sort -z | xargs -0 md5sum",
    ],
    {
      cwd: stage,
      stripFinalNewline: false,
    },
  );
  await mkdir(folder, { mode: 0o755 });
  const files: [string, string, number][] = [
    ['control', control, 0o644],
    ['conffiles', CONFFILES, 0o644],
    ['md5sums', sums.stdout, 0o644],
    ['prerm', PRERM, 0o755],
    ['postinst', POSTINST, 0o755],
    ['postrm', POSTRM, 0o755],
  ];
  for (const [name, text, mode] of files) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), mode);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2] ?? join(root, '.lab/packages'));
  await mkdir(folder, { recursive: true });
  console.log(await buildDeb(folder));
}
