/** The `inetgw` command: what its words mean. */
import { CommanderError } from 'commander';
import { EXIT, usageError } from '../errors.ts';
import { withDryRunWord } from './dryRunWord.ts';
import { makeProgram, type Options } from './inetgwProgram.ts';

export type { GlobalOptions, Options } from './inetgwProgram.ts';

/** Runs `inetgw` with the words after its name; resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let result = Promise.resolve<number>(EXIT.ok);
  const program = makeProgram((words, options) => {
    result = dispatch(words, options);
  });
  try {
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

/** First words that are no device; a device of such a name cannot be reached. */
const COMMANDS: Readonly<Record<string, CommandBody>> = {
  check: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('check takes one device or none: inetgw check ppp0');
    return (await import('./inetgwCheck.ts')).checkCommand(device, options);
  },
  apply: async ([device, ...rest], options) => {
    if (rest.length > 0) throw usageError('apply takes one device or none: inetgw apply ppp0');
    const { applyAllFromFile, applyOneFromFile } = await import('./inetgwApplyFile.ts');
    return device === undefined ? applyAllFromFile(options) : applyOneFromFile(device, options);
  },
  status: async (words, options) => {
    if (words.length > 0)
      throw usageError('status takes no device', `for one device: inetgw ${words[0] ?? ''}`);
    return (await import('./inetgwStatus.ts')).statusCommand(options);
  },
  rules: async ([side, device, ...rest], options) => {
    if (rest.length > 0) throw usageError('rules takes a side and a device: inetgw rules egress ppp0');
    return (await import('./inetgwRules.ts')).rulesCommand(side, device, options);
  },
  'install-hook': async (words, options) => {
    return (await import('./inetgwHook.ts')).installHookCommand(words, options);
  },
  uninstall: async (words, options) => {
    return (await import('./inetgwUninstall.ts')).uninstallCommand(words, options);
  },
  config: async ([verb, file, ...rest], options) => {
    const takes = verb === 'check' ? 1 : 0;
    if ((verb !== 'check' && verb !== 'example') || rest.length > 0 || (file !== undefined && takes === 0))
      throw usageError('config knows two words: inetgw config check [FILE], inetgw config example');
    const { configCheckCommand, configExampleCommand } = await import('./inetgwConfig.ts');
    return verb === 'check' ? configCheckCommand(file, options) : configExampleCommand();
  },
  completion: async (words) => (await import('./inetgwCompletion.ts')).completionCommand(words),
};

async function dispatch(words: readonly string[], options: Options): Promise<number> {
  const [first, second, third] = words;
  if (first === undefined) {
    throw usageError('which device? For example: inetgw ppp0 210 1710', 'inetgw --help shows how it is used');
  }
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (command !== undefined) return command(words.slice(1), options);
  if (words.length === 1) return (await import('./inetgwShow.ts')).showCommand(first, options);
  if (words.length === 2 && second === 'clear') {
    return (await import('./inetgwApply.ts')).clearCommand(first, options);
  }
  if (words.length === 3 && second !== undefined && third !== undefined) {
    return (await import('./inetgwApply.ts')).applyCommand(first, second, third, options);
  }
  throw usageError(
    words.length === 2
      ? `'${words.join(' ')}': UP and DOWN are both needed, or 'clear'`
      : `'${words.join(' ')}' is one word too many`,
    'for example: inetgw ppp0 210 1710, inetgw ppp0, inetgw ppp0 clear',
  );
}
