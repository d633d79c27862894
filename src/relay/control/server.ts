/** The control socket of a running relay: for its owner only, one command after the other per client. */
import { chmod, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { failure, type UserError } from '../../core/errors.ts';
import type { Executor } from '../prompt/prompt.ts';
import { makeRuntimeFolder, runtimeFolder, socketPath } from './paths.ts';
import {
  type Answers,
  MAX_REQUEST_BYTES,
  NOT_A_REQUEST,
  parseRequest,
  type Reloaded,
  type Response,
} from './protocol.ts';

/** More clients than anybody has terminals. */
const MAX_CLIENTS = 32;

export interface ControlSocket {
  readonly path: string;
  close: () => Promise<void>;
}

/** Opens the socket NAME; `reload` reads the configuration again. One left over by a killed relay is replaced, one in use is not. */
export async function openControlSocket(
  name: string,
  executor: Executor,
  reload: () => Promise<readonly UserError[]>,
): Promise<ControlSocket> {
  const folder = runtimeFolder();
  await makeRuntimeFolder(folder);
  const path = socketPath(folder, name);
  if (await answers(path)) {
    throw failure(`a relay named ${name} is running already`, 'give this one another name with --name');
  }
  await unlink(path).catch(() => undefined);
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    if (clients.size >= MAX_CLIENTS) {
      client.destroy();
      return;
    }
    clients.add(client);
    client.on('close', () => clients.delete(client));
    serve(client, executor, reload);
  });
  await listen(server, path);
  await chmod(path, 0o600);
  return {
    path,
    close: async () => {
      for (const client of clients) client.destroy();
      // Closing removes the socket file.
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The file is made without rights for others from its first moment. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(failure(`cannot open the control socket ${path}: ${error.message}`));
    });
    const before = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(before);
  });
}

/** True if a relay listens there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

function serve(client: Socket, executor: Executor, reload: () => Promise<readonly UserError[]>): void {
  let received = '';
  let work = Promise.resolve();
  client.setEncoding('utf8');
  client.on('error', () => undefined);
  client.on('data', (text: string) => {
    received += text;
    for (let end = received.indexOf('\n'); end >= 0; end = received.indexOf('\n')) {
      const line = received.slice(0, end);
      received = received.slice(end + 1);
      work = work.then(async () => {
        const response = await answer(line, executor, reload);
        if (client.destroyed || client.write(`${JSON.stringify(response)}\n`)) return;
        // One answer at most waits for a client that does not read.
        await drained(client);
      });
    }
    if (received.length > MAX_REQUEST_BYTES) client.destroy();
    // Nothing more is read while an answer is due: a client that only sends cannot fill the memory.
    client.pause();
    void work.then(() => client.resume());
  });
}

const plainError = ({ message, hint, exitCode }: UserError): Reloaded['errors'][number] => ({
  message,
  exitCode,
  ...(hint === undefined ? {} : { hint }),
});

/** Resolves when the client has read, or is gone. */
function drained(client: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      client.off('drain', done).off('close', done);
      resolve();
    };
    client.on('drain', done).on('close', done);
  });
}

async function answer(
  line: string,
  executor: Executor,
  reload: () => Promise<readonly UserError[]>,
): Promise<Response> {
  const request = parseRequest(line);
  if (request === undefined) return { error: NOT_A_REQUEST };
  try {
    let result: Answers[keyof Answers];
    switch (request.do) {
      case 'execute':
        result = await executor.execute(request.line);
        break;
      case 'complete':
        result = await executor.complete(request.line);
        break;
      case 'stats':
        result = await executor.stats();
        break;
      case 'reload':
        result = { errors: (await reload()).map(plainError) };
        break;
    }
    return { result };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
