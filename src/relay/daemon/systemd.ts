/** What systemd hands over: listening sockets (sd_listen_fds(3)). */
import type { AddressInfo, Server, Socket } from 'node:net';
import { makeServer } from '../socket/listen.ts';

const FIRST_FD = 3;

/** The sockets systemd has opened for this process, by local port; the variables are removed. */
export async function activatedServers(env: NodeJS.ProcessEnv): Promise<Map<number, Server[]>> {
  const count = Number(env['LISTEN_FDS'] ?? 0);
  const mine = env['LISTEN_PID'] === String(process.pid);
  delete env['LISTEN_FDS'];
  delete env['LISTEN_PID'];
  delete env['LISTEN_FDNAMES'];
  const servers = new Map<number, Server[]>();
  if (!mine || !Number.isInteger(count)) return servers;
  for (let fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
    const server = makeServer();
    holdConnections(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ fd }, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') {
      server.close();
      continue;
    }
    const { port }: AddressInfo = address;
    servers.set(port, [...(servers.get(port) ?? []), server]);
  }
  return servers;
}

/** The client that woke us waits already: it is accepted before a forwarder is there, and must not be lost. */
function holdConnections(server: Server): void {
  const early: Socket[] = [];
  const hold = (socket: Socket): void => {
    early.push(socket);
  };
  server.on('connection', hold);
  server.on('newListener', (event) => {
    if (event !== 'connection') return;
    server.off('connection', hold);
    setImmediate(() => {
      for (const socket of early.splice(0)) server.emit('connection', socket);
    });
  });
}
