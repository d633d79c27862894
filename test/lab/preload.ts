/**
 * The files that the guest copies into its memory while it boots. A read over 9p lets the guest's processor idle
 * until the host has answered, and an idle processor's clock jumps ahead: by as much as the host was slow. What is
 * in memory costs the same virtual time on every run.
 */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { ARCHITECTURES, type Architecture } from './architecture.ts';
import { checkoutRoot } from './paths.ts';

const SEARCH_PATH = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];

const PROGRAMS = [
  ...['sh', 'bash', 'env', 'cat', 'ls', 'rm', 'mkdir', 'sleep', 'seq', 'grep', 'sed', 'chrt', 'kill', 'true'],
  ...[
    'chmod',
    'cp',
    'cut',
    'date',
    'find',
    'head',
    'ln',
    'mount',
    'mv',
    'pgrep',
    'readlink',
    'setpriv',
    'sort',
  ],
  ...['tail', 'timeout', 'touch', 'tr', 'umount', 'uname', 'wc', 'perl', 'tcpdump'],
  ...['modprobe', 'sysctl', 'ethtool', 'ip', 'tc', 'ss', 'nft', 'conntrack', 'unshare', 'nsenter', 'logger'],
  ...['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'],
  ...['xtables-legacy-multi', 'ping', 'iperf3', 'pppd', 'pppoe-server'],
];

/** Whole folders: what the programs above load by name. iproute2 has had its tables below /usr/share since 6.5. */
const foldersOf = (multiarch: string): string[] => [
  ...[`/usr/lib/${multiarch}/xtables`, '/usr/lib/tc', `/usr/lib/${multiarch}/tc`],
  ...['/etc/iproute2', '/usr/share/iproute2', '/etc/ppp'],
];

const FILES = ['/etc/ld.so.cache', '/etc/nsswitch.conf', '/etc/hosts', '/etc/services', '/etc/protocols'];

export interface PreloadFrom {
  /** The folder on the host that is the guest's root. */
  rootFolder: string;
  architecture: Architecture;
  /** In the guest. */
  nodeFile: string;
}

/**
 * Files to be copied, each once, as the guest's absolute paths without symbolic links. What is not there is left
 * out. A root of another architecture needs the host's kernel to run its programs (binfmt_misc).
 */
export async function filesToPreload({ rootFolder, architecture, nodeFile }: PreloadFrom): Promise<string[]> {
  const { multiarch } = ARCHITECTURES[architecture];
  const inside = rootFolder === '/' ? [] : ['chroot', rootFolder];
  const run = async (...argv: string[]): Promise<string> => {
    const [file = '', ...args] = [...inside, ...argv];
    return (await execa(file, args, { reject: false, env: { LC_ALL: 'C' } })).stdout;
  };
  const filesIn = async (folder: string): Promise<string[]> => {
    const names = await readdir(join(rootFolder, folder)).catch(() => []);
    return names.map((name) => join(folder, name));
  };
  const programs = [
    nodeFile,
    ...PROGRAMS.flatMap((name) => SEARCH_PATH.map((path) => join(path, name))),
    ...(await pppPlugins(multiarch, filesIn)),
  ];
  const existing = async (paths: readonly string[]): Promise<string[]> =>
    (await run('realpath', '-e', '-q', '--', ...paths)).split('\n').filter(Boolean);
  const found = await existing(programs);
  const libraries = [...(await run('ldd', ...found)).matchAll(/(\/\S+) \(0x/g)].map(
    (match) => match[1] ?? '',
  );
  const files = [...libraries, ...FILES];
  for (const folder of foldersOf(multiarch)) files.push(...(await filesIn(folder)));
  const commands: string[] = [];
  for (const folder of ['dist/bin', 'dist/lib', 'dist/bpf', 'dist/page']) {
    const names = await readdir(join(checkoutRoot, folder)).catch(() => []);
    commands.push(
      ...names.filter((name) => !name.endsWith('.map')).map((name) => join(checkoutRoot, folder, name)),
    );
  }
  const all = [...found, ...(await existing(files)), ...commands];
  return [...new Set(all)].filter((path) => dirname(path) !== '/');
}

/** One folder per version of pppd, which is `pppoe.so` since 2.5 and has the older name as well. */
async function pppPlugins(
  multiarch: string,
  filesIn: (folder: string) => Promise<string[]>,
): Promise<string[]> {
  const versions = [...(await filesIn('/usr/lib/pppd')), ...(await filesIn(`/usr/lib/${multiarch}/pppd`))];
  return versions.flatMap((folder) => ['rp-pppoe.so', 'pppoe.so'].map((name) => join(folder, name)));
}
