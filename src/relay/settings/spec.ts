/**
 * Proxy specifications as in ssh: `[bind_address:]local_port:host:remote_port`, IPv6 addresses in brackets. A port is a
 * number, the name of a service, or a range: `8000-8010:host:9000` leads all to one port, `8000-8010:host:9000-9010`
 * each to its own. Local port 0 lets the kernel choose.
 */
import { servicePort } from '../../system/exec/services.ts';

export interface ProxySpec {
  /** Where to listen; the variable `local_addrs` where undefined. */
  readonly bindAddress: string | undefined;
  /** The first one of a range. */
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  /** The ends of ranges, where there are any; the remote range is as long as the local one, or a single port. */
  readonly lastLocalPort?: number;
  readonly lastRemotePort?: number;
}

/** `why` is for a person: which port is wrong, and how. */
export type SpecResult =
  | { ok: true; spec: ProxySpec }
  | { ok: false; problem: 'ports'; why: string }
  | { ok: false; problem: 'form' };

/** Each port of a range is a listening socket. */
const MOST_PORTS = 1000;

/** The letters of host names, IPv4 and, in brackets, IPv6 addresses with a zone. */
const FIELD = String.raw`\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[\w.*-]*`;
const SPEC = new RegExp(`^(?:(${FIELD}):)?([^:]*):(${FIELD}):([^:]*)$`);

interface Ports {
  readonly first: number;
  readonly last: number;
}

/** One port, a range, or what is wrong. */
function parsePorts(text: string, least: number): Ports | string {
  const range = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const number = /^\d{1,5}$/.test(text) ? Number(text) : undefined;
  const [first, last] = range === null ? [number, number] : [Number(range[1]), Number(range[2])];
  if (first === undefined || last === undefined) {
    if (!/^[A-Za-z][\w+.-]{0,63}$/.test(text))
      return `not a port: ${text.slice(0, 80)} (type 80, http or 8000-8010)`;
    const port = servicePort(text);
    return typeof port === 'string' ? port : { first: port, last: port };
  }
  if (first < (range === null ? least : 1) || last > 65_535) return `ports are from 1 to 65535, not ${text}`;
  if (last < first) return `the range ${text} runs backwards: type ${last}-${first}`;
  return { first, last };
}

const unbracket = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

const badPorts = (why: string): SpecResult => ({ ok: false, problem: 'ports', why });

/** Reads a specification; `ports` if only the ports are wrong, `form` if it is not one at all. */
export function parseSpec(text: string): SpecResult {
  const match = SPEC.exec(text);
  const [, bind, localText = '', host = '', remoteText = ''] = match ?? [];
  if (match === null || host === '' || host.startsWith('-') || host.length > 253) {
    return { ok: false, problem: 'form' };
  }
  const local = parsePorts(localText, 0);
  const remote = parsePorts(remoteText, 1);
  if (typeof local === 'string') return badPorts(local);
  if (typeof remote === 'string') return badPorts(remote);
  const count = local.last - local.first + 1;
  const remoteCount = remote.last - remote.first + 1;
  if (count > MOST_PORTS) return badPorts(`${count} ports, at most ${MOST_PORTS} are one forwarder`);
  if (remoteCount > 1 && remoteCount !== count)
    return badPorts(`${localText} and ${remoteText} are ranges of different length`);
  const bindAddress = bind === undefined || bind === '' ? undefined : bind === '*' ? '::' : unbracket(bind);
  return {
    ok: true,
    spec: {
      bindAddress,
      localPort: local.first,
      remoteHost: unbracket(host),
      remotePort: remote.first,
      ...(count > 1 ? { lastLocalPort: local.last } : {}),
      ...(remoteCount > 1 ? { lastRemotePort: remote.last } : {}),
    },
  };
}

/** All local ports, in their order. */
export function localPorts({ localPort, lastLocalPort = localPort }: ProxySpec): number[] {
  return Array.from({ length: lastLocalPort - localPort + 1 }, (_, index) => localPort + index);
}

/** The specification for a client of this one of its local ports. */
export function specOf(spec: ProxySpec, localPort: number | undefined): ProxySpec {
  const { bindAddress, remoteHost, remotePort, lastRemotePort } = spec;
  if (spec.lastLocalPort === undefined || localPort === undefined) return spec;
  const offset = lastRemotePort === undefined ? 0 : localPort - spec.localPort;
  return { bindAddress, localPort, remoteHost, remotePort: remotePort + offset };
}

/** True if both listen on a port. */
export function sharesPort(one: ProxySpec, other: ProxySpec): boolean {
  const [oneLast, otherLast] = [one.lastLocalPort ?? one.localPort, other.lastLocalPort ?? other.localPort];
  return one.localPort <= otherLast && other.localPort <= oneLast;
}

/** True if one connects to a port on which the other listens, whatever the addresses. */
export function leadsToPort(from: ProxySpec, to: ProxySpec): boolean {
  const [fromLast, toLast] = [from.lastRemotePort ?? from.remotePort, to.lastLocalPort ?? to.localPort];
  return from.remotePort <= toLast && to.localPort <= fromLast;
}

/** `8080`, `8000-8010`. */
export function formatPorts(first: number, last = first): string {
  return last === first ? String(first) : `${first}-${last}`;
}

/** `host:port`, with brackets around IPv6 addresses. */
export function formatEndpoint(host: string, port: number | string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where a forwarder leads: `host:80`, `host:9000-9010`. */
export function formatServer({ remoteHost, remotePort, lastRemotePort }: ProxySpec): string {
  return formatEndpoint(remoteHost, formatPorts(remotePort, lastRemotePort));
}

/** The specification as it is typed: `8080:host:80`. */
export function formatSpec(spec: ProxySpec): string {
  const bind =
    spec.bindAddress === undefined
      ? ''
      : `${spec.bindAddress.includes(':') ? `[${spec.bindAddress}]` : spec.bindAddress}:`;
  return `${bind}${formatPorts(spec.localPort, spec.lastLocalPort)}:${formatServer(spec)}`;
}

/** An IPv4 peer on an IPv6 socket is shown as the IPv4 address that it is (`::ffff:192.0.2.1`). */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}
