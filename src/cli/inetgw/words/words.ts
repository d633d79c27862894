/**
 * The words of a command line, as people put them, in the order in which `inetgw` takes them. What can mean one thing only
 * is understood; where something would be taken away or could mean another thing, the error says what to type. Pure.
 */
import { closest } from '../../../core/suggest.ts';
import { usageError, type UserError } from '../../../core/errors.ts';
import { isPlainNumber, isRateUnit, parseRateBitPerSec } from '../../../core/units.ts';
import { isCommand } from './commands.ts';

/** What shows a device, in the words of other programs. */
const SHOWING = new Set(['show', 'stats', 'statistics', 'list', 'info', 'get']);
/** What takes away. Only `clear` does it: a word from another program may mean more, or less. */
const CLEARING = new Set([
  'stop',
  'off',
  'remove',
  'rm',
  'del',
  'delete',
  'reset',
  'disable',
  'unset',
  'flush',
  'end',
  'down',
  'uninstall',
]);
/** Instead of a device. */
const ALL = new Set(['all', 'everything', '*']);
/** What sets up. */
const SETTING = new Set(['start', 'on', 'set', 'add', 'shape', 'enable', 'up', 'restart', 'reload', 'run']);
const HOOK_REMOVING = /^(?:uninstall|remove|delete|rm)-?hooks?$/;

/** Names of a direction before its rate: `up 10mbit`, `down=50mbit`. */
const UP_NAMES = ['up', 'upload', 'uplink', 'ul'];
const DOWN_NAMES = ['down', 'download', 'downlink', 'dl'];

/** Rates by name, `--up 10mbit`. */
export interface NamedRates {
  up?: string | undefined;
  down?: string | undefined;
}

/**
 * `[DEV]`, `[DEV, 'clear']`, `[DEV, UP, DOWN]`, or a command and its words.
 *
 * @param named what `--up` and `--down` say
 * @throws UserError with what to type
 */
export function understoodWords(typed: readonly string[], named: NamedRates): string[] {
  const words = joinUnits(typed);
  const [first = '', second, ...rest] = words;
  if (words.length === 2 && words.includes('clear') && words.some((word) => ALL.has(word.toLowerCase())))
    throw usageError(`'${words.join(' ')}' names no device`, 'to clear all of them: inetgw clear --all');
  if (first === 'install-hook') return installHookWords(words, named);
  if (isCommand(first)) {
    refuseRates(words, named);
    return commandWords(words);
  }
  if (HOOK_REMOVING.test(first)) {
    throw usageError(
      `there is no ${first}`,
      `type: inetgw install-hook ${[second, ...rest].join(' ') || 'KIND DEV'} --remove`,
    );
  }
  if (isVerb(first)) {
    return verbFirst(first, words.slice(1).map(bareDevice), named);
  }
  return deviceFirst(words, named);
}

/**
 * Throws for a rate in the place of the device, with the order that is meant (`10mbit 50mbit eth0`): for a first word that is
 * no device of this machine.
 */
export function refuseRateFirst(typed: readonly string[], named: NamedRates): void {
  const words = joinUnits(['', ...typed]).slice(1);
  const isRate = (word: string): boolean => parseRateBitPerSec(word) !== undefined;
  const [first = '', second] = words;
  if (!isRate(first)) return;
  const devices = words.filter((word) => !isRate(word) && !isDirection(word));
  const [device = ''] = devices;
  if (devices.length !== 1 || !/^[A-Za-z_][\w.-]*$/.test(device)) {
    if (second === undefined || !words.every((word) => isRate(word) || isDirection(word))) return;
    throw usageError('the device is missing', `type: inetgw DEV ${withoutDirections(words)}`);
  }
  const rest = words.filter((word) => word !== device);
  const rates = ratesOf(rest, named);
  throw usageError(
    `the device comes first: '${first}' is a rate`,
    rates === undefined ? `type: inetgw ${device} UP DOWN` : `type: inetgw ${device} ${rates.join(' ')}`,
  );
}

const isDirection = (word: string): boolean => directionOf(word) !== undefined;

function directionOf(word: string): 'up' | 'down' | undefined {
  const name = word.toLowerCase();
  if (UP_NAMES.includes(name)) return 'up';
  return DOWN_NAMES.includes(name) ? 'down' : undefined;
}

const withoutDirections = (words: readonly string[]): string =>
  (ratesOf(words, {}) ?? words.filter((word) => !isDirection(word))).join(' ');

/** `10mbit up 50mbit down` as `up 10mbit down 50mbit`; other words as they are. */
function namesBefore(words: readonly string[]): string[] {
  const [one = '', two = '', three = '', four = ''] = words;
  const isTurned =
    words.length === 4 &&
    [one, three].every((word) => parseRateBitPerSec(word) !== undefined) &&
    [two, four].every(isDirection);
  return isTurned ? [two, one, four, three] : [...words];
}

/** Whether a first word has been understood as one that is no device. */
export function isVerb(word: string): boolean {
  const isWord = isCommand(word) || word === 'clear';
  return isWord || SHOWING.has(word) || CLEARING.has(word) || SETTING.has(word) || HOOK_REMOVING.test(word);
}

/** `clear ppp0`, `show ppp0`, `stop ppp0`, `start ppp0 10mbit 50mbit`. */
function verbFirst(verb: string, rest: readonly string[], named: NamedRates): string[] {
  const [device, ...more] = rest;
  if (device === undefined) {
    if (SHOWING.has(verb))
      throw usageError(`${verb} what?`, 'all devices: inetgw status; one of them: inetgw ppp0');
    throw usageError(
      `${verb} which device?`,
      verb === 'clear' || CLEARING.has(verb)
        ? 'for example: inetgw ppp0 clear; all devices: inetgw clear --all'
        : 'for example: inetgw ppp0 210 1710',
    );
  }
  if (verb === 'clear' && more.length === 0) return [device, 'clear'];
  if (SHOWING.has(verb) && more.length === 0) return [device];
  if (SETTING.has(verb)) {
    const rates = ratesOf(more, named);
    throw usageError(
      `inetgw has no word '${verb}'`,
      rates === undefined
        ? `type: inetgw ${device} UP DOWN, or inetgw apply ${device} for what the file says`
        : `type: inetgw ${device} ${rates.join(' ')}`,
    );
  }
  if (CLEARING.has(verb)) throw clearAdvice(verb, device);
  throw usageError(
    `'${[verb, ...rest].join(' ')}' is one word too many`,
    `type: inetgw ${device}${verb === 'clear' ? ' clear' : ''}`,
  );
}

function clearAdvice(verb: string, device: string): UserError {
  return usageError(`inetgw has no word '${verb}'`, `to take everything away: inetgw ${device} clear`);
}

/** `ppp0`, `ppp0 clear`, `ppp0 210 1710`, `ppp0 up 210 down 1710`, `ppp0 show`. */
function deviceFirst(words: readonly string[], named: NamedRates): string[] {
  const [first = '', ...rest] = words;
  const device = bareDevice(first);
  const last = rest.at(-1) ?? '';
  if (rest.length === 1 && !hasRates(named)) {
    if (last === 'clear') return [device, 'clear'];
    if (SHOWING.has(last) || last === 'status') return [device];
    if (last === 'check' || last === 'apply' || last === 'heal') return [last, device];
    if (SETTING.has(last)) return verbFirst(last, [device], named);
    const meant =
      parseRateBitPerSec(last) === undefined ? closest(last, ['clear', 'show', 'check', 'apply']) : undefined;
    if (meant !== undefined && !CLEARING.has(last)) {
      throw usageError(`'${words.join(' ')}' is not understood`, `did you mean: inetgw ${device} ${meant}?`);
    }
  }
  const isNamed = namesBefore(rest)[0] !== rest[0];
  if (rest.length > 0 && !isNamed && (last === 'clear' || CLEARING.has(last))) {
    if (last === 'clear')
      throw usageError(
        `'${words.join(' ')}' would both set up and clear`,
        `to take everything away: inetgw ${device} clear`,
      );
    throw clearAdvice(last, device);
  }
  if (rest.length === 0 && !hasRates(named)) return [device];
  const rates = ratesOf(rest, named);
  if (rates !== undefined) return [device, ...rates];
  throw usageError(
    words.length <= 2
      ? `'${[...words, ...flagsOf(named)].join(' ')}': UP and DOWN are both needed, or 'clear'`
      : `'${words.join(' ')}' is one word too many`,
    `for example: inetgw ${device} 210 1710, inetgw ${device}, inetgw ${device} clear`,
  );
}

/** `install-hook KIND DEV [UP DOWN]`. */
function installHookWords(words: readonly string[], named: NamedRates): string[] {
  const [command = '', kind, device, ...rest] = words;
  const head = [command, ...[kind, device].filter((word) => word !== undefined)].map(bareDevice);
  if (device === undefined || (rest.length === 0 && !hasRates(named))) {
    refuseRates(words, named);
    return head;
  }
  const rates = ratesOf(rest, named);
  if (rates === undefined && hasRates(named)) {
    throw usageError(
      `'${[...words, ...flagsOf(named)].join(' ')}': UP and DOWN are both needed, each once`,
      'for example: inetgw install-hook ppp ppp0 --up 10mbit --down 50mbit',
    );
  }
  // What is wrong with them, the command says in its own words.
  return [...head, ...(rates ?? rest)];
}

/** Commands without rates: only their device may be written as other programs print it. */
function commandWords(words: readonly string[]): string[] {
  const [command = '', ...rest] = words;
  if (
    command === 'apply' &&
    rest.length === 3 &&
    rest.slice(1).every((word) => parseRateBitPerSec(word) !== undefined)
  ) {
    throw usageError('apply takes its rates from the file', `type: inetgw ${rest.join(' ')}`);
  }
  // As `inetgw DEV`, whose statistics say it of one device.
  if (command === 'status' && rest.length === 1) return rest.map(bareDevice);
  // The word of `config check FILE` is a file.
  return command === 'config' ? [...words] : [command, ...rest.map(bareDevice)];
}

function refuseRates(words: readonly string[], named: NamedRates): void {
  if (!hasRates(named)) return;
  throw usageError(
    `${flagsOf(named)[0] ?? '--up'} does not go with ${words[0] ?? ''}`,
    'rates go with a device: inetgw ppp0 --up 10mbit --down 50mbit',
  );
}

const hasRates = ({ up, down }: NamedRates): boolean => up !== undefined || down !== undefined;

const flagsOf = ({ up, down }: NamedRates): string[] => [
  ...(up === undefined ? [] : [`--up ${up}`]),
  ...(down === undefined ? [] : [`--down ${down}`]),
];

/**
 * UP and DOWN from words with or without names, and from the flags; undefined: one is missing or one is too many.
 *
 * @throws UserError if one is said twice
 */
function ratesOf(typed: readonly string[], named: NamedRates): [string, string] | undefined {
  const words = namesBefore(typed);
  let { up, down } = named;
  const plain: string[] = [];
  const name = (direction: 'up' | 'down', rate: string): void => {
    if ((direction === 'up' ? up : down) !== undefined)
      throw usageError(
        `${direction.toUpperCase()} is said twice`,
        'for example: inetgw ppp0 --up 10mbit --down 50mbit',
      );
    if (direction === 'up') up = rate;
    else down = rate;
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [key = '', value] = word.split(/[=:](.*)/s);
    const direction = directionOf(key);
    const next = words[at + 1];
    if (direction !== undefined && value !== undefined) name(direction, value);
    else if (direction !== undefined && next !== undefined) {
      name(direction, next);
      at++;
    } else plain.push(word);
  }
  const missing = [up, down].filter((rate) => rate === undefined).length;
  if (plain.length > missing && missing < 2) {
    throw usageError(
      `${up === undefined ? 'DOWN' : down === undefined ? 'UP' : 'a rate'} is said twice: '${plain.join(' ')}' beside names`,
      'for example: inetgw ppp0 --up 10mbit --down 50mbit',
    );
  }
  if (plain.length !== missing) return undefined;
  const [one = '', two = ''] = plain;
  return [up ?? one, down ?? (up === undefined ? two : one)];
}

/** `10 mbit` typed as two words is one. */
export function joinUnits(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1);
    if (joined.length > 1 && before !== undefined && isPlainNumber(before) && isRateUnit(word))
      joined[joined.length - 1] = before + word;
    else joined.push(word);
  }
  return joined;
}

/** A device as `ip link` prints it (`eth0@if5:`, `ppp0:`), without what is not its name. */
export function bareDevice(word: string): string {
  return word.replace(/^([A-Za-z0-9_][\w.-]*)(?:@[\w.-]+)?:?$/, '$1');
}
