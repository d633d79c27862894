import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { closest } from '../core/suggest.ts';
import { configError, EXIT, usageError } from '../core/errors.ts';
import { parseCidr } from '../relay/clients/access.ts';
import { isRelayName } from '../relay/control/paths.ts';
import { DEFAULT_OPTIONS } from '../relay/forwarding/forwarder.ts';
import {
  type FileSettings,
  type ForwarderSettings,
  type Mode,
  NO_FILE_SETTINGS,
  parseAddressPort,
  parseLogTarget,
  type Settings,
} from '../relay/daemon/settings.ts';
import { isShareName, parseEngine, SHARE_NAME_FORM } from '../relay/settings/engine.ts';
import { parseSpec } from '../relay/settings/spec.ts';
import { parseTimes, TIME_FORM, type Times } from '../relay/settings/times.ts';
import {
  assign,
  DEFAULT_VARIABLES,
  isVariableName,
  type ParsedVariable,
  parseVariable,
  VARIABLE_NAMES,
  type Variables,
} from '../relay/settings/variables.ts';
import { withHelp } from './common/help.ts';
import { checkOptionValues } from './common/optionValues.ts';
import { CONFIG_LIMIT_BYTES, readTextFile, whyUnreadable } from '../system/exec/textFile.ts';
import { VERSION } from '../core/version.ts';

/** The forwarder of the command line has this number; further ones count on. */
const FIRST_NUMBER = 99;

const SENTENCE = `Forwards TCP connections and holds them to a bandwidth: all connections share
one limit, in user space, where the kernel is out of reach.`;

const HELP_TEXT = `
A proxyspec is [bind_address:]local_port:remote_host:remote_port, as in ssh.
Ports are numbers, services (8080:host:http) or ranges (8000-8010:host:9000);
local port 0 is any that is free.
Limits are in bytes per second for each direction: 512, 100k, 100kB/s, or in
bits where they are spelt out: 1mbit. Without -d there is a prompt: try ? there.

Other commands:
  iprelay attach [NAME]                  the prompt of a running daemon
  iprelay ctl NAME COMMAND... [--json]   one command to it
  iprelay list [--json]                  the running daemons
  iprelay status NAME [--json]           one of them; exit code 1 if it does
                                         not run
  iprelay reload NAME                    reads its configuration again
  iprelay stop NAME                      ends it (SIGTERM), and waits for that

Examples:
  iprelay -d 110:1.2.3.4:110             forward POP3 to the new machine
  iprelay -d -b 512 10080:www.microsoft.com:80
                                         never more than 512 bytes per second
  iprelay -d -b 1024 10110:localhost:10001
                                         a sub-channel through another relay
  iprelay ctl 10110 set bandwidth 2048   change it while it runs

Exit codes:
  0      done
  1      failed
  2      wrong usage
  4      no privilege
  5      a program or kernel feature is missing
  6      bad configuration
  128+n  ended by signal n
`;

interface Flags {
  d?: true;
  foreground?: true;
  b?: string;
  up?: string;
  down?: string;
  times?: string[];
  config?: string;
  name?: string;
  pidFile?: string;
  log?: string;
  logFormat?: string;
  metrics?: string;
  api?: string;
  apiToken?: string;
  populate?: string;
  share?: string;
  shareName?: string;
  allow?: string[];
  set?: string[];
  bindRetry?: true;
}

const collect = (value: string, all: string[] = []): string[] => [...all, value];

/** Completions are generated from it. */
export function makeProgram(): Command {
  return withHelp(new Command('iprelay'), SENTENCE, HELP_TEXT)
    .usage('[options] [proxyspec...]')
    .argument('[proxyspec...]')
    .optionsGroup('How it runs:')
    .option('-d', 'run as a daemon in the background')
    .option('-f, --foreground', 'serve in the foreground without a prompt (for systemd)')
    .optionsGroup('Limits and access:')
    .option('-b <n>', 'limit in bytes per second for each direction')
    .option('--up <n>', 'another limit from client to server')
    .option('--down <n>', 'another limit from server to client')
    .option('--times <time>', 'another limit at times: "mon-fri 18:00-23:00 500k" (may be repeated)', collect)
    .option('--share <engine>', 'share the limit with relays elsewhere: redis://host')
    .option('--share-name <name>', 'which limit is shared (default: default)')
    .option('--allow <network>', 'only clients of this network (may be repeated)', collect)
    .optionsGroup('Configuration and log:')
    .option('-c, --config <file>', 'configuration file (TOML); SIGHUP reads it again')
    .option('--name <name>', 'name for attach and ctl (default: the first local port)')
    .option('--pid-file <file>', 'write the process number there')
    .option('--log <target>', 'none, stderr, syslog, journal or a file')
    .option('--log-format <format>', 'readable or json')
    .option('--metrics <[address:]port>', 'Prometheus metrics on this address')
    .option('--api <[address:]port>', "HTTP API for toxiproxy's client libraries")
    .option('--api-token <file>', 'its token, needed where others can ask')
    .option('--populate <file>', "proxies of the API, in toxiproxy's JSON")
    .option('--set <name=value>', 'set a variable (may be repeated)', collect)
    .option('--bind-retry', 'try a port that is not free again every 5 s, 20 times')
    .optionsGroup('In general:')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride();
}

/** Runs `iprelay` with the words after its name; resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv;
  if (first === 'help') return run(['--help']);
  if (first === 'version') {
    process.stdout.write(`iprelay ${VERSION}\n`);
    return EXIT.ok;
  }
  if (isRemoteCommand(first)) {
    const client = await import('../relay/control/commands.ts');
    return client[first](rest);
  }
  const parsed = parseArguments(argv);
  if (parsed === undefined) return EXIT.ok;
  const settings = await readSettings(parsed.flags, parsed.specs);
  const { start } = await import('../relay/daemon/start.ts');
  return start(settings);
}

/** First words that are no proxyspec. */
export const REMOTE_COMMANDS = ['attach', 'ctl', 'list', 'stop', 'reload', 'status'] as const;

const isRemoteCommand = (word: string | undefined): word is (typeof REMOTE_COMMANDS)[number] =>
  REMOTE_COMMANDS.some((each) => each === word);

/** What others call the options that have no long name here. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['--daemon', '-d'],
  ['--daemonize', '-d'],
  ['--background', '-d'],
  ['--bandwidth', '-b'],
  ['--limit', '-b'],
]);

/** Undefined after `--help` or `--version`. */
function parseArguments(argv: readonly string[]): { flags: Flags; specs: string[] } | undefined {
  const command = makeProgram();
  try {
    checkOptionValues(command, argv);
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    const option = /^error: unknown option '(--\w+)/.exec(error.message)?.[1] ?? '';
    const meant = OTHER_WORDS.get(option);
    throw usageError(
      error.message.replace(/^error: /, ''),
      meant === undefined ? 'try: iprelay --help' : `did you mean ${meant}?`,
    );
  }
  return { flags: command.opts<Flags>(), specs: command.args };
}

/** Checks everything that can be checked before anything is started. */
export async function readSettings(flags: Flags, specs: readonly string[]): Promise<Settings> {
  const configFile = flags.config === undefined ? undefined : resolve(flags.config);
  const file = configFile === undefined ? NO_FILE_SETTINGS : await readConfig(configFile);
  const forwarders = specs.map(forwarderOf);
  const mode: Mode = flags.d === true ? 'daemon' : flags.foreground === true ? 'foreground' : 'prompt';
  if (flags.d === true && flags.foreground === true)
    throw usageError('-d and --foreground exclude each other', 'take one of them');
  // With the API forwarders come later.
  if (forwarders.length + file.forwarders.length === 0 && flags.api === undefined && file.api === undefined) {
    const needy = mode === 'daemon' ? '-d' : mode === 'foreground' ? '--foreground' : undefined;
    const option = needy ?? (flags.b === undefined ? undefined : '-b');
    if (option !== undefined) {
      throw usageError(`${option} needs a proxyspec`, 'as in: iprelay -d -b 512 10080:www.microsoft.com:80');
    }
  }
  const taken = file.forwarders.find(({ number }) => forwarders.some((each) => each.number === number));
  if (taken !== undefined)
    throw usageError(
      `forwarder ${taken.number} is in ${configFile ?? ''} already`,
      'proxyspecs of the command line are numbered from 1: give that of the file a higher number',
    );
  const variables = variablesOf(flags);
  const all = [...forwarders, ...file.forwarders];
  const firstPort = all.map(({ spec }) => spec.localPort).find((port) => port > 0);
  const name = flags.name ?? file.name ?? String(firstPort ?? process.pid);
  if (!isRelayName(name))
    throw usageError(`not a name: ${name}`, 'letters, digits, dot and dash, at most 32');
  return {
    ...file,
    mode,
    configFile,
    forwarders: all,
    forwardersOfFile: file.forwarders.map(({ number }) => number),
    // The command line stands above the file.
    variables: [...file.variables, ...variables],
    fromCommandLine: variables.map((parsed) => parsed.name),
    allow: [...checkedNetworks(flags.allow ?? []), ...file.allow],
    allowFromCommandLine: flags.allow ?? [],
    timesFromCommandLine: checkedTimes(flags.times),
    name,
    pidFile: flags.pidFile === undefined ? file.pidFile : resolve(flags.pidFile),
    log: logTarget(flags.log, file, mode, name),
    logFormat: logFormat(flags.logFormat) ?? file.logFormat ?? 'readable',
    metrics: flags.metrics === undefined ? file.metrics : metricsAddress(flags.metrics),
    bindRetry: flags.bindRetry === true,
    ...apiSettings(flags, file),
    ...shareSettings(flags, file, [...file.variables, ...variables]),
  };
}

/** The API, and what it needs; throws where everybody could drive it. */
function apiSettings(flags: Flags, file: FileSettings): Pick<Settings, 'api' | 'apiToken' | 'populate'> {
  const api = flags.api === undefined ? file.api : parseAddressPort(flags.api, 0);
  if (flags.api !== undefined && api === undefined)
    throw usageError(`--api: not a port or address:port: ${flags.api}`, 'as in: 8474 or 127.0.0.1:8474');
  const apiToken = flags.apiToken === undefined ? file.apiToken : resolve(flags.apiToken);
  const populate = flags.populate === undefined ? file.populate : resolve(flags.populate);
  if (api === undefined && (apiToken ?? populate) !== undefined)
    throw usageError(
      `${apiToken === undefined ? '--populate' : '--api-token'} goes with --api alone`,
      'as in: --api 8474',
    );
  if (api !== undefined && apiToken === undefined && !/^(?:127\.[\d.]+|::1|localhost)$/.test(api.host))
    throw usageError(`--api on ${api.host} needs --api-token`, 'others than this machine could drive it');
  return { api, apiToken, populate };
}

/** The engine; throws where there is nothing to share. */
function shareSettings(
  flags: Flags,
  file: FileSettings,
  parsed: readonly ParsedVariable[],
): Pick<Settings, 'engine' | 'shareName'> {
  const engine = flags.share === undefined ? file.engine : parseEngine(flags.share);
  if (typeof engine === 'string') throw usageError(`--share: ${engine}`);
  const shareName = flags.shareName ?? file.shareName;
  if (engine === undefined && shareName !== undefined)
    throw usageError('--share-name goes with --share alone', 'as in: --share redis://HOST');
  if (shareName !== undefined && !isShareName(shareName))
    throw usageError(`--share-name: not a name: ${shareName}`, SHARE_NAME_FORM);
  const variables: Variables = { ...DEFAULT_VARIABLES };
  for (const each of parsed) assign(variables, each);
  const { bandwidth, bandwidth_up, bandwidth_down } = variables;
  if (engine !== undefined && bandwidth + bandwidth_up + bandwidth_down === 0)
    throw usageError('there is no limit to share', 'as in: -b 100k');
  return { engine, shareName };
}

async function readConfig(path: string): Promise<FileSettings> {
  const text = await readTextFile(path, { limitBytes: CONFIG_LIMIT_BYTES }).catch((error: unknown) => {
    throw configError(`cannot read ${path}: ${whyUnreadable(error)}`);
  });
  return (await import('../relay/daemon/config.ts')).parseConfig(text, path);
}

function forwarderOf(text: string, index: number, all: readonly string[]): ForwarderSettings {
  const result = parseSpec(text);
  if (!result.ok) {
    throw result.problem === 'ports'
      ? usageError(`bad port values in ${text}: ${result.why}`)
      : usageError(`not a proxyspec: ${text}`, specHint(text, all));
  }
  return { number: FIRST_NUMBER + index, spec: result.spec, options: DEFAULT_OPTIONS };
}

function specHint(text: string, all: readonly string[]): string {
  const [name = '', verb, ...rest] = all;
  if (isRemoteCommand(verb) && isRelayName(name))
    return `did you mean: iprelay ${verb}${verb === 'list' ? '' : ` ${[name, ...rest].join(' ')}`}?`;
  const command = closest(text, [...REMOTE_COMMANDS, 'help']);
  if (command !== undefined) return `did you mean: iprelay ${command}?`;
  if (text.includes('://')) return 'a host, and no URL: as in 8080:www.somewhere.net:80';
  return 'as in: 8080:www.somewhere.net:80, 8080:[2001:db8::1]:80';
}

function variablesOf(flags: Flags): ParsedVariable[] {
  const texts: [option: string, name: string, value: string][] = [];
  if (flags.b !== undefined) {
    texts.push(['-b', 'bandwidth', flags.b]);
    // It is for each direction: what the file says for one of them must not stand above it.
    texts.push(['-b', 'bandwidth_up', '0'], ['-b', 'bandwidth_down', '0']);
  }
  if (flags.up !== undefined) texts.push(['--up', 'bandwidth_up', flags.up]);
  if (flags.down !== undefined) texts.push(['--down', 'bandwidth_down', flags.down]);
  for (const text of flags.set ?? []) {
    const at = text.indexOf('=');
    if (at < 0) throw usageError(`--set ${text}: must be name=value`);
    texts.push(['--set', text.slice(0, at), text.slice(at + 1)]);
  }
  return texts.map(([option, name, value]) => {
    if (!isVariableName(name)) {
      const meant = closest(name, VARIABLE_NAMES);
      throw usageError(
        `${option}: no variable ${name}`,
        meant === undefined ? undefined : `did you mean ${meant}?`,
      );
    }
    const parsed = parseVariable(name, value);
    if (typeof parsed === 'string') throw usageError(`${option}: ${parsed}`);
    return parsed;
  });
}

function checkedNetworks(texts: readonly string[]): readonly string[] {
  const wrong = texts.find((text) => parseCidr(text) === undefined);
  if (wrong !== undefined) throw usageError(`--allow: not a network: ${wrong}`, 'as in: 192.0.2.0/24');
  return texts;
}

function checkedTimes(texts: readonly string[] | undefined): Times | undefined {
  const times = texts === undefined ? undefined : parseTimes(texts, 'process');
  if (typeof times === 'string') throw usageError(`--times: ${times}`, `as in: --times "${TIME_FORM}"`);
  return times;
}

function logTarget(flag: string | undefined, file: FileSettings, mode: Mode, name: string): Settings['log'] {
  if (flag !== undefined) {
    const target = parseLogTarget(flag);
    return typeof target === 'object' ? { file: resolve(target.file) } : target;
  }
  if (file.log !== undefined) return file.log;
  if (mode === 'prompt') return 'none';
  if (mode === 'foreground') return 'stderr';
  const state = process.env['XDG_STATE_HOME'] ?? `${process.env['HOME'] ?? '/tmp'}/.local/state`;
  const folder = process.getuid?.() === 0 ? '/var/log' : `${state}/inetgw`;
  return { file: `${folder}/iprelay-${name}.log` };
}

function logFormat(text: string | undefined): 'json' | 'readable' | undefined {
  if (text === undefined || text === 'json' || text === 'readable') return text;
  throw usageError(`--log-format: readable or json, not ${text}`);
}

function metricsAddress(text: string): { host: string; port: number } {
  const address = parseAddressPort(text);
  if (address === undefined)
    throw usageError(`--metrics: not a port or address:port: ${text}`, 'as in: 9100 or 127.0.0.1:9100');
  return address;
}
