/** `inetgw install-hook KIND DEV [UP DOWN]`. */
import { printableLine } from '../../../core/printable.ts';
import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { settingsFromArguments, valuesFromFlags } from '../../../config/fromArguments.ts';
import type { RateTexts } from '../../../config/rateDoubts.ts';
import { checkTuning } from '../../../config/settings.ts';
import { closest } from '../../../core/suggest.ts';
import { EXIT, failure, usageError, UserErrors } from '../../../core/errors.ts';
import { HEAL_UNITS } from '../../../linkHooks/heal.ts';
import { HOOK_KINDS, type HookKind } from '../../../linkHooks/kinds.ts';
import { shellWord, systemdEscape } from '../../../core/shellWords.ts';
import { hookFiles, UNIT_FOLDER, type HookFile } from '../../../linkHooks/render.ts';
import { assumedLink } from '../../../plan/input/assumedLink.ts';
import { installHook, isOwnHook, removeHook, type HookResult } from '../../../system/install/linkHooks.ts';
import { readLayers } from '../../../system/link/layers.ts';
import { deviceNameProblem } from '../../../core/deviceNames.ts';
import { findLink } from '../../../system/link/link.ts';
import { templatePath } from '../../../system/install/templates.ts';
import { CONFIG_PATH } from '../../../system/record/configFile.ts';
import { run } from '../../../system/exec/run.ts';
import { removeError } from '../../../system/record/runDir.ts';
import { findUnitLinks } from '../../../system/install/traces.ts';
import { isSystemdRunning, reloadUnits, stopUnits } from '../../../system/install/units.ts';
import { configuration, sectionOf } from '../words/configured.ts';
import { adviseLayer, settle } from '../change/doubts.ts';
import type { Options } from '../words/program.ts';
import { warn } from '../../common/warn.ts';

const USAGE = 'for example: inetgw install-hook ppp ppp0 210 1710';

export async function installHookCommand(words: readonly string[], options: Options): Promise<number> {
  const [typedKind = '', ...others] = words;
  // `install-hook ppp0 ppp`: whatever is a kind of hook is no device.
  const isTurned = hookKind(typedKind) === undefined && hookKind(others[0] ?? '') !== undefined;
  const inOrder: readonly string[] = isTurned
    ? [...others.slice(0, 1), typedKind, ...others.slice(1)]
    : words;
  const [kindWord = '', device, up, down, ...rest] = inOrder;
  const kind = hookKind(kindWord);
  if (kind === undefined) {
    const meant = closest(kindWord, HOOK_KINDS);
    const why = Object.hasOwn(NO_HOOKS, kindWord.toLowerCase())
      ? NO_HOOKS[kindWord.toLowerCase()]
      : undefined;
    if (why !== undefined)
      throw usageError(`there is no hook for ${kindWord}: ${why}`, alternative(device, up, down));
    throw usageError(
      `install-hook knows ${HOOK_KINDS.join(', ')}${kindWord === '' ? '' : `, not '${kindWord}'`}`,
      meant === undefined ? USAGE : `did you mean ${meant}?`,
    );
  }
  if (kind !== kindWord.toLowerCase() && options.quiet !== true) warn(`${kindWord} is taken as ${kind}`);
  if (isTurned && options.quiet !== true) warn(`taken as: inetgw install-hook ${inOrder.join(' ')}`);
  const root = resolve(options.root ?? '/');
  if (kind === 'heal') return healHook(device, root, options);
  if (device === undefined) throw usageError('install-hook needs a device', USAGE);
  checkHookDevice(kind, device);
  if (options.remove === true) {
    if (up !== undefined)
      throw usageError('--remove takes no rates', `type: inetgw install-hook ${kind} ${device} --remove`);
    const code = await removeAll(hookFiles(kind, { device, program: [], apply: [] }), root, options);
    if (kind !== 'systemd' || (await otherUnits(root, device)).length > 0) return code;
    return Math.max(code, await removeAll(healFiles([], ''), root, options));
  }
  if ((up === undefined) !== (down === undefined) || rest.length > 0)
    throw usageError('UP and DOWN are both needed, or neither: then it is what the file says', USAGE);
  if (root === '/') await checkConfiguration(device, up === undefined, options);
  const rates = up === undefined || down === undefined ? undefined : { up, down };
  const apply = [...(await applyWords(kind, device, rates, root, options)), ...flagWords(options)];
  const files = hookFiles(kind, { device, program: programWords(), apply });
  const withHealing = kind === 'systemd' && !(await isDebianPackage());
  if (withHealing) files.push(...healFiles(programWords(), templatePath('heal.sh')));
  return installAll(files, root, options);
}

const healFiles = (program: readonly string[], healScript: string): HookFile[] =>
  hookFiles('heal', { device: '', program, apply: [], healScript });

/** The package has these units itself, where systemd looks for what packages bring. */
const isDebianPackage = async (): Promise<boolean> =>
  (await realpath(process.argv[1] ?? '')).startsWith('/usr/lib/inetgw/');

/** `install-hook heal`: for all devices, so it takes none. */
async function healHook(device: string | undefined, root: string, options: Options): Promise<number> {
  if (device !== undefined)
    throw usageError('heal is for all devices at once', 'type: inetgw install-hook heal');
  if (options.remove === true) return removeAll(healFiles([], ''), root, options);
  if (await isDebianPackage())
    throw failure('the Debian package has these units already', `systemctl enable --now ${HEAL_UNITS.path}`);
  return installAll(healFiles(programWords(), templatePath('heal.sh')), root, options);
}

/** Units of ours for other devices, which want healing as much. */
async function otherUnits(root: string, device: string): Promise<string[]> {
  const own = `inetgw@${systemdEscape(device)}.service`;
  const names = await readdir(join(root, UNIT_FOLDER)).catch((): string[] => []);
  return names.filter((name) => /^inetgw@.+\.service$/.test(name) && name !== own);
}

/** Other names of what has a hook. */
const OTHER_NAMES: Readonly<Record<string, HookKind>> = {
  pppd: 'ppp',
  pppoe: 'ppp',
  nm: 'networkmanager',
  'network-manager': 'networkmanager',
  'systemd-networkd': 'systemd',
  networkd: 'systemd',
  unit: 'systemd',
  ifup: 'ifupdown',
  interfaces: 'ifupdown',
};

/** What has none that would do, and why. */
const NO_HOOKS: Readonly<Record<string, string>> = {
  netplan:
    'it calls nothing when a device comes up, what it configures does (systemd-networkd or NetworkManager)',
  'wg-quick': 'a unit that comes with the device does the same',
  wireguard: 'a unit that comes with the device does the same',
  openvpn: 'a unit that comes with the device does the same',
  dhclient: 'a unit that comes with the device does the same',
  dhcpcd: 'a unit that comes with the device does the same',
  cron: 'a unit that comes with the device does it when it is needed',
};

function hookKind(word: string): HookKind | undefined {
  const name = word.toLowerCase();
  return (
    HOOK_KINDS.find((each) => each === name) ??
    (Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined)
  );
}

function alternative(device = 'DEV', ...rates: readonly (string | undefined)[]): string {
  return `type: inetgw install-hook systemd ${[device, ...rates.filter((rate) => rate !== undefined)].join(' ')} (or networkmanager)`;
}

/** Only pppd numbers its devices anew, so only there a pattern makes sense. */
function checkHookDevice(kind: HookKind, device: string): void {
  const name = kind === 'ppp' && device.endsWith('*') ? device.slice(0, -1) : device;
  const problem = deviceNameProblem(name);
  if (problem !== undefined) throw usageError(problem);
}

/**
 * Everything is checked now and not when the device comes up at night. Below another root it is another machine's device:
 * of that one only the name is known.
 *
 * @throws UserError for what is wrong, for a device that can never be right, or if the user says no
 */
async function applyWords(
  kind: HookKind,
  device: string,
  rates: RateTexts | undefined,
  root: string,
  options: Options,
): Promise<(string | undefined)[]> {
  const name = device.replace(/\*$/, '');
  const isHere = (root === '/' || name === 'lo') && name === device;
  const link = isHere ? await findLink(name) : undefined;
  const layers = link === undefined ? undefined : await readLayers(name);
  const linkKind = link?.kind ?? assumedLink(name)?.kind;
  // Of a tunnel that is not there yet, nothing tells how fast it is.
  const rateKind = link === undefined && linkKind === 'ip' ? undefined : linkKind;
  const command = ['inetgw', 'install-hook', kind];
  let words: (string | undefined)[];
  if (rates === undefined) {
    const { errors } = checkTuning(valuesFromFlags(options));
    if (errors.length > 0) throw new UserErrors(errors);
    adviseLayer(layers, command, [], options);
    words = ['apply', undefined];
  } else {
    const checked = settingsFromArguments(name, rates.up, rates.down, options);
    const { typed, isConfirmed } = await settle({ checked, kind: rateKind, layers, command }, options, true);
    words = [undefined, typed.up, typed.down, ...(isConfirmed || options.yes === true ? ['--yes'] : [])];
  }
  const isOther = linkKind !== undefined && linkKind !== 'ppp' && name !== 'lo';
  if (kind === 'ppp' && isOther && options.quiet !== true)
    warn(`${device} is no ppp device: pppd does not bring it up, so the hook would never do anything`);
  return words;
}

/** A file that is named must be there and be read; what the hook will lack in it is said. */
async function checkConfiguration(device: string, ratesFromFile: boolean, options: Options): Promise<void> {
  const config = await configuration(options);
  // Which device a pattern will stand for is not known yet.
  if (!ratesFromFile || device.endsWith('*') || options.quiet === true) return;
  if (sectionOf(config, device)?.rates === undefined) {
    const file = config?.file ?? CONFIG_PATH;
    warn(
      `${file} has no rates for ${device} yet: until it has, nothing will be set up when the device comes up`,
    );
  }
}

/** The flags that were typed, to be typed again by the hook. */
function flagWords(options: Options): string[] {
  const words: string[] = [];
  for (const [key, { text }] of valuesFromFlags(options)) {
    if (key === 'large-downloads') words.push(text === 'true' ? '--large-downloads' : '--no-large-downloads');
    else words.push(`--${key}`, text);
  }
  if (options.replace === true) words.push('--replace');
  if (options.config !== undefined) {
    if (/\p{Cc}/u.test(options.config))
      throw usageError('--config: the name of the file has control characters', 'give the file another name');
    words.push('--config', resolve(options.config));
  }
  return words;
}

/** This very program, by absolute paths: hooks have next to no environment. */
function programWords(): string[] {
  return [process.execPath, resolve(process.argv[1] ?? 'inetgw')];
}

async function installAll(files: readonly HookFile[], root: string, options: Options): Promise<number> {
  if (options.dryRun === true || options.verbose === true) {
    for (const { path, mode, text } of files) {
      process.stdout.write(`# ${path} (mode ${mode.toString(8)})\n${text}\n`);
    }
  }
  if (options.dryRun === true) return EXIT.ok;
  let allInForce = true;
  for (const file of files) {
    const { path, outcome } = await installHook(file, root);
    if (outcome === 'left alone, the new one is beside it') {
      allInForce = false;
      warn(`${path} was edited or is not from inetgw: left alone, the new one is ${path}.inetgw-new`);
    } else if (options.quiet !== true) process.stdout.write(`${printableLine(path)}: ${outcome}\n`);
  }
  const units = files
    .filter(({ path }) => path.startsWith(`${UNIT_FOLDER}/`))
    .map(({ path }) => path.slice(UNIT_FOLDER.length + 1))
    // It is started by its path unit.
    .filter((name) => name !== HEAL_UNITS.service);
  if (units.length > 0 && options.quiet !== true) {
    const words = units.map(shellWord).join(' ');
    // Below another root it is another system's systemd, which starts them when it starts.
    const command =
      root === '/'
        ? `systemctl daemon-reload && systemctl enable --now ${words}`
        : `systemctl --root=${shellWord(root)} enable ${words}`;
    process.stdout.write(`now: ${command}\n`);
  }
  return allInForce ? EXIT.ok : EXIT.failed;
}

async function removeAll(files: readonly HookFile[], root: string, options: Options): Promise<number> {
  let allGone = true;
  for (const file of files) {
    const links = await unitLinks(file, root);
    if (options.dryRun === true) {
      for (const link of links) process.stdout.write(`${printableLine(link)}: would be removed with it\n`);
      process.stdout.write(`${file.path}: would be removed if it is as it was written\n`);
      continue;
    }
    const { path, outcome } = await removeHookFile(file, root, options);
    if (outcome === 'removed' || outcome === 'not there') {
      if (options.quiet !== true) process.stdout.write(`${printableLine(path)}: ${outcome}\n`);
      // A link to a unit that is gone is of no use, also where it was taken away by hand.
      for (const link of links) await removeLink(link, options);
    } else {
      allGone = false;
      warn(`${path}: ${outcome}`);
    }
  }
  if (files.some(isUnit) && root === '/' && (await isSystemdRunning())) await reloadUnits(run);
  return allGone ? EXIT.ok : EXIT.failed;
}

const isUnit = ({ path }: HookFile): boolean => path.startsWith('/etc/systemd/');

/** The links that `systemctl enable` made for a hook that is a unit. */
const unitLinks = async (file: HookFile, root: string): Promise<string[]> =>
  isUnit(file) ? findUnitLinks(file.path, root) : [];

/** A unit that goes is stopped first: without its file systemd would not know how. */
async function removeHookFile(file: HookFile, root: string, options: Options): Promise<HookResult> {
  if (isUnit(file) && root === '/' && (await isSystemdRunning()) && (await isOwnHook(file, root))) {
    const unit = basename(file.path);
    await stopUnits([unit], run);
    if (options.quiet !== true) process.stdout.write(`${unit}: stopped\n`);
  }
  return removeHook(file, root);
}

async function removeLink(path: string, options: Options): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw removeError(path, error);
  });
  // Of systemd's making; others' links may be in it.
  await rmdir(dirname(path)).catch(() => undefined);
  if (options.quiet !== true) process.stdout.write(`${printableLine(path)}: removed\n`);
}
