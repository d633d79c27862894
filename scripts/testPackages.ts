/**
 * Installs, uses, upgrades, removes and purges the Debian package in a clean Debian root: `npm run
 * test:packages`. The root is made once by debootstrap (needs Debian's archive) in .lab/clean-root; every
 * run works on an overlay of it in memory. Debian 12 has Node 18 only, so this machine's node is put into a
 * package for the occasion, as NodeSource's would be.
 */
import { access, chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { buildDeb } from './deb.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const cleanRoot = join(root, '.lab/clean-root');
const PACKAGES = ['iproute2', 'nftables', 'iputils-ping', 'man-db'];

async function makeCleanRoot(): Promise<void> {
  const isThere = await access(join(cleanRoot, 'usr/bin/apt-get')).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const draft = `${cleanRoot}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(root, '.lab'), { recursive: true });
  const args = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, 'bookworm', draft];
  await execa('debootstrap', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  await execa('mv', [draft, cleanRoot]);
}

/** This machine's node as a package that says what it is. */
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
      'Maintainer: nobody <nobody@localhost.invalid>\nDescription: node for a test\n',
  );
  const path = join(folder, 'nodejs.deb');
  await execa('dpkg-deb', ['--root-owner-group', '-Znone', '--build', stage, path]);
  return path;
}

async function main(): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Error('needs root: it mounts and installs, in namespaces of its own');
  await makeCleanRoot();
  await execa(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
  const folder = await mkdtemp(join(tmpdir(), 'inetgw-packages-'));
  try {
    const debs = [await nodePackage(folder), await buildDeb(folder), await buildDeb(folder, '99.0')];
    // All mounts are in a namespace of its own and gone with it.
    const script = `
      set -eu
      mount -t tmpfs tmpfs "$1/mnt" && cd "$1/mnt" && mkdir upper work root
      mount -t overlay overlay -o "lowerdir=$2,upperdir=$PWD/upper,workdir=$PWD/work" root && cd root
      mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t tmpfs tmpfs tmp && mount -t tmpfs tmpfs run
      cp "$3" tmp/inside.sh && shift 3
      for deb; do cp "$deb" tmp/; set -- "$@" "/tmp/\${deb##*/}"; shift; done
      exec chroot . /bin/sh /tmp/inside.sh "$@"`;
    await mkdir(join(folder, 'mnt'));
    const inside = join(root, 'scripts/inCleanRoot.sh');
    const argv = [
      '--mount',
      '--net',
      '--pid',
      '--fork',
      'sh',
      '-c',
      script,
      'sh',
      folder,
      cleanRoot,
      inside,
      ...debs,
    ];
    const { exitCode } = await execa('unshare', argv, {
      reject: false,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 300_000,
    });
    return exitCode ?? 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
