/** Which Redis or Valkey server relays share a limit by: `redis://[[user]:password@]host[:port][/database]`. Pure. */

export interface Engine {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: boolean;
  readonly user: string | undefined;
  /** Never printed, nor logged. */
  readonly password: string | undefined;
}

/** What relays share: one limit of this name at this engine. */
export interface ShareSettings {
  readonly engine: Engine;
  readonly name: string;
}

export const DEFAULT_SHARE_NAME = 'default';
const DEFAULT_PORT = 6379;
const PROTOCOLS: ReadonlyMap<string, { tls: boolean }> = new Map([
  ['redis:', { tls: false }],
  ['valkey:', { tls: false }],
  ['rediss:', { tls: true }],
  ['valkeys:', { tls: true }],
]);

/** The engine, or what is wrong with the text; the text itself is not repeated, there may be a password in it. */
export function parseEngine(text: string): Engine | string {
  const form = 'not of the form redis://[[user]:password@]host[:port][/database]';
  if (!URL.canParse(text)) return form;
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(text);
  const kind = PROTOCOLS.get(protocol);
  if (kind === undefined) return `${form}; redis, rediss (TLS), valkey and valkeys are known`;
  if (hostname === '') return form;
  const database = /^\/?(\d{0,4})$/.exec(pathname)?.[1];
  if (database === undefined) return 'after host and port comes the number of a database, or nothing';
  // What is meant to be of the password may come here when it is not escaped.
  if (search !== '' || hash !== '')
    return `${form}; signs such as # ? / in a password are written %23 %3F %2F`;
  if (port === '0') return 'port 0 is none';
  const decoded = [username, password].map(decode);
  if (decoded.includes(undefined)) return `${form}; a % in a password is written %25`;
  const [user, secret] = decoded;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? DEFAULT_PORT : Number(port),
    database: Number(database),
    tls: kind.tls,
    user: user === '' ? undefined : user,
    password: secret === '' ? undefined : secret,
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Without user and password. */
export function formatEngine({ host, port, database, tls }: Engine): string {
  const place = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'rediss' : 'redis'}://${place}:${port}${database === 0 ? '' : `/${database}`}`;
}

export const SHARE_NAME_FORM = 'letters, digits, dot and dash, at most 64';
export const isShareName = (name: string): boolean => /^[A-Za-z0-9][\w.-]{0,63}$/.test(name);
