/** Whom the page answers. Pure. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { hostOf } from '../../core/hostHeader.ts';
import { changePlace, MOST_BODY_BYTES, MOST_TOKEN_CHARACTERS } from '../feed/change.ts';

export interface Asked {
  method: string;
  /** As in the request: from / on. */
  url: string;
  headers: Readonly<Partial<Record<string, string | string[]>>>;
}

export interface GuardSettings {
  /** Names of this machine beside localhost and addresses, in small letters. */
  names: readonly string[];
  /** Undefined: whoever comes there is answered. */
  token: string | undefined;
  /** Changes may be asked for. */
  changes?: boolean;
}

export interface Refusal {
  status: 400 | 401 | 403 | 405 | 413 | 415;
  message: string;
  headers?: Readonly<Record<string, string>>;
}

type Header = (name: string) => string | undefined;

const headerOf =
  ({ headers }: Asked): Header =>
  (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : value?.join(',');
  };

/** Undefined: it may have an answer. */
export function refusalOf(
  asked: Asked,
  { names, token, changes = false }: GuardSettings,
): Refusal | undefined {
  const header = headerOf(asked);
  // A page in a browser may reach us by a name of its own that it points here (DNS rebinding).
  const host = header('host');
  if (!isOwnName(host, names))
    return { status: 403, message: 'ask by an address, localhost or the name of this machine' };
  if (!isOwnOrigin(header, host) || isCrossSite(header))
    return { status: 403, message: 'no page of another origin is answered' };
  const isChange = changes && changePlace(pathOf(asked.url)) !== undefined;
  if (isChange) return asked.method === 'POST' ? changeRefusal(asked, header) : POST_ONLY;
  if (asked.method !== 'GET')
    return {
      status: 405,
      message: changes ? 'GET only: changes go elsewhere' : 'GET only: nothing can be changed here',
      headers: { allow: 'GET' },
    };
  if (!asked.url.startsWith('/')) return { status: 400, message: 'ask for a path' };
  if (token !== undefined && !hasToken(header('authorization'), token))
    return {
      status: 401,
      message: 'a token is needed: Authorization: Bearer TOKEN, or as the password of any user',
      headers: { 'www-authenticate': 'Basic realm="inetgw", charset="UTF-8"' },
    };
  return undefined;
}

const POST_ONLY: Refusal = {
  status: 405,
  message: 'POST only: this is where changes are asked for',
  headers: { allow: 'POST' },
};

/**
 * Before anything of it is read. No form of any page can send this: JSON, and a token that no browser adds by itself. Whether it
 * is the right one, the privileged side says.
 */
function changeRefusal(asked: Asked, header: Header): Refusal | undefined {
  // A link may lead here from anywhere, a change may not.
  if ((header('sec-fetch-site') ?? 'same-origin') !== 'same-origin')
    return { status: 403, message: 'no page of another origin is answered' };
  if (!/^application\/json(?: *; *charset=utf-8)?$/i.test(header('content-type') ?? ''))
    return { status: 415, message: 'a change comes as JSON: Content-Type: application/json' };
  if (Number(header('content-length') ?? 0) > MOST_BODY_BYTES) return TOO_LARGE;
  return changeToken(asked) === undefined
    ? {
        status: 401,
        message: 'a change needs its token: Authorization: Bearer TOKEN, or X-Inetgw-Token: TOKEN',
        headers: { 'www-authenticate': 'Bearer realm="inetgw changes"' },
      }
    : undefined;
}

export const TOO_LARGE: Refusal = {
  status: 413,
  message: `a change has at most ${MOST_BODY_BYTES} bytes`,
};

/**
 * What came as the token for changes; undefined: nothing that could be one. The second header is for whoever has to send a password
 * in the first: to a proxy, or as the token for reading.
 */
export function changeToken(asked: Asked): string | undefined {
  const header = headerOf(asked);
  const token = header('x-inetgw-token') ?? /^bearer +(\S+)$/i.exec(header('authorization') ?? '')?.[1] ?? '';
  return /^\S+$/.test(token) && token.length <= MOST_TOKEN_CHARACTERS ? token : undefined;
}

/** Without what is behind it. */
export const pathOf = (url: string): string => url.replace(/[?#].*$/, '');

function isOwnName(header: string | undefined, names: readonly string[]): boolean {
  const host = hostOf(header);
  return isIP(host) !== 0 || host === 'localhost' || names.includes(host);
}

/**
 * Browsers leave the header out of a page's own GET; others bring any. Behind a proxy that says another Host, the browser itself
 * tells whether it is the page's own (Fetch Metadata, which no page can write).
 */
function isOwnOrigin(header: Header, host: string | undefined): boolean {
  const origin = header('origin');
  if (header('sec-fetch-site') === 'same-origin') return true;
  return origin === undefined || origin.replace(/^https?:\/\//, '').toLowerCase() === host?.toLowerCase();
}

/** Fetch Metadata: by it a browser says that another site's page asks. To go there by a link is no reading. */
function isCrossSite(header: Header): boolean {
  const site = header('sec-fetch-site');
  return (site === 'cross-site' || site === 'same-site') && header('sec-fetch-mode') !== 'navigate';
}

function hasToken(authorization: string | undefined, token: string): boolean {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(authorization ?? '') ?? [];
  const said =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(credentials, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : scheme.toLowerCase() === 'bearer'
        ? credentials
        : '';
  // Of equal length, and telling nothing of what was right by how long it takes.
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  return digest(said) === digest(token);
}
