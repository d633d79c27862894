/**
 * A Debian system without anything but what its maker installs: made once per suite by debootstrap below .lab/package-roots,
 * used through an overlay in memory, in network, mount and process namespaces of its own. It has no network but its
 * own loopback; apt finds what the packages depend on in its cache. Needs root.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, type Options as ExecaOptions } from 'execa';

export const checkout = fileURLToPath(new URL('../..', import.meta.url));
const LAB = join(checkout, '.lab');

export const SUITES = ['bookworm', 'trixie'] as const;
export type Suite = (typeof SUITES)[number];

/** `npm run test:packages -- --suite NAME`; what `npm test` takes is the one whose archive has everything that is needed. */
export function chosenSuite(): Suite {
  const named = process.env['INETGW_SUITE'] ?? 'trixie';
  const suite = SUITES.find((each) => each === named);
  if (suite === undefined) throw new Error(`no suite '${named}': there are ${SUITES.join(', ')}`);
  return suite;
}

/** Debian 12 has Node 18: its root is given this machine's node, as a package. */
export const hasNode20 = (suite: Suite): boolean => suite !== 'bookworm';

const INSIDE_ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  HOME: '/root',
};

/** What stands in apt's cache, beside what the package depends on: for the tests that ask for more than it does. */
const EXTRAS = ['kmod', 'systemd', 'systemd-sysv', 'dbus', 'man-db'];

/**
 * The folder of the suite's root, made if it is not there yet.
 * @param deb the package whose dependencies apt is to find without a network
 */
async function baseRoot(suite: Suite, deb: string): Promise<string> {
  const { stdout: depends } = await execa('dpkg-deb', ['--field', deb, 'Depends']);
  const digest = createHash('sha256')
    .update(JSON.stringify([depends, EXTRAS]))
    .digest('hex');
  const folder = join(LAB, 'package-roots', `${suite}-${digest.slice(0, 12)}`);
  if (await isThere(join(folder, 'usr/bin/apt-get'))) return folder;
  // Those of earlier dependencies.
  await execa('sh', ['-c', 'rm -rf "$1/$2"-*', 'sh', join(LAB, 'package-roots'), suite]);
  const draft = `${folder}.new`;
  await mkdir(join(LAB, 'package-roots'), { recursive: true });
  const mirror = await ownMirror();
  await execa('debootstrap', ['--variant=minbase', suite, draft, ...mirror], { stdio: 'pipe' });
  // What this machine's apt is told about its archive: a proxy, that dates are not to be checked.
  const { stdout: settings } = await execa('apt-config', ['dump']);
  const acquire = settings.split('\n').filter((line) => line.startsWith('Acquire::'));
  await writeFile(join(draft, 'tmp/apt.conf'), `${acquire.join('\n')}\n`);
  await copyFile('/etc/resolv.conf', join(draft, 'etc/resolv.conf')).catch(() => undefined);
  const wanted = depends
    .split(', ')
    .map((each) => each.replace(/ *[(|].*/, ''))
    .filter((name) => hasNode20(suite) || name !== 'nodejs');
  const fetch = `mount -t proc proc "$1/proc"
    exec chroot "$1" sh -euc 'export APT_CONFIG=/tmp/apt.conf; apt-get -q update
      for name; do apt-get -q install -y --no-install-recommends --download-only "$name"; done' sh ${[...wanted, ...EXTRAS].join(' ')}`;
  await execa('unshare', ['--mount', 'sh', '-euc', fetch, 'sh', draft], { env: INSIDE_ENV, stdio: 'pipe' });
  await rm(join(draft, 'tmp/apt.conf'));
  await rm(join(draft, 'etc/resolv.conf'), { force: true });
  await rename(draft, folder);
  return folder;
}

/** The archive of this machine's apt, where that is Debian's or a copy of it; else debootstrap takes its own. */
async function ownMirror(): Promise<string[]> {
  const words = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Label: Debian'];
  const { stdout } = await execa('apt-get', words, { reject: false });
  return stdout
    .split('\n')
    .filter((line) => /^[a-z]+:/.test(line))
    .slice(0, 1);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export interface Said {
  code: number;
  /** Standard output and standard error as they came. */
  text: string;
}

export class CleanRoot {
  /** Where the root can be reached from outside: through its first process. */
  readonly path: string;
  readonly #pid: string;
  readonly #end: () => Promise<void>;

  private constructor(pid: string, end: () => Promise<void>) {
    this.path = `/proc/${pid}/root`;
    this.#pid = pid;
    this.#end = end;
  }

  /** @param deb see `baseRoot` */
  static async open(suite: Suite, deb: string): Promise<CleanRoot> {
    const lower = await baseRoot(suite, deb);
    const folder = await mkdtemp(join(tmpdir(), 'inetgw-root-'));
    // All mounts are in a namespace of their own and gone with it; it ends with its input, so with this process.
    const script = `
      mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir upper work root
      mount -t overlay overlay -o "lowerdir=$2,upperdir=$PWD/upper,workdir=$PWD/work" root && cd root
      mount -t proc proc proc && mount -t sysfs sysfs sys
      mount -t tmpfs tmpfs tmp && mount -t tmpfs -o mode=755 tmpfs run && mkdir run/lock
      ip link set lo up
      exec chroot . sh -c 'echo ready; exec cat'`;
    const argv = [
      '--mount',
      '--net',
      '--pid',
      '--ipc',
      '--uts',
      '--fork',
      '--kill-child',
      'sh',
      '-euc',
      script,
    ];
    const keeper = execa('unshare', [...argv, 'sh', folder, lower], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      reject: false,
      buffer: { stdout: false },
    });
    const [said] = (await Promise.race([
      once(keeper.stdout, 'data'),
      once(keeper.stdout, 'end'),
    ])) as unknown[];
    if (said === undefined) throw new Error(`no root in ${lower}: ${(await keeper).stderr}`);
    const outer = String(keeper.pid);
    const pid = (await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8')).trim();
    // Whatever is run in it must never be run on this machine.
    const [own, inner] = await Promise.all([stat('/'), stat(`/proc/${pid}/root/`)]);
    if (own.dev === inner.dev) throw new Error('the clean root is not a root of its own');
    return new CleanRoot(pid, async () => {
      keeper.stdin.end();
      await keeper;
      await rm(folder, { recursive: true, force: true });
    });
  }

  /** Runs a script in it, as root and with nothing of this machine's environment. */
  async sh(script: string, options: ExecaOptions = {}): Promise<Said> {
    const argv = ['-t', this.#pid, '-m', '-n', '-p', '-i', '-u', '-r', '-w', 'sh', '-c', script];
    const { exitCode, all } = await execa('nsenter', argv, {
      all: true,
      env: INSIDE_ENV,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      ...options,
    });
    return { code: exitCode ?? -1, text: String(all) };
  }

  /** The same for what has to succeed; resolves to what it said. */
  async run(script: string): Promise<string> {
    const { code, text } = await this.sh(script);
    if (code !== 0) throw new Error(`exit code ${code} of: ${script}\n${text}`);
    return text;
  }

  /** Copies files into its /tmp; resolves to their paths there. */
  async bring(...files: readonly string[]): Promise<string[]> {
    return Promise.all(
      files.map(async (file) => {
        await copyFile(file, join(this.path, 'tmp', basename(file)));
        return `/tmp/${basename(file)}`;
      }),
    );
  }

  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.path, path), text);
  }

  async has(path: string): Promise<boolean> {
    return (await this.sh(`[ -e '${path}' ] || [ -L '${path}' ]`)).code === 0;
  }

  /**
   * All files with their kind, mode, owner and what a link leads to; not what dpkg, apt and the log keep for themselves,
   * and nothing below /tmp.
   */
  async files(): Promise<string[]> {
    const pruned = [
      '/proc',
      '/sys',
      '/dev',
      '/tmp',
      '/var/lib/dpkg',
      '/var/lib/apt',
      '/var/cache',
      '/var/log/apt',
    ];
    const prune = pruned.map((path) => `-path ${path}`).join(' -o ');
    const logs = '! -name dpkg.log ! -name alternatives.log';
    const text = await this.run(
      `find / \\( ${prune} \\) -prune -o ${logs} -printf '%p %y %m %u %l\\n' | sort`,
    );
    return text.split('\n');
  }

  async close(): Promise<void> {
    await this.#end();
  }
}
