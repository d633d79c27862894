/**
 * A fresh clone in a minimal Debian, with Node and npm and nothing else: what a newcomer has. Only the
 * network is this machine's, for apt and npm.
 */
import { access, chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { hostArchitecture } from '../../test/lab/architecture.ts';
import { checkoutRoot } from '../../test/lab/paths.ts';
import { inMemoryRoot } from '../../test/roots/memoryRoot.ts';
import { aptSettings, minimalRoot } from '../../test/roots/minimalRoot.ts';
import type { Combination, Run } from './combinations.ts';
import { putNode } from './roots.ts';

export interface RunResult {
  exitCode: number;
  /** Standard output and error, as they came. */
  output: string;
}

/** What is typed, in the clone, as root. */
const COMMANDS: Readonly<Record<Run, string>> = {
  demo: 'npm run demo',
  test: 'npm test',
  apply: 'sh scripts/setup.sh && npm run build && npx vitest run --project lab test/lab/loadedLine.test.ts',
  packages: `
    npm ci && npm pack && npm install -g ./inetgw-*.tgz && inetgw --version &&
    inetgw config check --help >/dev/null && npm uninstall -g inetgw && [ ! -e /usr/local/bin/inetgw ] &&
    npm run deb && apt-get update -q && if apt-cache show nodejs | grep -q '^Version: [2-9][0-9]'; then
      apt-get install -y --no-install-recommends ./.lab/packages/inetgw_*.deb && /usr/bin/inetgw --version &&
      apt-get purge -y inetgw && [ ! -e /usr/bin/inetgw ]
    else
      ! apt-get install -y --no-install-recommends ./.lab/packages/inetgw_*.deb >/tmp/refusal 2>&1 && grep nodejs /tmp/refusal
    fi`,
};

/** Certificates that are trusted here beside Node's own go along: a registry may be behind them. */
const CERTIFICATES = '/usr/local/share/extra-certificates.pem';
/** A run that hangs is ended after this real time; nothing else depends on it. */
const HANGS_MS = 6 * 3600_000;

/** In the root's folder, before anything is run in it. */
const PREPARE = `
  rm -rf var/lib/apt/lists/*
  git clone --quiet --no-hardlinks "$INETGW_CHECKOUT" ".$home/inetgw"`;

/** Runs the combination's command; its output is shown as it comes. */
export async function runInCleanRoot({ suite, node, run }: Combination): Promise<RunResult> {
  const architecture = hostArchitecture();
  const minimal = await minimalRoot(suite, architecture);
  const folder = await mkdtemp(join(tmpdir(), 'inetgw-root-'));
  try {
    const [mountPoint, added] = [join(folder, 'mount'), join(folder, 'added')];
    await mkdir(mountPoint);
    await putNode(added, architecture, node);
    const environment = await furnish(added);
    const root = { mountPoint, folders: [added, minimal], network: 'machine', environment } as const;
    const command = `cd "$HOME/inetgw" && ${COMMANDS[run].trim()}`;
    const [unshare, ...args] = inMemoryRoot({ ...root, prepare: PREPARE }, ['sh', '-c', command]);
    const { exitCode, all } = await execa(unshare, args, {
      env: { INETGW_CHECKOUT: checkoutRoot },
      stdin: 'ignore',
      stdout: ['pipe', 2],
      stderr: ['pipe', 2],
      all: true,
      reject: false,
      timeout: HANGS_MS,
    });
    return { exitCode: exitCode ?? 1, output: all };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Puts into the folder what any machine on the net has; gives the environment as `NAME=value`. */
async function furnish(folder: string): Promise<string[]> {
  const put = async (path: string, make: (to: string) => Promise<void>): Promise<void> => {
    const to = join(folder, path);
    await mkdir(dirname(to), { recursive: true });
    await make(to);
  };
  await put('etc/resolv.conf', (to) => copyFile('/etc/resolv.conf', to));
  // As in any container: nothing is started in a folder.
  await put('usr/sbin/policy-rc.d', async (to) => {
    await writeFile(to, '#!/bin/sh\nexit 101\n');
    await chmod(to, 0o755);
  });
  // How apt and npm reach their archives from here is the machine's affair, and no part of what is tried.
  await put('etc/apt/apt.conf.d/90machine', async (to) => writeFile(to, await aptSettings()));
  const registry = process.env['npm_config_registry'];
  const environment = registry === undefined ? [] : [`npm_config_registry=${registry}`];
  const certificates = process.env['NODE_EXTRA_CA_CERTS'];
  if (certificates === undefined || !(await isThere(certificates))) return environment;
  await put(CERTIFICATES, (to) => copyFile(certificates, to));
  return [...environment, `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`];
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
