/**
 * Forwarders of one relay that lead back to themselves: one client would become thousands of connections in a second.
 * Chains are fine, through forwarders of this relay or others, as long as they end.
 */
import { isIP, isIPv4, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';
import { EXIT, UserError } from '../../core/errors.ts';
import { formatSpec, leadsToPort, plainAddress, type ProxySpec } from '../settings/spec.ts';

/** What of a forwarder counts here. */
export interface Link {
  readonly number: number;
  readonly spec: ProxySpec;
  /** The addresses it connects to, as far as they are known. */
  readonly targets: readonly string[];
  /** The addresses its sockets are bound to. */
  readonly bound: readonly string[];
}

/** Trying again does not help. */
export class LoopError extends UserError {
  constructor(loop: readonly Link[]) {
    const links = loop.map(({ number, spec }) => `forwarder ${number} (${formatSpec(spec)})`);
    const [first] = loop;
    super(EXIT.failed, `a loop: ${links.join(' -> ')} -> forwarder ${String(first?.number)}`);
  }
}

/** The way from a forwarder back to itself through others of the same relay, or nothing. */
export function findLoop<T extends Link>(start: T, all: readonly T[]): readonly T[] | undefined {
  const seen = new Set<T>();
  const follow = (way: readonly T[], last: T): readonly T[] | undefined => {
    if (leadsTo(last, start)) return way;
    for (const next of all) {
      if (seen.has(next) || !leadsTo(last, next)) continue;
      seen.add(next);
      const found = follow([...way, next], next);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return follow([start], start);
}

function leadsTo(from: Link, to: Link): boolean {
  if (!leadsToPort(from.spec, to.spec)) return false;
  return from.targets.some((target) => isBound(target, to.bound));
}

/** True if a connection to the address meets a socket bound to one of `bound`. */
export function isBound(target: string, bound: readonly string[]): boolean {
  const address = reached(target);
  const sockets = bound.map(canonical);
  if (sockets.includes(address)) return true;
  // As in listenOn: `::` takes IPv4 as well, unless there is an IPv4 address beside it.
  const ipv4 = sockets.includes('0.0.0.0') || (sockets.includes('::') && !sockets.some(isIPv4));
  return (isIPv4(address) ? ipv4 : sockets.includes('::')) && isOwn(address);
}

/** True for an address of this machine. */
function isOwn(address: string): boolean {
  if (address.startsWith('127.') && isIPv4(address)) return true;
  return Object.values(networkInterfaces()).some((each) =>
    each?.some((own) => canonical(own.address) === address),
  );
}

/** Whom Linux connects to the unspecified address: the machine itself. */
function reached(target: string): string {
  const address = canonical(target);
  return address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
}

/** One way to write each address. */
function canonical(address: string): string {
  const bare = address.replace(/%.*/, '');
  if (isIP(bare) !== 6) return bare;
  return plainAddress(new SocketAddress({ address: bare, family: 'ipv6' }).address);
}
