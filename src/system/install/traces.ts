/**
 * What an installation by npm has left on the machine besides the package itself, found without having been written
 * down anywhere: hooks and units that call this program, completions, relays that run, configurations and logs.
 */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HOOK_PLACES, hookProgram } from '../../linkHooks/render.ts';
import { isUnedited } from '../../linkHooks/seal.ts';

export interface Trace {
  path: string;
  /** False: somebody has changed it since it was written. */
  asWritten: boolean;
}

const nothing = (): undefined => undefined;
const list = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch((): string[] => [])).sort().map((name) => join(folder, name));
const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(nothing);

/** True for a path of this installation's program, and for one that leads nowhere any more. */
async function isOwn(path: string, program: string): Promise<boolean> {
  const real = await realpath(path).catch(nothing);
  return real === undefined || real === program;
}

const UNIT_FOLDER = '/etc/systemd/system';
/** A copy of our template has no seal, and is one of the units: the hooks are named after a device each. */
const UNIT_TEMPLATE = `${UNIT_FOLDER}/inetgw@.service`;

/** @param program the script that this process runs, all links resolved */
export async function findHooks(program: string): Promise<Trace[]> {
  const found: Trace[] = [];
  for (const { folder, prefix } of HOOK_PLACES) {
    for (const path of await list(folder)) {
      if (!basename(path).startsWith(prefix) || path === UNIT_TEMPLATE) continue;
      const text = await read(path);
      const called = text === undefined ? undefined : hookProgram(text);
      if (text !== undefined && called !== undefined && (await isOwn(called, program)))
        found.push({ path, asWritten: isUnedited(text) });
    }
  }
  return found;
}

/**
 * Units, and logrotate's rules, copied by hand from `templates/`, with this installation's paths in them.
 * @param templates the folder of the package
 */
export async function findUnits(program: string, templates: string): Promise<Trace[]> {
  const found: Trace[] = [];
  const relay = join(dirname(program), 'iprelay.js');
  for (const [source, own, folder] of [
    ['inetgw@.service', program, UNIT_FOLDER],
    ['systemd/inetgw.service', program, UNIT_FOLDER],
    ['systemd/inetgw-metrics.service', program, UNIT_FOLDER],
    ['systemd/inetgw-metrics.timer', program, UNIT_FOLDER],
    ['systemd/iprelay@.service', relay, UNIT_FOLDER],
    ['systemd/iprelay@.socket', relay, UNIT_FOLDER],
    ['logrotate/iprelay', relay, '/etc/logrotate.d'],
  ] as const) {
    const path = join(folder, basename(source));
    const text = await read(path);
    if (text === undefined) continue;
    // Units of the template's own path, too: a socket has none, and who has no package's program has no use for it.
    const called = /^(?:ExecStart=| *\[ -x )(\S+)/m.exec(text)?.[1];
    if (called !== undefined && !(await isOwn(called, own))) continue;
    const template = await read(join(templates, source));
    const asTemplate =
      called === undefined ? text : text.replaceAll(called, `/usr/bin/${basename(own, '.js')}`);
    found.push({ path, asWritten: asTemplate === template });
  }
  return found;
}

/**
 * Links by which systemd wants a unit, or instances of it.
 * @param unitPath without the root
 * @param root the folder that stands for `/`
 */
export async function findUnitLinks(unitPath: string, root = '/'): Promise<string[]> {
  const found: string[] = [];
  for (const folder of await list(join(root, UNIT_FOLDER))) {
    if (!isLinkFolder(folder)) continue;
    const inside = join(UNIT_FOLDER, basename(folder));
    for (const path of await list(folder)) {
      const target = await readlink(path).catch(nothing);
      if (target !== undefined && resolve(inside, target) === unitPath) found.push(path);
    }
  }
  return found;
}

/** True for a folder of what a unit wants, which systemd makes for its links. */
export const isLinkFolder = (path: string): boolean => /\.(wants|requires)$/.test(path);

const COMMANDS = ['inetgw', 'searchbw', 'iprelay'];

/** Completions where shells look for them, in folders for what no package of the distribution has brought. */
export async function findCompletions(home: string | undefined): Promise<Trace[]> {
  const own = home === undefined ? [] : [home];
  const places = COMMANDS.flatMap((name) => [
    `/etc/bash_completion.d/${name}`,
    `/usr/local/share/bash-completion/completions/${name}`,
    `/usr/local/share/zsh/site-functions/_${name}`,
    `/etc/fish/completions/${name}.fish`,
    `/usr/local/share/fish/vendor_completions.d/${name}.fish`,
    ...own.map((folder) => `${folder}/.local/share/bash-completion/completions/${name}`),
    ...own.map((folder) => `${folder}/.config/fish/completions/${name}.fish`),
  ]);
  const found: Trace[] = [];
  for (const path of places) {
    const text = await read(path);
    // What scripts/completions.ts begins each of them with; they are not for editing.
    if (text !== undefined && /^# (\w+): completion for \w+\. Generated from/m.test(text))
      found.push({ path, asWritten: true });
  }
  return found;
}

/** Processes of this installation's relay. */
export async function findRelays(program: string): Promise<number[]> {
  const relay = join(dirname(program), 'iprelay.js');
  const found: number[] = [];
  for (const path of await list('/proc')) {
    if (!/^\/proc\/\d+$/.test(path)) continue;
    const words = (await read(join(path, 'cmdline')))?.split('\0') ?? [];
    const script = words.find((word, at) => at > 0 && /(^|\/)iprelay(\.js)?$/.test(word));
    if (script === undefined || !script.startsWith('/')) continue;
    if ((await realpath(script).catch(nothing)) === relay) found.push(Number(basename(path)));
  }
  return found;
}

/** What is the administrator's: configurations, logs of relays, and what the page has seen. */
export async function findOwnFiles(): Promise<string[]> {
  const config = await list('/etc').then((paths) => paths.filter((path) => path === '/etc/inetgw.conf'));
  const relays = (await list('/etc/inetgw')).filter((path) => /\/iprelay-[^/]+\.toml$/.test(path));
  const logs = (await list('/var/log')).filter((path) => /\/iprelay-[^/]+\.log(\.[^/]*)?$/.test(path));
  const history = (await list('/var/lib/inetgw')).filter((path) => path.endsWith('/history.json'));
  return [...config, ...relays, ...logs, ...history];
}
