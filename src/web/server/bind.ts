/** Listening, before privilege is given up: a port below 1024 and a folder of root's need it. */
import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { ListenAddress } from '../feed/listen.ts';

/** For its owner and the group: whoever may connect sees all that is shown. */
const SOCKET_UMASK = 0o117;

/** @throws an error of the system with its `code` */
export async function bind(
  server: Server,
  address: ListenAddress,
  socketGroup: string | undefined,
): Promise<void> {
  if (address.kind === 'tcp') {
    await listening(server, () => server.listen(address.port, address.host));
    return;
  }
  // The socket gets the group of whoever makes it: so no right to give files away is needed.
  if (socketGroup !== undefined) process.setegid?.(socketGroup);
  const umask = process.umask(SOCKET_UMASK);
  try {
    await listening(server, () => server.listen(address.path)).catch(async (error: unknown) => {
      if (!(await isLeftBehind(address.path))) throw error;
      unlinkSync(address.path);
      await listening(server, () => server.listen(address.path));
    });
  } finally {
    process.umask(umask);
  }
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(error);
    };
    server.once('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      resolve();
    });
    listen();
  });
}

/** A socket that nobody listens at any more. */
async function isLeftBehind(path: string): Promise<boolean> {
  try {
    if (!lstatSync(path).isSocket()) return false;
  } catch {
    return false;
  }
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED');
    });
  });
}
