/** Which addresses hosts have behind NAT: what the kernel's tables of neighbours and of connections say. Pure. */
import { hostNumber } from '../../firewall/hostNumber.ts';
import { HOST_NUMBERS } from '../queues/egressClasses.ts';
import type { Accounts, Connection } from './accounts.ts';

/** What tells which host has a number. */
export interface KnownAddresses {
  /** Of IPv4: the neighbours' and our own. */
  ipv4: readonly string[];
  /** Our own: behind NAT connections have them on the line. */
  own: ReadonlySet<string>;
  /** The address behind NAT of a connection on the line; undefined: connection tracking does not have it, or was not asked. */
  behindNat: (connection: Connection) => string | undefined;
}

/** The number by which the firewall tells a host; undefined: it is no address of IPv4. */
export const numberOf = (address: string): number | undefined => hostNumber(address, HOST_NUMBERS.count);

/** Somebody is active by IPv4 of whom no address is known: connection tracking is worth asking. */
export function isHidden({ connections }: Accounts, ipv4: readonly string[]): boolean {
  const numbers = new Set(ipv4.map(numberOf));
  return connections.some(
    ({ host, localAddress, isActive }) =>
      isActive && host !== undefined && !localAddress.includes(':') && !numbers.has(host),
  );
}

/** The addresses of /proc/net/arp, below its head. */
export function parseArpTable(text: string): string[] {
  return [
    ...new Set(
      text
        .split('\n')
        .slice(1)
        .flatMap((line) => line.split(' ')[0] ?? [])
        .filter((address) => address !== ''),
    ),
  ];
}

/**
 * /proc/net/nf_conntrack: a line for each connection, the way it was opened first, then how answers come: `ipv4 2 tcp 6 431999
 * ESTABLISHED src=… dst=… sport=… dport=… src=… dst=… sport=… dport=… …`. Of IPv4: hardly anybody hides IPv6.
 * @returns the address that our side of a connection has before NAT
 */
export function parseConntrack(text: string): KnownAddresses['behindNat'] {
  const hosts = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [opened, answered] = /^ipv4 +\d+ +tcp /.test(line) ? [...line.matchAll(TUPLE)] : [];
    if (opened === undefined || answered === undefined) continue;
    const [, from = '', asked = '', fromPort = '', askedPort = ''] = opened;
    const [, answers = '', to = '', answersPort = '', toPort = ''] = answered;
    // Opened by the host: on the line it has the address that answers go to.
    hosts.set(keyOf(to, toPort, answers, answersPort), from);
    // Opened from outside: on the line it has the address that was asked for, and answers as itself.
    hosts.set(keyOf(asked, askedPort, from, fromPort), answers);
  }
  return ({ localAddress, localPort, remoteAddress, remotePort }) =>
    hosts.get(keyOf(localAddress, String(localPort), remoteAddress, String(remotePort)));
}

const TUPLE = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g;

const keyOf = (...words: readonly string[]): string => words.join(' ');
