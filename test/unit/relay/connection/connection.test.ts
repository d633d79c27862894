import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { resetSocket } from '../../../../src/relay/connection/connection.ts';

async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const one = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [other] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [one, other]) socket.on('error', () => undefined);
  return [one, other];
}

/** What had been sent when the reset came; a socket whose end is being sent was lost for good. */
it.each([
  ['nothing', () => undefined],
  ['an end', (socket: Socket) => socket.end()],
  ['bytes and an end', (socket: Socket) => socket.end('bytes')],
  ['more than fits, and an end', (socket: Socket) => socket.end(Buffer.alloc(20_000_000))],
] as const)(
  'a socket that is reset is closed and its descriptor freed, whatever was sent: %s',
  async (_what, send) => {
    for (const waitMs of [undefined, 0, 5]) {
      const [socket, peer] = await pair();
      peer.pause();
      send(socket);
      if (waitMs !== undefined) await sleep(waitMs);
      const closed = once(socket, 'close');
      resetSocket(socket);
      await closed;
      expect((socket as unknown as { _handle: unknown })._handle).toBeNull();
      peer.destroy();
    }
  },
);
