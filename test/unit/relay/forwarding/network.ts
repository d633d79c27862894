/** Real sockets on loopback for the relay's tests; everything opened is closed by `end`. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { AccessList } from '../../../../src/relay/clients/access.ts';
import { DEFAULT_OPTIONS, type ForwarderOptions } from '../../../../src/relay/forwarding/forwarder.ts';
import { SILENT } from '../../../../src/relay/log.ts';
import { Relay, type RelayOptions } from '../../../../src/relay/forwarding/relay.ts';
import { parseVariable, type VariableName } from '../../../../src/relay/settings/variables.ts';
import { freePort } from '../../../freePort.ts';

export interface Network {
  relay: Relay;
  /** The relay's port. */
  port: number;
  end: () => Promise<void>;
}

export async function listen(
  handler: (socket: Socket) => void,
  host = '127.0.0.1',
  port = 0,
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 1 }, (socket) => {
    socket.on('error', endOfTest);
    handler(socket);
  }).listen(port, host);
  await once(server, 'listening');
  return server;
}

/** What is still open when a test ends its relay is reset. */
const endOfTest = (): void => undefined;

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A relay with one forwarder, number 1, to that port. */
export async function startRelay(
  remotePort: number,
  options: ForwarderOptions = DEFAULT_OPTIONS,
  more: Partial<RelayOptions> & { remoteHost?: string; bindAddress?: string } = {},
): Promise<Network> {
  const relay = new Relay({ log: SILENT, access: new AccessList([]), descriptorLimit: 20_000, ...more });
  const bindAddress = more.bindAddress ?? '127.0.0.1';
  // Between the two another program may take the port.
  for (let tried = 1; ; tried += 1) {
    const port = await freePort(bindAddress);
    const spec = { bindAddress, localPort: port, remoteHost: more.remoteHost ?? '127.0.0.1', remotePort };
    try {
      await relay.setForwarder(1, spec, options);
      return { relay, port, end: () => relay.close(0) };
    } catch (error) {
      if (tried === 5 || !(error as Error).message.includes('is in use')) throw error;
    }
  }
}

export function set(relay: Relay, name: VariableName, value: string | number): void {
  const parsed = parseVariable(name, String(value));
  if (typeof parsed === 'string') throw new Error(parsed);
  relay.setVariable(parsed);
}

export async function connectTo(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true, ...{ highWaterMark: 1 } });
  await once(socket, 'connect');
  return socket.on('error', endOfTest);
}

/** Everything a socket sends until its end; rejects on a reset. The other direction stays open. */
export function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    socket.on('error', reject);
  });
}

/** How a socket ended, as its owner sees it. */
export function ending(socket: Socket): Promise<'end' | 'reset'> {
  return new Promise((resolve) => {
    socket.on('end', () => {
      resolve('end');
    });
    socket.on('error', () => {
      resolve('reset');
    });
  });
}
