/** The `inetgw` command: what its words mean, and what it says. */
import { Command, CommanderError } from 'commander';
import type { ShaperOptions } from '../config/fromArguments.ts';
import { EXIT, usageError } from '../errors.ts';
import { HELP_TEXT } from './inetgwHelp.ts';

export interface GlobalOptions {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
  dryRun?: boolean;
  replace?: boolean;
  color?: boolean;
}

type Options = ShaperOptions & GlobalOptions;

/** Runs `inetgw` with the words after its name; resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let result = Promise.resolve<number>(EXIT.ok);
  const program = makeProgram((words, options) => {
    result = dispatch(words, options);
  });
  try {
    program.parse(argv, { from: 'user' });
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

function makeProgram(action: (words: string[], options: Options) => void): Command {
  return new Command('inetgw')
    .usage('DEV UP DOWN [options] | DEV | DEV clear | check DEV')
    .argument('[words...]')
    .helpOption('-h, --help', 'show this help')
    .option('--framing <KEYWORD>', 'what the line adds to a packet, by name')
    .option('--linklayer <atm|ptm|ethernet>', 'the same by its parts: the cells or coding of the line')
    .option('--overhead <N>', 'bytes that the line adds to an IP packet')
    .option('--mpu <N>', 'the shortest frame on the line in bytes')
    .option('--no-large-downloads', 'leave the large-download rule out')
    .option('--large-download <SIZE>', 'a download is large above this size (10mb)')
    .option(
      '--large-download-ports LIST',
      'server ports of downloads (80,443,8080,8443,20,21,989,990,udp/443)',
    )
    .option('--large-packet <BYTES>', 'packets from this length are dropped above 99 % (1024)')
    .option('--mark <N>', 'firewall mark of packets above 98 % (20)')
    .option('--bulk-ports <LIST>', 'ports whose traffic may always wait (25,465,587)')
    .option('--large-upload <SIZE>', 'an upload is bulk above this size (10mb)')
    .option('--firewall <auto|nft|iptables|none>', 'what carries the firewall rules (auto)')
    .option('--replace', 'replace queues that somebody else has set')
    .option('-n, --dry-run', 'print what would be run, change nothing')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'print errors only')
    .option('-v, --verbose', 'tell every program that is run')
    .option('--no-color', 'no colour, even on a terminal')
    .option('-V, --version', 'print the version')
    .addHelpText('after', HELP_TEXT)
    .allowExcessArguments(true)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .action((words: string[], options: Options) => {
      action(words, options);
    });
}

async function dispatch(words: readonly string[], options: Options): Promise<number> {
  const [first, second, third] = words;
  if (first === undefined) {
    throw usageError('which device? For example: inetgw ppp0 210 1710', 'inetgw --help shows how it is used');
  }
  if (first === 'check') {
    if (second === undefined || words.length > 2)
      throw usageError('check takes one device: inetgw check ppp0');
    return (await import('./inetgwCheck.ts')).checkCommand(second, options);
  }
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
