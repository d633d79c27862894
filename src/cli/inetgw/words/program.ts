/** The words and flags of `inetgw` as commander knows them; completions are generated from it. */
import { Command, Option } from 'commander';
import { definitionOf, SHAPER_KEY_NAMES, type KeyGroup, type ShaperOptions } from '../../../config/keys.ts';
import { usageError } from '../../../core/errors.ts';
import { withHelp } from '../../common/help.ts';
import { HELP_TEXT, SENTENCE } from './help.ts';

export interface GlobalOptions {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  dryRun?: boolean;
  /** `--dry-run=script`, see dryRunWord.ts. */
  dryRunScript?: boolean;
  replace?: boolean;
  /** Rates by name; the words are another way to give them. */
  up?: string;
  down?: string;
  /** What is hardly meant is meant. */
  yes?: boolean;
  color?: boolean;
  config?: string;
  /** Of `inetgw apply`. */
  check?: boolean;
  /** Of `inetgw rules`. */
  format?: string;
  /** Of `inetgw watch`. */
  once?: boolean;
  /** Of `inetgw metrics`: a file. */
  output?: string;
  /** Of `inetgw metrics` and `inetgw serve`: a number. */
  perHost?: string;
  /** Of `inetgw install-hook`. */
  remove?: boolean;
  root?: string;
  /** Of `inetgw clear`. */
  all?: boolean;
  /** Of `inetgw serve`: a file. */
  record?: string;
  /** Of `inetgw serve`: an address, a file, a group. */
  listen?: string;
  /** Of `inetgw watch`, `inetgw serve` and `inetgw metrics`: a file. */
  names?: string;
  /** Of `inetgw watch` and `inetgw serve`: names by reverse look-up. */
  resolve?: boolean;
  /** Of `inetgw watch` and `inetgw serve`: false: none is sent. */
  ping?: boolean;
  /** Of `inetgw serve`: a folder. */
  reports?: string;
  tokenFile?: string;
  changeTokenFile?: string;
  socketGroup?: string;
  /** Of `inetgw DEV clear`, by `inetgw serve` alone: it begins a pause that is noted. */
  forPause?: boolean;
  /** Of `inetgw uninstall`. */
  purge?: boolean;
}

export type Options = ShaperOptions & GlobalOptions;

/** Adds the options of a group's keys, in the order of their table. */
function withKeys(program: Command, wanted: KeyGroup): Command {
  program.optionsGroup(`${wanted}:`);
  for (const name of SHAPER_KEY_NAMES) {
    const { group, takes, help, helpOfNo, otherwise } = definitionOf(name);
    if (group !== wanted) continue;
    const flags = takes === undefined ? `--${name}` : `--${name} <${takes}>`;
    // The opposite comes second: the other way round commander would take the option as given always.
    program.option(flags, otherwise === undefined ? help : `${help} (${otherwise})`);
    if (helpOfNo !== undefined) program.option(`--no-${name}`, helpOfNo);
  }
  return program;
}

export function makeProgram(action: (words: string[], options: Options) => void): Command {
  const program = withHelp(new Command('inetgw'), SENTENCE, HELP_TEXT)
    .usage('DEV UP DOWN [options] | DEV | DEV clear | COMMAND …')
    .argument('[words...]')
    .optionsGroup('The line:')
    .option('--up <RATE>', 'UP by name; with --down, in any order')
    .option('--down <RATE>', 'DOWN by name');
  for (const group of ['The line', 'What comes in', 'What leaves', 'How it is done'] as const)
    withKeys(program, group);
  return program
    .option('--config <FILE>', 'the configuration file (/etc/inetgw.conf)')
    .option('--replace', 'replace queues that somebody else has set')
    .option('-y, --yes', 'do not ask about rates that are hardly meant')
    .optionsGroup('Of one command:')
    .option('--check', 'of inetgw apply: tell whether it would change anything')
    .option('--format <FORM>', 'of inetgw rules: sh, iptables-restore, ip6tables-restore or nft (sh)')
    .option('--once', 'of inetgw watch: print one screen and end')
    .option('--output <FILE>', 'of inetgw metrics: replace this file as a whole')
    .option('--per-host <N>', 'of inetgw metrics and serve --listen: series of the N hosts that took most')
    .option(
      '--names <FILE>',
      'of inetgw watch, metrics and serve --listen: names of hosts, from a lease or hosts file',
    )
    .option('--resolve', 'of inetgw watch and serve --listen: names of hosts by reverse look-up')
    .addOption(hidden('--ping'))
    .option('--no-ping', 'of inetgw watch and serve: send no pings to the next hop')
    .option('--record <FILE>', 'of inetgw serve: write what is seen and decided, line by line')
    .option(
      '--listen <ADDR>',
      'of inetgw serve: a page and an API there: unix:PATH, 127.0.0.1:PORT',
      once('--listen'),
    )
    .option('--reports <DIR>', 'of inetgw serve --listen: results that searchbw has saved there')
    .option('--token-file <FILE>', 'of inetgw serve --listen: what is in it has to come with a request')
    .option(
      '--change-token-file <FILE>',
      'of inetgw serve --listen: with what is in it, rates can be changed, paused and cleared there',
    )
    .option('--socket-group <GROUP>', "of inetgw serve --listen unix:PATH: the socket's group (root)")
    .option('--all', 'of inetgw clear: every device, in every network namespace')
    .option('--remove', 'of inetgw install-hook: take the files away again')
    .option('--root <DIR>', 'of inetgw install-hook: write below this folder (/)')
    .option('--purge', 'of inetgw uninstall: take configuration and logs as well')
    .addOption(hidden('--for-pause'))
    .optionsGroup('In general:')
    .addOption(dryRunOption())
    .addOption(hidden('--dry-run-script').implies({ dryRun: true }))
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print errors only')
    .option('-v, --verbose', 'tell every program that is run')
    .option('--no-color', 'no colour, even on a terminal')
    .option('-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .allowExcessArguments(true)
    .exitOverride()
    .action((words: string[], options: Options) => {
      action(words, options);
    });
}

/** Also the opposite of a `--no-…`, added before it: without, commander has a value where neither was said. */
const hidden = (flag: string): Option => new Option(flag).hideHelp();

/** Of other options the last one counts; who says two of these wants both. */
function once(flag: string): (value: string, earlier: string | undefined) => string {
  return (value, earlier) => {
    if (earlier !== undefined)
      throw usageError(
        `${flag} can be said once: ${earlier}, or ${value}`,
        'a proxy in front can listen in several places',
      );
    return value;
  };
}

/** Shown with the word that may follow it. */
function dryRunOption(): Option {
  const option = new Option('-n, --dry-run', 'tell what would be run or written, change nothing');
  option.flags = '-n, --dry-run[=script]';
  return option;
}
