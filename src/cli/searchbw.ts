/** The `searchbw` command: words and flags in, the rooms of src/search/ put together, results out. */
import { Command, CommanderError } from 'commander';
import { unknownVariables } from '../config/values.ts';
import { EXIT, UserErrors, usageError, type UserError } from '../core/errors.ts';
import {
  checkArguments,
  checkShow,
  isDirection,
  type Checked,
  type Origin,
} from '../search/arguments/arguments.ts';
import type { RawOptions } from '../search/arguments/rawOptions.ts';
import { withHelp } from './common/help.ts';
import { checkOptionValues } from './common/optionValues.ts';
import { bareDevice, joinUnits } from './inetgw/words/words.ts';
import { messageLine } from '../core/messageLine.ts';

const SENTENCE = `Finds the raw rate of an internet line: sets the shaper to one bandwidth after
the other, measures answer time and user data under load, and recommends the
highest bandwidth that still answers at once.`;

const HELP_TEXT = `
DEV DOWN|UP LOWER-UPPER STEP PINGS OTHER
  DOWN|UP       the direction to measure; keep it full with large downloads
                (or uploads)
  LOWER-UPPER   the interval, in steps of STEP: kbit/s, or with a unit: 1.7mbit
  PINGS         pings per line: 5 for an overview, 100 in detail
  OTHER         the fixed rate of the other direction
DEV DOWN|UP --auto [OTHER]
                without an interval: narrows down by itself
DEV AUTO        both directions, one after the other
show FILE       shows a stored result again, in any form

Examples:
  An overview first, then in detail, then the uplink:
    searchbw ppp0 DOWN 1300-1800 50 5 210
    searchbw ppp0 DOWN 1650-1750 20 100 210
    searchbw ppp0 UP 150-250 10 5 1710
  By itself, with a load of its own and a report to look at:
    searchbw ppp0 AUTO --load URL --load-up URL --report line.html
  A stored result again:
    searchbw show line.json --csv

Exit codes:
  0      a value was recommended
  1      failed, or none can be recommended
  2      wrong usage
  4      no privilege
  5      a program or kernel feature is missing
  6      bad configuration
  128+n  ended by signal n
`;

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

/** Completions are generated from it. */
export function makeProgram(): Command {
  return withHelp(new Command('searchbw'), SENTENCE, HELP_TEXT)
    .usage('DEV DOWN|UP LOWER-UPPER STEP PINGS OTHER [options]')
    .argument('[words...]')
    .optionsGroup('What is looked for:')
    .option('--up <rate>', 'OTHER by name, for DOWN')
    .option('--down <rate>', 'OTHER by name, for UP')
    .option('--auto', 'find the value without an interval')
    .optionsGroup('How it is measured:')
    .option('--ping-host <host>', 'the host to ping; otherwise the PPP peer or the first router that answers')
    .option('--towards <host>', 'look for that router on the way to this host (default 1.1.1.1, 8.8.8.8)')
    .option('--max-rtt <ms>', 'acceptable average answer time (default 100)')
    .option('--max-loss <percent>', 'acceptable loss of pings (default 2)')
    .option('--ping-interval <ms>', 'time between pings (default 200 to 1000, so that a line takes 5 s)')
    .option('--settle <time>', 'wait at most so long for the queue to settle (default 25s)')
    .option('--load <url>', 'download this while measuring DOWN; repeatable', collect)
    .option('--load-up <url>', 'upload to this while measuring UP; repeatable', collect)
    .option('--streams <n>', 'parallel transfers per URL (default 4)')
    .optionsGroup('The line:')
    .option('--framing <keyword>', 'framing of the line, as for inetgw: vdsl, docsis, …')
    .option('--linklayer <kind>', 'atm, ptm or ethernet, as for inetgw')
    .option('--overhead <bytes>', 'bytes per packet, as for inetgw')
    .option('--mpu <bytes>', 'the shortest frame, as for inetgw')
    .option('--pacing <way>', 'auto: also measure what is found with window pacing; off: use none')
    .optionsGroup('Output:')
    .option('--json', 'the result as JSON on standard output')
    .option('--csv', 'one CSV line per measurement on standard output')
    .option('--report <file>', 'write a page with curves and all samples (HTML)')
    .option('--save <file>', 'write the result (JSON), for searchbw show')
    .option('--log', 'logarithmic answer time in the terminal plot')
    .option('--no-plot', 'no plot in the terminal')
    .option('--no-color', 'no colour (also NO_COLOR and TERM=dumb)')
    .optionsGroup('In general:')
    .option('-q, --quiet', 'no progress on standard error')
    .option('-y, --yes', 'do not ask before a run of more than 30 minutes')
    .option('-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride();
}

/** Runs `searchbw` with the words after its name; resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const command = makeProgram();
  try {
    checkOptionValues(command, argv);
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    throw usageError(error.message.replace(/^error: /, ''), "'searchbw --help' shows how it is used");
  }
  const options = command.opts<RawOptions & { version?: boolean }>();
  if (options.version === true) {
    const { VERSION } = await import('../core/version.ts');
    process.stdout.write(`searchbw ${VERSION}\n`);
    return EXIT.ok;
  }
  const words = joinUnits(command.args);
  const [typedFirst, ...rest] = words;
  if (typedFirst === 'help') return run(['--help']);
  if (typedFirst === undefined)
    throw usageError('what is to be measured?', 'searchbw ppp0 DOWN 1300-1800 50 5 210');
  if (typedFirst === 'show') {
    const { show } = await import('../search/result/show.ts');
    return show(settingsOf(checkShow(rest, options)));
  }
  // `searchbw DOWN ppp0 …`: a direction is no device.
  const isTurned = isDirection(typedFirst) && rest[0] !== undefined && !isDirection(rest[0]);
  const [typedDevice = '', ...others] = isTurned
    ? [...rest.slice(0, 1), typedFirst, ...rest.slice(1)]
    : words;
  const first = await deviceOf(typedDevice, options);
  if (options.quiet !== true) warnOfEnvironment();
  const { all, origin } = await withConfiguration(first, options);
  const checked = checkArguments([first, ...others], all, origin);
  const { measureAndShow, outsideErrors } = await import('../search/program.ts');
  // What only the system knows is asked at once with what was mistyped, so that one try tells all.
  const errors = [...checked.errors, ...(checked.wordsFit ? await outsideErrors(first, options) : [])];
  const settings = settingsOf({ ...checked, errors });
  return measureAndShow(settings);
}

/** The device by the kernel's name, however it was called. */
async function deviceOf(typed: string, { quiet }: RawOptions): Promise<string> {
  const word = bareDevice(typed);
  const { kernelNameOf } = await import('../system/link/deviceName.ts');
  const name = await kernelNameOf(word);
  if (name !== undefined && quiet !== true)
    process.stderr.write(messageLine('searchbw', `${word} is ${name}`));
  return name ?? word;
}

function warnOfEnvironment(): void {
  for (const text of unknownVariables(process.env)) process.stderr.write(messageLine('searchbw', text));
}

/** What /etc/inetgw.conf says about the device, below what was typed. */
async function withConfiguration(
  device: string,
  typed: RawOptions,
): Promise<{ all: RawOptions; origin: Origin }> {
  const { configuration, configuredFraming, sectionOf, searchOptions } =
    await import('./inetgw/words/configured.ts');
  const section = sectionOf(await configuration({}), device);
  if (section === undefined) return { all: typed, origin: { typed, configured: undefined } };
  return {
    all: { ...searchOptions(section, typed), ...typed },
    origin: { typed, configured: configuredFraming(section) },
  };
}

function settingsOf<T>({ settings, errors }: Checked<T>): T {
  const unique = new Map<string, UserError>(errors.map((error) => [error.message, error]));
  if (settings === undefined || unique.size > 0) throw new UserErrors([...unique.values()]);
  return settings;
}
