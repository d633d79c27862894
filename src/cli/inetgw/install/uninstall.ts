/**
 * `inetgw uninstall [--purge]`: takes away all that was set up with it and then the npm package itself. First
 * everything that can be known to keep it from that is looked for, and nothing is touched if there is something. The
 * files go when all devices are cleared, the package last: what fails on the way is told, and can be done again.
 */
import { access, constants, mkdtemp, realpath, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { basename, dirname, join, resolve } from 'node:path';
import {
  errorCode,
  EXIT,
  failure,
  missing,
  noPrivilege,
  usageError,
  UserError,
  UserErrors,
} from '../../../core/errors.ts';
import { printableLine } from '../../../core/printable.ts';
import { pathExists } from '../../../system/exec/pathExists.ts';
import { run, type Runner } from '../../../system/exec/run.ts';
import { removeError, writeError } from '../../../system/record/runDir.ts';
import { ask } from '../../../system/exec/runStep.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { finishDespiteSignals } from '../../../system/exec/signals.ts';
import {
  findCompletions,
  findHooks,
  findOwnFiles,
  findRelays,
  findUnitLinks,
  findUnits,
  isLinkFolder,
  type Trace,
} from '../../../system/install/traces.ts';
import { isSystemdRunning, reloadUnits, stopUnits } from '../../../system/install/units.ts';
import {
  clearRecorded,
  findRecorded,
  wouldBeCleared,
  type ClearError,
  type Recorded,
} from '../change/clearAll.ts';
import { CODE_CACHE_FOLDER } from '../../common/codeCache.ts';
import type { Options } from '../words/program.ts';
import { verboseRunner } from '../words/verbose.ts';
import { warn } from '../../common/warn.ts';

interface Found {
  recorded: Recorded;
  hooks: Trace[];
  units: Trace[];
  /** Links of systemd's to hooks and units that go. */
  links: string[];
  completions: Trace[];
  relays: number[];
  ownFiles: string[];
}

export async function uninstallCommand(words: readonly string[], options: Options): Promise<number> {
  if (words.length > 0)
    throw usageError(`uninstall takes no '${words[0] ?? ''}'`, 'for one device: inetgw DEV clear');
  const program = await realpath(process.argv[1] ?? '');
  if (program.startsWith('/usr/lib/inetgw/'))
    throw failure('this is a Debian package', 'take it away with: apt-get purge inetgw');
  const runner = options.verbose === true ? verboseRunner(run) : run;
  const prefix = prefixOf(program);
  const found = await findAll(program);
  const files = goingFiles(found, options);
  if (options.dryRun === true) {
    tell(found, files, prefix, options);
    return EXIT.ok;
  }
  await requirePrivileges(found, files, prefix);
  const say = (text: string): void => {
    if (options.quiet !== true) process.stdout.write(`${printableLine(text)}\n`);
  };
  return finishDespiteSignals(async () => {
    // It is told first, or it would start anew what is ended.
    if (await isSystemdRunning()) await stopUnits(unitNames(found), runner);
    const failures = await clearRecorded(found.recorded, runner, say);
    if (failures.length > 0) throw new UserErrors([...failures, packageStays(failures)]);
    await endRelays(program, say);
    for (const path of files) {
      await rm(path).catch((error: unknown) => {
        throw removeError(path, error);
      });
      say(`${path}: removed`);
    }
    await removeEmptyFolders(files);
    // Nobody's own; what cannot be taken away of it does no harm, and /var/cache may be emptied at any time.
    if (!(await isDebianPackageThere()))
      await rm(CODE_CACHE_FOLDER, { recursive: true, force: true }).catch(() => undefined);
    if (found.hooks.length + found.units.length > 0 && (await isSystemdRunning()))
      // The units are gone by then, whatever systemd says: it keeps nothing from going on.
      await reloadUnits(runner).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        warn(`systemd could not be told that units are gone: ${error.message}`);
      });
    for (const { path, asWritten } of [...found.hooks, ...found.units])
      if (!asWritten) warn(`${path} was edited: left alone; it does nothing without the program`);
    if (options.purge !== true && found.ownFiles.length > 0)
      say(`left, for they are yours (--purge takes them as well): ${found.ownFiles.join(' ')}`);
    return removePackage(program, prefix, runner, say);
  });
}

/** The devices are named: they may have no record any more by which the next run would find them. */
function packageStays(failures: readonly ClearError[]): UserError {
  const clearing = [...new Set(failures.map(({ command }) => command))];
  return failure(
    'the package and what belongs to it were left in place',
    `when that is mended: ${[...clearing, 'inetgw uninstall'].join(' && ')}`,
  );
}

async function findAll(program: string): Promise<Found> {
  const hooks = await findHooks(program);
  const units = await findUnits(program, join(dirname(program), '../../templates'));
  const links = [...hooks, ...units]
    .filter(({ asWritten }) => asWritten)
    .map(({ path }) => path)
    .filter((path) => path.startsWith('/etc/systemd/'));
  return {
    recorded: await findRecorded(),
    hooks,
    units,
    links: (await Promise.all(links.map((path) => findUnitLinks(path)))).flat(),
    completions: await findCompletions(process.env['HOME']),
    relays: await findRelays(program),
    ownFiles: (await isDebianPackageThere()) ? [] : await findOwnFiles(),
  };
}

/** Its configuration, logs and compiled code are then that package's. */
const isDebianPackageThere = (): Promise<boolean> => pathExists('/usr/lib/inetgw/dist');

/** The folder that `npm install --global` was given, where the program lies in one. */
function prefixOf(program: string): string | undefined {
  return /^(.*)\/lib\/node_modules\/inetgw\/dist\/bin\/[^/]+$/.exec(program)?.[1];
}

function goingFiles({ hooks, units, links, completions, ownFiles }: Found, options: Options): string[] {
  const traces = [...hooks, ...units, ...completions].filter(({ asWritten }) => asWritten);
  return [...links, ...traces.map(({ path }) => path), ...(options.purge === true ? ownFiles : [])];
}

function tell(found: Found, files: readonly string[], prefix: string | undefined, options: Options): void {
  const lines = [
    ...wouldBeCleared(found.recorded),
    ...found.relays.map((pid) => `iprelay, process ${pid}: would be ended`),
    ...files.map((path) => `${path}: would be removed`),
    ...(options.purge === true
      ? []
      : found.ownFiles.map((path) => `${path}: would be left (--purge takes it)`)),
    ...(prefix === undefined ? [] : [`${prefix}/lib/node_modules/inetgw: would be removed by npm`]),
  ];
  if (lines.length === 0) lines.push('nothing was found that would be taken away');
  for (const line of lines) process.stdout.write(`${printableLine(line)}\n`);
}

/** Throws before anything was changed. Whatever needs a privilege later on stands here. */
async function requirePrivileges(
  found: Found,
  files: readonly string[],
  prefix: string | undefined,
): Promise<void> {
  if (wouldBeCleared(found.recorded).length > 0) await requireNetAdmin('clearing devices');
  for (const pid of found.relays) signalRelay(pid, 0);
  const folders = [...new Set(files.map((path) => dirname(path)))];
  if (prefix !== undefined) folders.push(`${prefix}/lib/node_modules`, `${prefix}/bin`);
  for (const folder of folders) {
    const writable = await access(folder, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!writable) throw noPrivilege(`no permission to remove files in ${folder}`, 'run it as root');
  }
}

/** Of those that go; a template's are a pattern for all its instances. */
function unitNames({ hooks, units }: Found): string[] {
  return [...hooks, ...units]
    .filter(({ path, asWritten }) => asWritten && path.startsWith('/etc/systemd/'))
    .map(({ path }) => basename(path).replace('@.', '@*.'));
}

/** False if it has ended meanwhile. Throws if it is somebody else's; signal 0 asks for that alone. */
function signalRelay(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) === 'EPERM')
      throw noPrivilege(`no permission to end iprelay, process ${pid}`, 'run it as root');
    return false;
  }
}

const END_TRIES = 150;

/** Lets open connections end for as long as the relay's drain_time is by default, and a little longer. */
async function endRelays(program: string, say: (text: string) => void): Promise<void> {
  const signal = async (name: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    for (const pid of await findRelays(program)) {
      if (signalRelay(pid, name) && name === 'SIGTERM') say(`iprelay, process ${pid}: asked to end`);
    }
  };
  await signal('SIGTERM');
  for (let tries = 0; tries < END_TRIES; tries++) {
    if ((await findRelays(program)).length === 0) return;
    await sleep(100);
  }
  await signal('SIGKILL');
}

/** Folders of ours, and those that systemd makes for links. */
async function removeEmptyFolders(files: readonly string[]): Promise<void> {
  const ofLinks = files.map((path) => dirname(path)).filter(isLinkFolder);
  for (const folder of [...new Set(ofLinks), '/etc/inetgw', '/run/inetgw/iprelay', '/run/inetgw'])
    await rmdir(folder).catch(() => undefined);
}

/** The files are gone after it: nothing may be loaded any more. */
async function removePackage(
  program: string,
  prefix: string | undefined,
  runner: Runner,
  say: (text: string) => void,
): Promise<number> {
  const own = resolve(program, '../../..');
  if (prefix === undefined) {
    say(`${own}: left, npm has not installed it globally`);
    return EXIT.ok;
  }
  const npm = await npmScript();
  if (npm === undefined)
    throw missing(`npm was not found: all is taken away but ${own}`, 'npm uninstall --global inetgw');
  // Where npm keeps its log of it; by default that would be one more folder in somebody's home.
  const cache = await mkdtemp(join(tmpdir(), 'inetgw-npm-')).catch((error: unknown) => {
    throw writeError(tmpdir(), error);
  });
  try {
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--cache', cache];
    const words = ['uninstall', '--global', '--prefix', prefix, ...quiet, 'inetgw'];
    await ask([process.execPath, npm, ...words], runner, {
      timeoutMs: 300_000,
      env: { HOME: process.env['HOME'] ?? '/' },
    });
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
  say(`${own}: removed`);
  return EXIT.ok;
}

/** npm's script: of the installation that this node is from, else the first on the search path. */
async function npmScript(): Promise<string | undefined> {
  const folders = [dirname(process.execPath), ...(process.env['PATH'] ?? '').split(':')];
  for (const folder of folders) {
    const path = await realpath(join(folder, 'npm')).catch(() => undefined);
    if (path?.endsWith('.js') === true) return path;
  }
  return undefined;
}
