/** The `inetgw` command: what its words mean. */
import { CommanderError } from 'commander';
import { closest } from '../../core/suggest.ts';
import { unknownVariables } from '../../config/values.ts';
import { EXIT, usageError } from '../../core/errors.ts';
import { parseRateBitPerSec } from '../../core/units.ts';
import { withDryRunWord } from './words/dryRunWord.ts';
import {
  COMMAND_WORDS,
  commandOf,
  isCommand,
  OPTIONS_OF_ONE,
  SETTINGS,
  type CommandWord,
} from './words/commands.ts';
import { makeProgram, type Options } from './words/program.ts';
import { checkOptionValues } from '../common/optionValues.ts';
import { isVerb, refuseRateFirst, understoodWords } from './words/words.ts';
import { warn } from '../common/warn.ts';

/** Runs `inetgw` with the words after its name; resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'help') return run(['--help']);
  let result = Promise.resolve<number>(EXIT.ok);
  const program = makeProgram((words, options) => {
    result = dispatch(words, options);
  });
  try {
    checkOptionValues(program, argv);
    program.parse(withDryRunWord(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has printed help or version already; a usage error it has not, see configureOutput.
    if (error.exitCode === 0) return EXIT.ok;
    const message = error.message.replace(/^error: /, '');
    const negative = /unknown option '(-\d[^']*)'/.exec(message);
    if (negative !== null) throw usageError(`'${negative[1] ?? ''}' is no rate: a rate cannot be negative`);
    throw usageError(message, 'inetgw --help shows how it is used');
  }
  return result;
}

type CommandBody = (words: readonly string[], options: Options) => Promise<number>;

const BODIES: Readonly<Record<CommandWord, CommandBody>> = {
  check: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('check takes one device or none: inetgw check ppp0');
    return (await import('./show/check.ts')).checkCommand(device, options);
  },
  apply: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('apply takes one device or none: inetgw apply ppp0');
    if (options.check === true)
      return (await import('./show/applyCheck.ts')).applyCheckCommand(device, options);
    const { applyAllFromFile, applyOneFromFile } = await import('./change/applyFile.ts');
    return device === undefined ? applyAllFromFile(options) : applyOneFromFile(device, options);
  },
  heal: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('heal takes one device or none: inetgw heal ppp0');
    return (await import('./change/heal.ts')).healCommand(device, options);
  },
  status: async (words, options) => {
    if (words.length > 0)
      throw usageError('status takes no device', `for one device: inetgw ${words[0] ?? ''}`);
    return (await import('./show/status.ts')).statusCommand(options);
  },
  metrics: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('metrics takes one device or none: inetgw metrics ppp0');
    return (await import('./show/metrics.ts')).metricsCommand(device, options);
  },
  report: async (words, options) => {
    if (words.length > 0)
      throw usageError('report takes no device', `for one device: inetgw ${words[0] ?? ''} --json`);
    return (await import('./show/report.ts')).reportCommand(options);
  },
  rules: async ([side, device, ...rest], options) => {
    if (rest.length > 0) throw usageError('rules takes a side and a device: inetgw rules egress ppp0');
    return (await import('./install/rules.ts')).rulesCommand(side, device, options);
  },
  'install-hook': async (words, options) => {
    return (await import('./install/hook.ts')).installHookCommand(words, options);
  },
  uninstall: async (words, options) => {
    return (await import('./install/uninstall.ts')).uninstallCommand(words, options);
  },
  config: async ([verb, file, ...rest], options) => {
    const takes = verb === 'check' ? 1 : 0;
    if ((verb !== 'check' && verb !== 'example') || rest.length > 0 || (file !== undefined && takes === 0))
      throw usageError('config knows two words: inetgw config check [FILE], inetgw config example');
    const { configCheckCommand, configExampleCommand } = await import('./install/config.ts');
    return verb === 'check' ? configCheckCommand(file, options) : configExampleCommand();
  },
  serve: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('serve takes one device or none: inetgw serve ppp0');
    return (await import('./serve/serve.ts')).serveCommand(device, options);
  },
  watch: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('watch takes one device or none: inetgw watch ppp0');
    return (await import('./watch/watch.ts')).watchCommand(device, options);
  },
  completion: async (words) => (await import('./install/completion.ts')).completionCommand(words),
};

async function dispatch(typed: readonly string[], options: Options): Promise<number> {
  if (typed.length === 0) {
    throw usageError('which device? For example: inetgw ppp0 210 1710', 'inetgw --help shows how it is used');
  }
  if (options.forPause === true && (typed.length !== 2 || typed[1] !== 'clear'))
    throw usageError('--for-pause goes with inetgw DEV clear alone: a pause begins with it');
  if (options.all === true) {
    if (typed.length !== 1 || typed[0] !== 'clear')
      throw usageError('--all goes with clear alone', 'type: inetgw clear --all');
    return (await import('./change/clearAll.ts')).clearAllCommand(options);
  }
  if (options.quiet !== true) for (const text of unknownVariables(process.env)) warn(text);
  const words = await withKernelName(await inOrder(typed, options), options);
  const [first = '', second, third] = words;
  refuseIdleOptions(isCommand(first) ? first : undefined, options);
  if (!isCommand(first) && third === undefined) refuseSettings(first, second, options);
  if (isCommand(first)) return BODIES[first](words.slice(1), options);
  if (second === undefined) return (await import('./show/show.ts')).showCommand(first, options);
  if (third === undefined) return (await import('./change/apply.ts')).clearCommand(first, options);
  return (await import('./change/apply.ts')).applyCommand(first, second, third, options);
}

/** The words as they are meant; what is wrong with them matters only if the first one is no slip. */
async function inOrder(typed: readonly string[], options: Options): Promise<string[]> {
  const [first = ''] = typed;
  if (parseRateBitPerSec(first) !== undefined) {
    const { isDevice } = await import('../../system/link/deviceName.ts');
    if (!(await isDevice(first))) refuseRateFirst(typed, options);
  }
  try {
    return understoodWords(typed, options);
  } catch (error) {
    const { isDevice } = await import('../../system/link/deviceName.ts');
    if (!isVerb(first) && !(await isDevice(first))) await refuseSlip(typed);
    throw error;
  }
}

/** @throws UserError for the first option that does not go with the command */
function refuseIdleOptions(command: CommandWord | undefined, options: Options): void {
  for (const [option, of] of Object.entries(OPTIONS_OF_ONE)) {
    const owners: readonly CommandWord[] = [of].flat();
    if (options[option as keyof typeof OPTIONS_OF_ONE] === undefined) continue;
    if (command !== undefined && owners.includes(command)) continue;
    throw usageError(
      `${flagOf(option as keyof Options, options)} goes with inetgw ${owners.join(' and ')} alone`,
      'inetgw --help shows what goes with what',
    );
  }
  const idle =
    command === undefined ? undefined : commandOf(command).idle?.find((each) => options[each] !== undefined);
  if (command === undefined || idle === undefined) return;
  throw usageError(`${flagOf(idle, options)} does not go with ${command}`, 'inetgw --help shows what does');
}

/** Options that say how a device is set up do nothing without rates. */
function refuseSettings(device: string, word: string | undefined, options: Options): void {
  const idle = [...SETTINGS, 'replace' as const].find((name) => options[name] !== undefined);
  if (idle === undefined) return;
  const flag = flagOf(idle, options);
  const shown = [device, word].filter((each) => each !== undefined).join(' ');
  throw usageError(
    `${flag} goes with rates alone`,
    `type: inetgw ${device} UP DOWN ${flag}, or inetgw ${shown} without it`,
  );
}

/** As it would be typed. */
function flagOf(option: keyof Options, options: Options): string {
  if (option === 'dryRunScript') return '--dry-run=script';
  const name = option.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
  return `--${options[option] === false ? 'no-' : ''}${name}`;
}

/** The words with the kernel's name of the device; a first word that is neither device nor command may be a slip. */
async function withKernelName(words: readonly string[], options: Options): Promise<string[]> {
  const [first = ''] = words;
  const at = isCommand(first) ? commandOf(first).deviceAt : 0;
  const device = at === undefined ? undefined : words[at];
  if (at === undefined || device === undefined) return [...words];
  const { isDevice, kernelNameOf } = await import('../../system/link/deviceName.ts');
  if (await isDevice(device)) return [...words];
  const name = await kernelNameOf(device);
  if (name === undefined) {
    if (at === 0) await refuseSlip(words);
    return [...words];
  }
  if (options.quiet !== true) warn(`${device} is ${name}`);
  return words.with(at, name);
}

/** Throws if the first word is nearer to a command than to a device. */
async function refuseSlip(words: readonly string[]): Promise<void> {
  const [first = '', ...rest] = words;
  const command = closest(first, [...COMMAND_WORDS, 'help']);
  if (command === undefined) return;
  const { listDevices } = await import('../../system/link/link.ts');
  if (closest(first, await listDevices()) !== undefined) return;
  throw usageError(
    `'${first}' is no command and no device`,
    `did you mean: ${['inetgw', command, ...rest].join(' ')}?`,
  );
}
