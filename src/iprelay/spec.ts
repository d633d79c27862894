/**
 * Proxy specifications as in ssh: `[bind_address:]local_port:host:remote_port`, IPv6 addresses in brackets.
 */
export interface ProxySpec {
  /** Where to listen; the variable `local_addrs` where undefined. */
  readonly bindAddress: string | undefined;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
}

export type SpecResult = { ok: true; spec: ProxySpec } | { ok: false; problem: 'ports' | 'form' };

/** The letters of host names, IPv4 and, in brackets, IPv6 addresses with a zone. */
const FIELD = String.raw`\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[\w.*-]*`;
const SPEC = new RegExp(`^(?:(${FIELD}):)?([^:]*):(${FIELD}):([^:]*)$`);

function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

const unbracket = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

/** Reads a specification; `ports` if only the port numbers are wrong, `form` if it is not one at all. */
export function parseSpec(text: string): SpecResult {
  const match = SPEC.exec(text);
  const [, bind, localText = '', host = '', remoteText = ''] = match ?? [];
  if (match === null || host === '' || host.startsWith('-') || host.length > 253) {
    return { ok: false, problem: 'form' };
  }
  const localPort = parsePort(localText);
  const remotePort = parsePort(remoteText);
  if (localPort === undefined || remotePort === undefined) return { ok: false, problem: 'ports' };
  const bindAddress = bind === undefined || bind === '' ? undefined : bind === '*' ? '::' : unbracket(bind);
  return { ok: true, spec: { bindAddress, localPort, remoteHost: unbracket(host), remotePort } };
}

/** `host:port`, with brackets around IPv6 addresses. */
export function formatEndpoint(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The specification as it is typed: `8080:host:80`. */
export function formatSpec(spec: ProxySpec): string {
  const bind =
    spec.bindAddress === undefined
      ? ''
      : `${spec.bindAddress.includes(':') ? `[${spec.bindAddress}]` : spec.bindAddress}:`;
  return `${bind}${spec.localPort}:${formatEndpoint(spec.remoteHost, spec.remotePort)}`;
}

/** An IPv4 peer on an IPv6 socket is shown as the IPv4 address that it is (`::ffff:192.0.2.1`). */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}
