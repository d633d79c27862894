/** Listening sockets: opened, or taken over from systemd, and what is wrong when that fails. */
import { createServer, isIP, isIPv4, type Server } from 'node:net';
import { errorCode, failure, noPrivilege, type UserError } from '../../core/errors.ts';
import { portHolder } from '../../service/portHolder.ts';
import { STREAM_BYTES } from './reader.ts';
import { formatEndpoint } from '../settings/spec.ts';

/** A server with the socket options the relay needs, not listening yet. */
export function makeServer(): Server {
  return createServer({
    allowHalfOpen: true,
    noDelay: true,
    // Nothing is read before the server side is there: what the client sends waits in its kernel.
    pauseOnConnect: true,
    highWaterMark: STREAM_BYTES,
  });
}

/**
 * Begins to listen on an address; `all` are the addresses that listen together on this port. Throws a `UserError` that says who
 * holds the port, or what privilege it needs. False if the machine has no IPv6 and `all` has IPv4 addresses too.
 */
export async function listenOn(
  server: Server,
  address: string,
  port: number,
  all: readonly string[] = [address],
): Promise<boolean> {
  // `::` alone is for IPv4 too; beside an IPv4 address it would want that one's port for itself.
  const ipv6Only = all.some(isIPv4);
  if (isIP(address) === 0)
    throw failure(
      `cannot listen on ${formatEndpoint(address, port)}: the name is unknown`,
      'take an address of this machine',
    );
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, backlog: 4096, ipv6Only }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  } catch (error) {
    if (ipv6Only && isMissingFamily(errorCode(error), address)) return false;
    throw await listenError(error, address, port);
  }
  return true;
}

/** A machine without IPv6 has no `::1` either: as in ssh, the IPv4 addresses of the list are enough. */
function isMissingFamily(code: string | undefined, address: string): boolean {
  return (address === '::1' || address === '::') && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT');
}

async function listenError(error: unknown, address: string, port: number): Promise<UserError> {
  const place = formatEndpoint(address, port);
  switch (errorCode(error)) {
    case 'EADDRINUSE': {
      const holder = await portHolder(port).catch(() => undefined);
      const own = holder?.endsWith(` process ${process.pid}`) === true;
      const by = own ? 'this relay itself' : holder;
      return failure(`port ${port} is in use${by === undefined ? '' : ` (by ${by})`}`);
    }
    case 'EACCES':
      return noPrivilege(
        `no privilege to listen on port ${port}`,
        'ports below 1024 need root, CAP_NET_BIND_SERVICE or a systemd socket unit',
      );
    case 'EADDRNOTAVAIL':
      return failure(
        `cannot listen on ${place}: the address is not on this machine`,
        'see which are: ip address',
      );
    case 'EAFNOSUPPORT':
      return failure(`cannot listen on ${place}: this machine has no IPv${isIPv4(address) ? 4 : 6}`);
    case undefined:
    default:
      return failure(`cannot listen on ${place}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
