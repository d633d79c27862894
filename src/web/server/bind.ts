/** Listening, before privilege is given up: a port below 1024 and a folder of root's need it. */
import { existsSync, lstatSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { addressText, type ListenAddress } from '../feed/listen.ts';

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
  const { path } = address;
  await listeningAt(server, path).catch(async (error: unknown) => {
    if (!(await isLeftBehind(path))) throw error;
    unlinkSync(path);
    await listeningAt(server, path);
  });
}

/**
 * What another process listens with, to which it is handed over; that of a path stays where it is when this process closes its own.
 * @throws an error of the system with its `code`
 */
export async function bindToHandOver(address: ListenAddress): Promise<Server> {
  // Whoever comes before it is handed over comes again.
  const server = createServer((socket) => socket.destroy());
  if (address.kind === 'tcp') {
    await listening(server, () => server.listen(address.port, address.host));
    return server;
  }
  const { path } = address;
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined && !(await isLeftBehind(path)))
    throw Object.assign(new Error('it is taken'), { code: 'EADDRINUSE' });
  // Node takes away the name that it was made with.
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  await listeningAt(server, draft);
  renameSync(draft, path);
  return server;
}

/** On a socket that another process has made. */
export const listenTo = (server: Server, fd: number): Promise<void> =>
  listening(server, () => server.listen({ fd }));

async function listeningAt(server: Server, path: string): Promise<void> {
  const umask = process.umask(SOCKET_UMASK);
  try {
    await listening(server, () => server.listen(path));
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

/** Why nothing can listen there, in a sentence. */
export function bindProblem(error: unknown, listen: ListenAddress, socketGroup: string | undefined): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `cannot listen on ${addressText(listen)}: ${reasonOf(code, listen, socketGroup) ?? message}`;
}

function reasonOf(
  code: string | undefined,
  listen: ListenAddress,
  socketGroup: string | undefined,
): string | undefined {
  if (code === 'EADDRINUSE')
    return (
      (listen.kind === 'unix' ? otherThanSocket(listen.path) : undefined) ?? 'another program listens there'
    );
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  // libuv says so, too, of a folder that is not there.
  if (code === 'EACCES')
    return listen.kind === 'tcp' || existsSync(dirname(listen.path))
      ? 'no permission'
      : 'there is no such folder';
  return code === 'ERR_UNKNOWN_CREDENTIAL' ? `there is no group ${socketGroup ?? ''}` : undefined;
}

/** The kernel calls an address taken whatever stands there. */
function otherThanSocket(path: string): string | undefined {
  const stands = lstatSync(path, { throwIfNoEntry: false });
  if (stands === undefined || stands.isSocket()) return undefined;
  const what = stands.isDirectory() ? 'a folder' : stands.isSymbolicLink() ? 'a symbolic link' : 'a file';
  return `there is ${what}, which is left alone`;
}
