/** The words and flags of `inetgw` as commander knows them; completions are generated from it. */
import { Command, Option } from 'commander';
import type { ShaperOptions } from '../config/fromArguments.ts';
import { withHelp } from './help.ts';
import { HELP_TEXT, SENTENCE } from './inetgwHelp.ts';

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
  /** Of `inetgw rules`. */
  format?: string;
  /** Of `inetgw install-hook`. */
  remove?: boolean;
  root?: string;
  /** Of `inetgw uninstall`. */
  purge?: boolean;
}

export type Options = ShaperOptions & GlobalOptions;

export function makeProgram(action: (words: string[], options: Options) => void): Command {
  return (
    withHelp(new Command('inetgw'), SENTENCE, HELP_TEXT)
      .usage('DEV UP DOWN [options] | DEV | DEV clear | COMMAND …')
      .argument('[words...]')
      .optionsGroup('The line:')
      .option('--up <RATE>', 'UP by name; with --down, in any order')
      .option('--down <RATE>', 'DOWN by name')
      .option('--framing <KEYWORD>', 'what the line adds to a packet, by name')
      .option('--linklayer <KIND>', 'the same by its parts: atm, ptm or ethernet')
      .option('--overhead <N>', 'bytes that the line adds to an IP packet')
      .option('--mpu <N>', 'the shortest frame on the line in bytes')
      .optionsGroup('What comes in:')
      // Before --no-large-downloads: the other way round commander would take it as given always.
      .option('--large-downloads', 'drop marked packets of large downloads, whatever the file says')
      .option('--no-large-downloads', 'leave the large-download rule out')
      .option('--large-download <SIZE>', 'a download is large above this size (10mb)')
      .option(
        '--large-download-ports <LIST>',
        'server ports of downloads (80,443,8080,8443,20,21,989,990,udp/443)',
      )
      .option('--large-packet <BYTES>', 'packets from this length are dropped above 99 % (1024)')
      .option('--mark <N>', 'firewall mark of packets above 98 % (20)')
      .optionsGroup('What leaves:')
      .option('--interactive-ports <LIST>', 'ports whose traffic must not wait, such as udp/5060')
      .option('--interactive-dscp <LIST>', 'DSCP values that must not wait (ef,va,cs4,cs5,cs6,cs7)')
      .option('--interactive-hosts <LIST>', 'addresses and networks whose traffic must not wait')
      .option('--bulk-ports <LIST>', 'ports whose traffic may always wait (25,465,587)')
      .option('--bulk-dscp <LIST>', 'DSCP values that may always wait (cs1,le)')
      .option('--bulk-hosts <LIST>', 'addresses and networks whose traffic may always wait')
      .option('--large-upload <SIZE>', 'an upload is bulk above this size (10mb)')
      .optionsGroup('How it is done:')
      .option('--firewall <TOOL>', 'what carries the rules: auto, nft, iptables or none (auto)')
      .option(
        '--ingress <WAY>',
        'drop what comes in too fast, or queue it on an ifb: auto, police, shape, shape-cake or shape-htb (auto)',
      )
      .option('--pacing <WAY>', 'window pacing of downloads by TCP: auto, bpf or off (auto)')
      .option('--config <FILE>', 'the configuration file (/etc/inetgw.conf)')
      .option('--replace', 'replace queues that somebody else has set')
      .option('-y, --yes', 'do not ask about rates that are hardly meant')
      .optionsGroup('Of one command:')
      .option('--format <FORM>', 'of inetgw rules: sh, iptables-restore, ip6tables-restore or nft (sh)')
      .option('--remove', 'of inetgw install-hook: take the files away again')
      .option('--root <DIR>', 'of inetgw install-hook: write below this folder (/)')
      .option('--purge', 'of inetgw uninstall: take configuration and logs as well')
      .optionsGroup('In general:')
      .addOption(dryRunOption())
      .addOption(new Option('--dry-run-script').implies({ dryRun: true }).hideHelp())
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
      })
  );
}

/** Shown with the word that may follow it. */
function dryRunOption(): Option {
  const option = new Option('-n, --dry-run', 'tell what would be run or written, change nothing');
  option.flags = '-n, --dry-run[=script]';
  return option;
}
