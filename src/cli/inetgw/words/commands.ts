/**
 * The commands of `inetgw` besides `DEV …`, each once: what is known of them is taken from here by the words
 * (words.ts), the refusals of idle options (inetgw.ts) and the completions; test/unit/cli/inetgw/words/commands.test.ts holds help and
 * manual page against it. What a command does stands in inetgw.ts, which does not compile without it. Pure.
 */
import { SHAPER_KEY_NAMES, optionName } from '../../../config/keys.ts';
import { HOOK_KINDS } from '../../../linkHooks/kinds.ts';
import type { Options } from './program.ts';

/** What may stand in a place: words, and what only the machine knows. */
export interface Words {
  words?: readonly string[];
  devices?: boolean;
  files?: boolean;
  /** More than one of the words, with commas between them. */
  list?: boolean;
}

export interface CommandDefinition {
  /** Where the device stands, counted from the command; undefined: it takes none. */
  deviceAt: number | undefined;
  /** Options that change nothing of it, and would be taken for done. */
  idle?: readonly (keyof Options)[];
  /** What may come next. */
  next: Words;
  /** `next` holds only where the command is the first word: further on it means something else. */
  isFirstOnly?: true;
  /** What may come after which of the words further on. */
  then?: Readonly<Record<string, Words>>;
}

/** The shells that completions are there for, and the commands that they complete. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export const COMPLETED_COMMANDS = ['inetgw', 'searchbw', 'iprelay'] as const;

const DEVICES: Words = { devices: true };
const afterEach = (words: readonly string[], next: Words): Readonly<Record<string, Words>> =>
  Object.fromEntries(words.map((word) => [word, next]));

/** Options that say how a device is set up. */
export const SETTINGS: readonly (keyof Options)[] = SHAPER_KEY_NAMES.map((key) => optionName(key));

/** A device that is named like one of these cannot be reached. */
const COMMANDS = {
  apply: { deviceAt: 1, next: DEVICES },
  check: { deviceAt: 1, idle: [...SETTINGS, 'dryRun', 'replace'], next: DEVICES },
  completion: {
    deviceAt: undefined,
    next: { words: SHELLS },
    then: afterEach(SHELLS, { words: COMPLETED_COMMANDS }),
  },
  config: { deviceAt: undefined, next: { words: ['check', 'example'] }, then: { check: { files: true } } },
  heal: {
    deviceAt: 1,
    idle: [...SETTINGS, 'dryRunScript', 'replace', 'config'],
    next: DEVICES,
  },
  'install-hook': {
    deviceAt: 2,
    idle: ['json', 'dryRunScript', 'purge'],
    next: { words: HOOK_KINDS },
    then: afterEach(HOOK_KINDS, DEVICES),
  },
  metrics: {
    deviceAt: 1,
    idle: [...SETTINGS, 'json', 'dryRun', 'replace', 'config'],
    next: DEVICES,
  },
  report: {
    deviceAt: undefined,
    idle: [...SETTINGS, 'dryRun', 'replace'],
    next: {},
  },
  rules: {
    deviceAt: 2,
    next: { words: ['egress', 'ingress'] },
    then: afterEach(['egress', 'ingress'], DEVICES),
  },
  serve: {
    deviceAt: 1,
    idle: [...SETTINGS, 'json', 'dryRunScript', 'replace', 'config'],
    next: DEVICES,
  },
  status: {
    deviceAt: undefined,
    idle: [...SETTINGS, 'dryRun', 'replace'],
    next: DEVICES,
    isFirstOnly: true,
  },
  uninstall: {
    deviceAt: undefined,
    idle: [...SETTINGS, 'json', 'dryRunScript', 'replace', 'remove'],
    next: {},
    isFirstOnly: true,
  },
  watch: {
    deviceAt: 1,
    idle: [...SETTINGS, 'dryRun', 'replace', 'config'],
    next: DEVICES,
  },
} as const satisfies Readonly<Record<string, CommandDefinition>>;

export type CommandWord = keyof typeof COMMANDS;

/** Options that mean something to one command alone, or to few. */
export const OPTIONS_OF_ONE = {
  changeTokenFile: 'serve',
  check: 'apply',
  format: 'rules',
  listen: 'serve',
  names: ['watch', 'metrics', 'serve'],
  once: 'watch',
  output: 'metrics',
  perHost: ['metrics', 'serve'],
  ping: ['watch', 'serve'],
  purge: 'uninstall',
  record: 'serve',
  remove: 'install-hook',
  reports: 'serve',
  resolve: ['watch', 'serve'],
  root: 'install-hook',
  socketGroup: 'serve',
  tokenFile: 'serve',
} as const satisfies Readonly<Partial<Record<keyof Options, CommandWord | readonly CommandWord[]>>>;

/** First words that are no device. */
export const COMMAND_WORDS = Object.keys(COMMANDS) as readonly CommandWord[];

export const commandOf = (word: CommandWord): CommandDefinition => COMMANDS[word];

export function isCommand(word: string): word is CommandWord {
  return Object.hasOwn(COMMANDS, word);
}
