/** Where the page is served: the word behind `--listen`. Pure. */
import { isIP, isIPv6 } from 'node:net';
import { usageError } from '../../core/errors.ts';

export type ListenAddress = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

const HINT = 'for example: --listen unix:/run/inetgw/http.sock, or --listen 127.0.0.1:8080';
/** sun_path of unix(7), with the zero at its end. */
const MAX_PATH_BYTES = 107;

/** @throws UserError where it is no address */
export function parseListen(word: string): ListenAddress {
  if (word.startsWith('unix:')) return { kind: 'unix', path: socketPath(word.slice('unix:'.length)) };
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(word) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  // With brackets it is IPv6, and without them it is not.
  if (isIP(host) === 0 || isIPv6(host) !== (bracketed !== undefined))
    throw usageError(`--listen takes an address and a port, not '${word}'`, hintFor(word));
  if (port < 1 || port > 65_535) throw usageError(`--listen: there is no port ${port}`, HINT);
  return { kind: 'tcp', host, port };
}

/** A name may lead to several addresses, of which one would have to be chosen. */
function hintFor(word: string): string {
  const port = /^(?:localhost)?:?(\d{1,5})$/.exec(word)?.[1];
  return port === undefined
    ? HINT
    : `an address, for this machine alone: 127.0.0.1:${port}, or [::1]:${port}`;
}

function socketPath(path: string): string {
  if (!path.startsWith('/') || path.endsWith('/') || path.includes('\0'))
    throw usageError(`--listen unix: takes a path from / on, not '${path}'`, HINT);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw usageError(`--listen unix: a socket's path has at most ${MAX_PATH_BYTES} bytes`);
  return path;
}

/** Whether nobody but this machine comes there. */
export function isLocal(address: ListenAddress): boolean {
  return address.kind === 'unix' || address.host === '::1' || /^127\./.test(address.host);
}

/** As it would be typed into a browser or curl. */
export function addressText(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}/`;
}
