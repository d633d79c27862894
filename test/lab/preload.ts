/**
 * The host's files that the guest copies into its memory while it boots. A read over 9p lets the guest's
 * processor idle until the host has answered, and an idle processor's clock jumps ahead: by as much as the
 * host was slow. What is in memory costs the same virtual time on every run.
 */
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { checkoutRoot } from './paths.ts';

const SEARCH_PATH = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];

const PROGRAMS = [
  ...['sh', 'bash', 'env', 'cat', 'ls', 'rm', 'mkdir', 'sleep', 'seq', 'grep', 'sed', 'chrt', 'kill', 'true'],
  ...['modprobe', 'sysctl', 'ethtool', 'ip', 'tc', 'ss', 'nft', 'conntrack', 'unshare', 'nsenter', 'logger'],
  ...['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'],
  ...['xtables-legacy-multi', 'ping', 'iperf3', 'pppd', 'pppoe-server'],
];

/** Whole folders: what the programs above load by name, and the commands under test. */
const FOLDERS = [
  '/usr/lib/x86_64-linux-gnu/xtables',
  '/usr/lib/tc',
  '/etc/iproute2',
  '/etc/ppp',
  join(checkoutRoot, 'dist/bin'),
  join(checkoutRoot, 'dist/lib'),
];

const FILES = ['/etc/ld.so.cache', '/etc/nsswitch.conf', '/etc/hosts', '/etc/services', '/etc/protocols'];

/** Files to be copied, each once, as absolute paths without symbolic links. What the host lacks is left out. */
export async function filesToPreload(nodeFile: string): Promise<string[]> {
  const programs = [nodeFile];
  for (const name of PROGRAMS)
    programs.push(...(await existing(SEARCH_PATH.map((path) => join(path, name)))));
  const plugins = await pppPlugins();
  const { stdout } = await execa('ldd', [...programs, ...plugins], { reject: false });
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []);
  const files = [...programs, ...plugins, ...libraries, ...FILES];
  for (const folder of FOLDERS) files.push(...(await filesIn(folder)));
  return [...new Set(await existing(files))];
}

async function pppPlugins(): Promise<string[]> {
  const folders = await filesIn('/usr/lib/pppd');
  return existing(folders.map((folder) => join(folder, 'rp-pppoe.so')));
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.endsWith('.map')).map((name) => join(folder, name));
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const real = await realpath(path).catch(() => undefined);
    if (real !== undefined && dirname(real) !== '/') found.push(real);
  }
  return found;
}
