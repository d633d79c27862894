/** Everything a relay is started with, checked: from the command line and the configuration file. */
import type { Limits } from '../settings/direction.ts';
import type { ForwarderOptions } from '../forwarding/forwarder.ts';
import type { Engine } from '../settings/engine.ts';
import type { ProxySpec } from '../settings/spec.ts';
import { keysOfWord, type Times, withoutKeys } from '../settings/times.ts';
import type { ParsedVariable, VariableName } from '../settings/variables.ts';

export type LogTarget = 'none' | 'stderr' | 'syslog' | 'journal' | { readonly file: string };

export interface ForwarderSettings {
  readonly number: number;
  readonly spec: ProxySpec;
  readonly options: ForwarderOptions;
}

/** A group of forwarders. */
export interface GroupSettings {
  readonly name: string;
  readonly limits: Limits;
  readonly times: Times;
}

/** What the configuration file can say, and be read again on SIGHUP. */
export interface FileSettings {
  readonly variables: readonly ParsedVariable[];
  readonly forwarders: readonly ForwarderSettings[];
  readonly groups: readonly GroupSettings[];
  /** When limits of the process are others. */
  readonly times: Times;
  readonly allow: readonly string[];
  readonly name: string | undefined;
  readonly log: LogTarget | undefined;
  readonly logFormat: 'json' | 'readable' | undefined;
  readonly pidFile: string | undefined;
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** Where the HTTP API answers; port 0 is any. */
  readonly api: { readonly host: string; readonly port: number } | undefined;
  /** The file with the API's token. */
  readonly apiToken: string | undefined;
  /** Where the limit is shared with relays on other machines. */
  readonly engine: Engine | undefined;
  readonly shareName: string | undefined;
  /** A file of proxies for the API, in toxiproxy's JSON. */
  readonly populate: string | undefined;
}

export const NO_FILE_SETTINGS: FileSettings = {
  variables: [],
  forwarders: [],
  groups: [],
  times: [],
  allow: [],
  name: undefined,
  log: undefined,
  logFormat: undefined,
  pidFile: undefined,
  metrics: undefined,
  api: undefined,
  apiToken: undefined,
  engine: undefined,
  shareName: undefined,
  populate: undefined,
};

/** `prompt` reads commands, `foreground` serves until a signal, `daemon` does so in the background. */
export type Mode = 'prompt' | 'foreground' | 'daemon';

export interface Settings extends FileSettings {
  readonly mode: Mode;
  readonly name: string;
  readonly log: LogTarget;
  readonly logFormat: 'json' | 'readable';
  readonly configFile: string | undefined;
  /** Variables and networks of the command line; they stay when the file is read again. */
  readonly fromCommandLine: readonly VariableName[];
  readonly allowFromCommandLine: readonly string[];
  /** Instead of those of the file; undefined where it names none. */
  readonly timesFromCommandLine: Times | undefined;
  /** Numbers of the forwarders that the file set. */
  readonly forwardersOfFile: readonly number[];
  /** A bind that fails is tried again every 5 s, 20 times, as the original did. */
  readonly bindRetry: boolean;
}

/** The times of the process: of the command line, else of the file as far as they are above no limit of the command line. */
export function timesOf(
  { times }: Pick<FileSettings, 'times'>,
  started: Pick<Settings, 'fromCommandLine' | 'timesFromCommandLine'>,
): Times {
  return started.timesFromCommandLine ?? withoutKeys(times, started.fromCommandLine.flatMap(keysOfWord));
}

/** `9100`, `127.0.0.1:9100`, `[::1]:9100`; without an address only this machine may ask. */
export function parseAddressPort(text: string, least = 1): { host: string; port: number } | undefined {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[\w.-]+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? 0);
  if (match === null || port < least || port > 65_535) return undefined;
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}

/** Where the log goes: one of the words, or a file. */
export function parseLogTarget(text: string): LogTarget {
  return text === 'none' || text === 'stderr' || text === 'syslog' || text === 'journal'
    ? text
    : { file: text };
}
