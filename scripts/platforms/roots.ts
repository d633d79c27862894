/** Debians with the programs that the lab uses and a kernel, as folders below `.lab/roots/`, and Node for them. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '../../test/lab/architecture.ts';
import type { GuestSystem } from '../../test/lab/guest.ts';
import { findKernel } from '../../test/lab/kernel.ts';
import { labFolder } from '../../test/lab/paths.ts';
import { contained, quietly, madeOnce, minimalRoot, requireProcessor } from '../../test/roots/minimalRoot.ts';
import type { System } from './systems.ts';

/** Beside what every Debian has. `busybox-static` starts the guest. */
const LAB_PACKAGES = [
  ...['busybox-static', 'kmod', 'procps', 'netbase', 'iproute2', 'nftables', 'iptables', 'conntrack'],
  ...['ethtool', 'ppp', 'pppoe', 'iperf3', 'iputils-ping'],
  ...['bpftool', 'tcpdump', 'tmux', 'curl', 'util-linux'],
];

/** What is in a root: what the lab uses, or systemd as well. */
export type RootKind = 'lab' | 'systemd';

const SYSTEMD_PACKAGES = ['systemd', 'systemd-sysv', 'udev', 'dbus'];

/** A root of its kind with these packages: made where there is none, in the place of one with others. */
async function rootWith(
  { suite, architecture }: System,
  kind: RootKind,
  packages: readonly string[],
  make: (draft: string) => Promise<void>,
): Promise<string> {
  const name = `${kind}-${createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 8)}`;
  const root = await madeOnce(suite, architecture, name, make);
  const parent = dirname(root);
  // Of versions of this file before: some hundred megabytes each.
  const old = (await readdir(parent)).filter((each) => new RegExp(`^${kind}(?:-[0-9a-f]+)?$`).test(each));
  for (const each of old) if (each !== name) await rm(join(parent, each), { recursive: true });
  return root;
}

/** Where Node and npm go that are not Debian's; /usr/local/bin leads there. */
const NODE_FOLDER = 'opt/node';

/** A system with what the lab uses, and its kernel, to boot a guest with. */
export async function labSystem(system: System, kind: RootKind): Promise<GuestSystem> {
  const { suite, architecture, node } = system;
  const lab = await rootWith(system, 'lab', LAB_PACKAGES, async (draft) => {
    await requireProcessor(architecture);
    await quietly(['cp', '-a', await minimalRoot(suite, architecture), draft]);
    await install(draft, [...LAB_PACKAGES, ...(node === 'own' ? ['nodejs'] : [])]);
    if (node !== 'own') await putNode(draft, architecture, node);
  });
  const rootFolder = kind === 'lab' ? lab : await withSystemd(system, lab);
  const cache = await labFolder('roots', `${suite}-${architecture}`, 'kernel');
  const kernel = await findKernel({ cache, architecture, root: rootFolder });
  return {
    rootFolder,
    architecture,
    kernel,
    nodeFile: node === 'own' ? '/usr/bin/node' : '/usr/local/bin/node',
  };
}

function withSystemd(system: System, lab: string): Promise<string> {
  return rootWith(system, 'systemd', [...LAB_PACKAGES, ...SYSTEMD_PACKAGES], async (draft) => {
    await requireProcessor(system.architecture);
    await quietly(['cp', '-a', lab, draft]);
    await install(draft, SYSTEMD_PACKAGES);
  });
}

async function install(root: string, packages: readonly string[]): Promise<void> {
  // Nothing is started in a folder. A mirror may be a snapshot of unstable, whose lists have run out.
  const script =
    'printf "#!/bin/sh\\nexit 101\\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && ' +
    'apt-get update -q -o Acquire::Check-Valid-Until=false && apt-get install -q -y --no-install-recommends "$@"';
  await inRoot(root, ['sh', '-c', script, 'sh', ...packages]);
}

/** Puts Node and npm, as npm has them, into a root whose own are too old or missing. */
export async function putNode(root: string, architecture: Architecture, major: number): Promise<void> {
  const nodePackage = `node-linux-${ARCHITECTURES[architecture].nodeName}`;
  const source = await madeOnce(`node-${major}`, architecture, 'npm', async (draft) => {
    await mkdir(draft);
    // --force: this machine's processor may be another one.
    const words = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', '--force'];
    await quietly(['npm', 'install', ...words, '--prefix', draft, `${nodePackage}@${major}`, 'npm@10']);
  });
  const folder = join(root, NODE_FOLDER);
  await mkdir(folder, { recursive: true });
  await quietly(['cp', '-a', join(source, 'node_modules'), folder]);
  // npm installs beside Node unless told otherwise, which is not in anybody's path here.
  await writeFile(join(folder, 'node_modules/npm/npmrc'), 'prefix=/usr/local\n');
  const links = {
    node: `${nodePackage}/bin/node`,
    npm: 'npm/bin/npm-cli.js',
    npx: 'npm/bin/npx-cli.js',
  };
  await mkdir(join(root, 'usr/local/bin'), { recursive: true });
  for (const [name, target] of Object.entries(links)) {
    const link = join(root, 'usr/local/bin', name);
    await rm(link, { force: true });
    await symlink(`/${NODE_FOLDER}/node_modules/${target}`, link);
  }
}

/** Runs a program in a root. */
async function inRoot(root: string, argv: readonly string[]): Promise<void> {
  await copyFile('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
  await quietly(contained(['sh', '-c', script, root, ...argv]), env);
}
