/**
 * The guest's first file system: busybox, the modules that reach the root file system over 9p, and a
 * script that mounts it. Everything else the guest uses, it finds there.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { uncompressed } from './compression.ts';
import type { Kernel } from './kernel.ts';

/** What must be loaded before the root file system can be seen; the rest comes from there. */
const BOOT_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_console'];

export interface InitramfsOptions {
  kernel: Kernel;
  /** The folder on the host that is the guest's root file system. */
  rootFolder: string;
  /** The checkout, seen by the guest under this path too; a second mount where it is not below the root folder. */
  checkoutFolder: string;
  /** The agent's bundle, below the checkout. */
  agentFile: string;
  /** In the guest. */
  nodeFile: string;
  /** The host's node: this path leads to the guest's. */
  hostNodeFile: string;
  /** Files that the guest copies into its memory, under the guest's paths. */
  preload: readonly string[];
}

/** The tags of the two 9p mounts. */
export const ROOT_TAG = 'host';
export const CHECKOUT_TAG = 'checkout';

/** A cpio archive in the `newc` form that the kernel unpacks at start. */
export async function buildInitramfs(options: InitramfsOptions): Promise<Buffer> {
  const { kernel, rootFolder } = options;
  const release = join(kernel.modulesFolder, kernel.release);
  const modulesDep = await readFile(join(release, 'modules.dep'), 'utf8');
  const order = loadOrder(modulesDep, BOOT_MODULES);
  const entries: Entry[] = ['bin', 'm', 'proc', 'sys', 'dev', 'host', 'checkout', 'over', 'root'].map(folder);
  const busybox = rootFolder === '/' ? await withLibraries('/bin/busybox') : ['/bin/busybox'];
  for (const path of busybox) {
    const content = await readFile(join(rootFolder, path));
    entries.push(...foldersOf(path), file(path.slice(1), 0o755, content));
  }
  for (const module of order) {
    // busybox loads plain modules only.
    const content = await uncompressed(await readFile(join(release, module)), module);
    entries.push(file(`m/${moduleFile(module)}`, 0o644, Buffer.from(content)));
  }
  entries.push(file('init', 0o755, Buffer.from(initScript(options, order))));
  const list = (paths: readonly string[]): Buffer => Buffer.from(paths.map((path) => `${path}\n`).join(''));
  entries.push(file('preload', 0o644, list(options.preload)));
  entries.push(file('preload-modules', 0o644, list([...MODULE_INDEX, ...modulesToPreload(modulesDep)])));
  return cpio(entries);
}

/** What modprobe looks into. */
const MODULE_INDEX = ['dep', 'alias', 'symbols', 'builtin', 'builtin.alias']
  .map((name) => `modules.${name}.bin`)
  .concat('modules.softdep', 'modules.devname', 'modules.dep', 'modules.alias');

/** Modules that the kernel may ask for while something is measured or a time limit runs, as paths in the module folder. */
const NETWORK =
  /^kernel\/(?:net\/(?:core|ipv4|ipv6|netfilter|sched|bridge|802|8021q|llc|mptcp|packet|unix)\/|drivers\/net\/(?:(?:veth|dummy|ifb|tun)\.ko|ppp\/|slip\/))/;

/** Those with all they need: the guest copies them into its memory, like the files of preload.ts. Pure. */
export function modulesToPreload(modulesDep: string): string[] {
  const paths = modulesDep.split('\n').map((line) => line.split(':')[0] ?? '');
  const names = paths
    .filter((path) => NETWORK.test(path))
    .map((path) => basename(path).replace(/\.ko.*$/, ''));
  return loadOrder(modulesDep, names);
}

const moduleFile = (module: string): string => basename(module).replace(/\.ko.*$/, '.ko');

/** Debian has busybox in a static and in a shared form, of which only one can be installed. */
async function withLibraries(program: string): Promise<string[]> {
  const { stdout } = await execa('ldd', [program], { reject: false, env: { LC_ALL: 'C' } });
  return [program, ...[...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? [])];
}

function foldersOf(path: string): Entry[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, index) => folder(names.slice(0, index + 1).join('/')));
}

/** Modules with all they need, each after what it needs, as paths in the module folder. Pure. */
export function loadOrder(modulesDep: string, wanted: readonly string[]): string[] {
  const needs = new Map<string, string[]>();
  const pathOf = new Map<string, string>();
  for (const line of modulesDep.split('\n')) {
    const [path, rest] = line.split(':');
    if (path === undefined || rest === undefined) continue;
    needs.set(path, rest.split(' ').filter(Boolean));
    pathOf.set(basename(path).replace(/\.ko.*$/, ''), path);
  }
  const order = new Set<string>();
  const visit = (path: string): void => {
    for (const needed of needs.get(path) ?? []) visit(needed);
    order.add(path);
  };
  for (const name of wanted) {
    const path = pathOf.get(name);
    // Not a module: built in.
    if (path !== undefined) visit(path);
  }
  return [...order];
}

/**
 * The root folder is the read-only lower layer of an overlay whose upper layer is memory: the guest may write
 * anywhere and the host never sees it. /run is empty as after a start.
 */
function initScript(options: InitramfsOptions, order: readonly string[]): string {
  const { kernel, rootFolder, checkoutFolder, agentFile, nodeFile, hostNodeFile } = options;
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const mount9p = (tag: string, folder: string): string =>
    `$bb mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,msize=512000,ro ${tag} ${folder} || die 'no 9p: ${tag}'`;
  const overlay = (name: string, lower: string, folder: string): string => `
$bb mkdir -p /over/${name}/upper /over/${name}/work
$bb mount -t overlay -o lowerdir=${lower},upperdir=/over/${name}/upper,workdir=/over/${name}/work ${name} ${folder} || die 'no overlay'`;
  const apart = rootFolder !== '/';
  const checkoutInside = quote(`/root${checkoutFolder}`);
  // Where the kernel's modules are before the guest's root is the root.
  const modules = apart
    ? `/checkout/${relative(checkoutFolder, kernel.modulesFolder)}`
    : `/host${kernel.modulesFolder}`;
  return `#!/bin/busybox sh
bb=/bin/busybox
die() { echo "lab: $*"; echo o > /proc/sysrq-trigger; $bb sleep 9; }
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev
${order.map((module) => `$bb insmod /m/${moduleFile(module)} || die "cannot load ${moduleFile(module)}"`).join('\n')}
${mount9p(ROOT_TAG, '/host')}
$bb mount -t tmpfs -o size=80% over /over
${overlay('root', '/host', '/root')}
${apart ? mount9p(CHECKOUT_TAG, '/checkout') : ''}
${apart ? `$bb mkdir -p ${checkoutInside} && ${overlay('checkout', '/checkout', checkoutInside).trim()}` : ''}
${
  nodeFile === hostNodeFile
    ? ''
    : `$bb mkdir -p ${quote(`/root${dirname(hostNodeFile)}`)} && $bb ln -sfn ${quote(nodeFile)} ${quote(`/root${hostNodeFile}`)}`
}
for m in proc sys dev; do $bb mount --move /$m /root/$m || die "cannot move $m"; done
cd /root
# Opened for writing, a file moves to the upper layer.
while read -r path; do [ -f "/root$path" ] && : >> "/root$path"; done < /preload
$bb mount -t tmpfs run run
$bb mkdir -p run/lock run/netns run/tmp dev/pts dev/shm usr/lib/modules
# As udev makes them; nft 0.9 opens /dev/stdin by name.
for fd in 0:stdin 1:stdout 2:stderr; do $bb ln -sf /proc/self/fd/\${fd%:*} dev/\${fd#*:}; done
$bb ln -sfn /proc/self/fd dev/fd
$bb mount -t devpts devpts dev/pts
$bb mount -t tmpfs shm dev/shm
$bb mount -t bpf bpf sys/fs/bpf
# Where it can be found from namespaces, which get a /sys of their own: see inetgw.ts.
$bb mkdir -p run/bpf && $bb mount --bind sys/fs/bpf run/bpf
${overlay('modules', quote(modules), 'usr/lib/modules').trim()}
while read -r path; do [ -f "usr/lib/modules/${kernel.release}/$path" ] && : >> "usr/lib/modules/${kernel.release}/$path"; done < /preload-modules
[ -e lib/modules/${kernel.release} ] || { $bb mkdir -p lib/modules && $bb mount --bind usr/lib/modules lib/modules; }
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/run/tmp LC_ALL=C
exec $bb switch_root /root /bin/sh -c ${quote(
    `ip link set lo up; ${quote(nodeFile)} ${quote(agentFile)}; echo "lab: the agent ended with $?"; echo o > /proc/sysrq-trigger; sleep 9`,
  )}
`;
}

interface Entry {
  name: string;
  mode: number;
  data: Buffer;
}

const folder = (name: string): Entry => ({ name, mode: 0o040755, data: Buffer.alloc(0) });
const file = (name: string, mode: number, data: Buffer): Entry => ({ name, mode: 0o100000 | mode, data });

/** The `newc` form of cpio: a header of thirteen hexadecimal numbers, name and data padded to four bytes. */
function cpio(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const add = ({ name, mode, data }: Entry, inode: number): void => {
    const head = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0]
      .map((value) => value.toString(16).padStart(8, '0'))
      .join('');
    for (const part of [Buffer.from(`070701${head}${name}\0`), data]) {
      parts.push(part, Buffer.alloc(-part.length & 3));
    }
  };
  entries.forEach((entry, index) => {
    add(entry, index + 1);
  });
  add({ name: 'TRAILER!!!', mode: 0, data: Buffer.alloc(0) }, 0);
  return Buffer.concat(parts);
}
