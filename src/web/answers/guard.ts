/** Whom the page answers. Pure. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { hostOf } from '../../core/hostHeader.ts';

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
}

export interface Refusal {
  status: 400 | 401 | 403 | 405;
  message: string;
  headers?: Readonly<Record<string, string>>;
}

/** Undefined: it may have an answer. */
export function refusalOf(asked: Asked, { names, token }: GuardSettings): Refusal | undefined {
  const header = (name: string): string | undefined => {
    const value = asked.headers[name];
    return typeof value === 'string' ? value : value?.join(',');
  };
  // A page in a browser may reach us by a name of its own that it points here (DNS rebinding).
  const host = header('host');
  if (!isOwnName(host, names))
    return { status: 403, message: 'ask by an address, localhost or the name of this machine' };
  if (!isSameOrigin(header('origin'), host) || isCrossSite(header))
    return { status: 403, message: 'no page of another origin is answered' };
  if (asked.method !== 'GET')
    return { status: 405, message: 'GET only: nothing can be changed here', headers: { allow: 'GET' } };
  if (!asked.url.startsWith('/')) return { status: 400, message: 'ask for a path' };
  if (token !== undefined && !hasToken(header('authorization'), token))
    return {
      status: 401,
      message: 'a token is needed: Authorization: Bearer TOKEN, or as the password of any user',
      headers: { 'www-authenticate': 'Basic realm="inetgw", charset="UTF-8"' },
    };
  return undefined;
}

function isOwnName(header: string | undefined, names: readonly string[]): boolean {
  const host = hostOf(header);
  return isIP(host) !== 0 || host === 'localhost' || names.includes(host);
}

/** Browsers leave the header out of a page's own GET; others bring any. */
function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  return origin === undefined || origin.replace(/^https?:\/\//, '').toLowerCase() === host?.toLowerCase();
}

/** Fetch Metadata: by it a browser says that another site's page asks. To go there by a link is no reading. */
function isCrossSite(header: (name: string) => string | undefined): boolean {
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
