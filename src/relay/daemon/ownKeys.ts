/**
 * The keys of the configuration file that stand by themselves: neither variables, which the prompt sets too
 * (`../settings/variables.ts`), nor tables of forwarders and groups (`config.ts`). A key is an entry here, a member of
 * `FileSettings`, and a line in docs/man/iprelay.1.
 */
import { resolve } from 'node:path';
import { parseCidr } from '../clients/access.ts';
import { isRelayName } from '../control/paths.ts';
import { isShareName, parseEngine, SHARE_NAME_FORM } from '../settings/engine.ts';
import { parseTimes, TIME_FORM, type Times, type TimesOf } from '../settings/times.ts';
import { type FileSettings, type LogTarget, parseAddressPort, parseLogTarget } from './settings.ts';

/** What a key sets, or what is wrong with its value. */
type Parse = (value: unknown, file: string) => Partial<FileSettings> | string;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const addressPort = (value: unknown, least?: number): FileSettings['api'] =>
  typeof value === 'string' || typeof value === 'number' ? parseAddressPort(String(value), least) : undefined;

/** A file that is named by where it lies from the configuration file. */
const fileFor =
  (member: 'pidFile' | 'apiToken' | 'populate'): Parse =>
  (value, file) =>
    isText(value) ? { [member]: resolve(file, '..', value) } : 'not a file name';

const beside = (file: string, target: LogTarget): LogTarget =>
  typeof target === 'object' ? { file: resolve(file, '..', target.file) } : target;

/** Times, also of a forwarder or a group. */
export function readTimes(value: unknown, of: TimesOf): Times | string {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.filter((each) => typeof each === 'string');
  if (texts.length < list.length) return `must be a list, as ["${TIME_FORM}"]`;
  return parseTimes(texts, of);
}

const PARSERS = {
  name: (value) =>
    typeof value === 'string' && isRelayName(value)
      ? { name: value }
      : 'letters, digits, dot, dash, up to 32',
  log: (value, file) =>
    isText(value) ? { log: beside(file, parseLogTarget(value)) } : 'none, stderr, syslog, journal or a file',
  log_format: (value) =>
    value === 'json' || value === 'readable' ? { logFormat: value } : 'json or readable',
  pid_file: fileFor('pidFile'),
  metrics: (value) => {
    const metrics = addressPort(value);
    return metrics === undefined ? 'not a port or address:port' : { metrics };
  },
  api: (value) => {
    const api = addressPort(value, 0);
    return api === undefined ? 'not a port or address:port' : { api };
  },
  api_token: fileFor('apiToken'),
  populate: fileFor('populate'),
  share: (value) => {
    const engine = typeof value === 'string' ? parseEngine(value) : 'not the address of an engine';
    return typeof engine === 'string' ? engine : { engine };
  },
  share_name: (value) =>
    typeof value === 'string' && isShareName(value) ? { shareName: value } : SHARE_NAME_FORM,
  times: (value) => {
    const times = readTimes(value, 'process');
    return typeof times === 'string' ? times : { times };
  },
  allow: (value) => {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    const wrong = list.find((each) => typeof each !== 'string' || parseCidr(each) === undefined);
    return wrong === undefined
      ? { allow: list.map(String) }
      : `not a network: ${JSON.stringify(wrong)} (for instance 192.0.2.0/24)`;
  },
} satisfies Record<string, Parse>;

type OwnKey = keyof typeof PARSERS;

export const OWN_KEYS = Object.keys(PARSERS) as OwnKey[];

export const isOwnKey = (key: string): key is OwnKey => Object.hasOwn(PARSERS, key);

/** What the key sets, or what is wrong with its value, beginning with the key. */
export function parseOwn(key: OwnKey, value: unknown, file: string): Partial<FileSettings> | string {
  const parse: Parse = PARSERS[key];
  const parsed = parse(value, file);
  return typeof parsed === 'string' ? `${key}: ${parsed}` : parsed;
}
