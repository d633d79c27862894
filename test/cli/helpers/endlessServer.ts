/** A server that sends without end to whoever connects. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** On a port of loopback that is free. */
export async function endlessServer(chunkBytes = 65_536): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(chunkBytes)));
    };
    socket.on('error', () => undefined).on('drain', more);
    more();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}
