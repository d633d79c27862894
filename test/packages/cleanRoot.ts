/**
 * A Debian system without anything but what its maker installs (test/roots), in memory, in network, mount and process
 * namespaces of its own. It has no network but its own loopback; apt finds what the packages depend on in its cache.
 * Needs root.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, type Options as ExecaOptions } from 'execa';
import { hostArchitecture } from '../lab/architecture.ts';
import { inMemoryRoot, PATH } from '../roots/memoryRoot.ts';
import { aptSettings, madeOnce, minimalRoot } from '../roots/minimalRoot.ts';

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

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

const INSIDE = ['LC_ALL=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive'];

/** What stands in apt's cache, beside what the package depends on: for the tests that ask for more than it does. */
const EXTRAS = ['kmod', 'systemd', 'systemd-sysv', 'dbus', 'man-db', 'logrotate'];

/**
 * What the suite's root consists of: the minimal one, and over it what apt has downloaded, made if it is not there yet.
 * @param deb the package whose dependencies apt is to find without a network
 */
async function rootFolders(suite: Suite, deb: string): Promise<string[]> {
  const architecture = hostArchitecture();
  const { stdout: depends } = await execa('dpkg-deb', ['--field', deb, 'Depends']);
  const digest = createHash('sha256')
    .update(JSON.stringify([depends, EXTRAS]))
    .digest('hex');
  const wanted = depends
    .split(', ')
    .map((each) => each.replace(/ *[(|].*/, ''))
    .filter((name) => hasNode20(suite) || name !== 'nodejs');
  const minimal = await minimalRoot(suite, architecture);
  const name = `archive-${digest.slice(0, 12)}`;
  const archive = await madeOnce(suite, architecture, name, (draft) =>
    download([...wanted, ...EXTRAS], minimal, draft),
  );
  // Those of earlier dependencies.
  for (const other of await readdir(dirname(archive)))
    if (/^archive-[0-9a-f]+$/.test(other) && other !== name)
      await rm(join(dirname(archive), other), { recursive: true, force: true });
  return [archive, minimal];
}

/** Where apt keeps its lists and packages. */
const APT_FOLDERS = ['var/cache/apt', 'var/lib/apt/lists'];

/** Packages with all they depend on, and apt's lists, into a folder in the places where the root's apt has them. */
async function download(names: readonly string[], minimal: string, draft: string): Promise<void> {
  const mountPoint = await mkdtemp(join(tmpdir(), 'inetgw-root-'));
  const prepare = `
    cp /etc/resolv.conf etc/ || true
    printf %s "$APT_SETTINGS" >etc/apt/apt.conf.d/90machine
    for folder in ${APT_FOLDERS.join(' ')}; do
      mkdir -p "$DRAFT/$folder" && cp -a $folder/. "$DRAFT/$folder" && mount --bind "$DRAFT/$folder" $folder
    done`;
  const script = `apt-get -q update
    for name; do apt-get -q install -y --no-install-recommends --download-only "$name"; done`;
  const [file, ...args] = inMemoryRoot(
    { mountPoint, folders: [minimal], network: 'machine', prepare, environment: INSIDE },
    ['sh', '-euc', script, 'sh', ...names],
  );
  try {
    await execa(file, args, { env: { APT_SETTINGS: await aptSettings(), DRAFT: draft }, stdio: 'pipe' });
  } finally {
    await rm(mountPoint, { recursive: true, force: true });
  }
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
  readonly #home: string;
  readonly #end: () => Promise<void>;

  private constructor(pid: string, home: string, end: () => Promise<void>) {
    this.path = `/proc/${pid}/root`;
    this.#pid = pid;
    this.#home = home;
    this.#end = end;
  }

  /** @param deb see `rootFolders` */
  static async open(suite: Suite, deb: string): Promise<CleanRoot> {
    const folders = await rootFolders(suite, deb);
    const mountPoint = await mkdtemp(join(tmpdir(), 'inetgw-root-'));
    // It ends with its input, so with this process.
    const [file, ...args] = inMemoryRoot({ mountPoint, folders, network: 'own' }, [
      ...(['sh', '-c', 'echo "$HOME"; exec cat'] as const),
    ]);
    const keeper = execa(file, args, {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      reject: false,
      buffer: { stdout: false },
    });
    const [said] = (await Promise.race([once(keeper.stdout, 'data'), once(keeper.stdout, 'end')])) as (
      Buffer | undefined
    )[];
    if (said === undefined) throw new Error(`no root in ${mountPoint}: ${(await keeper).stderr}`);
    const outer = String(keeper.pid);
    const pid = (await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8')).trim();
    // Whatever is run in it must never be run on this machine.
    const [own, inner] = await Promise.all([stat('/'), stat(`/proc/${pid}/root/`)]);
    if (own.dev === inner.dev) throw new Error('the clean root is not a root of its own');
    return new CleanRoot(pid, said.toString().trim(), async () => {
      keeper.stdin.end();
      await keeper;
      await rm(mountPoint, { recursive: true, force: true });
    });
  }

  /** Runs a script in it, as root and with nothing of this machine's environment. */
  async sh(script: string, options: ExecaOptions = {}): Promise<Said> {
    const enter = ['-t', this.#pid, '-m', '-n', '-p', '-i', '-u', '-r', '-w'];
    const environment = [PATH, `HOME=${this.#home}`, ...INSIDE];
    const argv = [...enter, '/usr/bin/env', '-i', ...environment, 'sh', '-c', script];
    const { exitCode, all } = await execa('nsenter', argv, {
      all: true,
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
      // Debian 12's mount makes it wherever something is mounted.
      '/run/mount',
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
