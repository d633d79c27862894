/** Talks to a running relay: the same executor as in its own process, behind the control socket. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { EXIT, failure, UserError, usageError } from '../../core/errors.ts';
import type { Executor } from '../prompt/prompt.ts';
import { findSockets } from './paths.ts';
import {
  type Answers,
  NOT_A_REQUEST,
  parseResponse,
  type Reloaded,
  type Request,
  type Response,
} from './protocol.ts';

export interface RemoteRelay extends Executor {
  readonly name: string;
  readonly path: string;
  /** Ends when the relay ends. */
  readonly ended: AbortSignal;
  /** It reads its configuration again. */
  reload: () => Promise<Partial<Reloaded>>;
  close: () => void;
}

/** The statistics of 100 000 connections are below this. */
const MAX_RESPONSE_CHARACTERS = 100_000_000;

/** So long may a relay say nothing while an answer is due: one that was stopped takes connections all the same. */
const SILENCE_MS = 5000;
/** A command may have to look a name up, and so may what the configuration says. */
const COMMAND_SILENCE_MS = 30_000;

/** The relay is there, but does not answer. */
export class NoAnswer extends UserError {
  constructor(name: string) {
    super(EXIT.failed, `the relay ${name} does not answer`);
  }
}

/** The names of all relays that take connections. */
export async function runningRelays(): Promise<{ name: string; path: string }[]> {
  const running: { name: string; path: string }[] = [];
  for (const each of await findSockets()) {
    const socket = await open(each.path).catch(() => undefined);
    socket?.destroy();
    if (socket !== undefined) running.push(each);
  }
  return running;
}

/** Connects to the relay NAME; without a name to the only one that runs. */
export async function connectRelay(name: string | undefined): Promise<RemoteRelay> {
  const running = await runningRelays();
  const names = running.map((each) => each.name).join(', ');
  const known = names === '' ? 'no relay with a control socket is running' : `running: ${names}`;
  if (name === undefined && running.length > 1) throw usageError('which relay?', known);
  const chosen = name === undefined ? running[0] : running.find((each) => each.name === name);
  if (chosen === undefined) {
    throw name === undefined ? failure(known) : failure(`no relay named ${name} is running`, known);
  }
  return connectTo(chosen);
}

/** Connects to one of `runningRelays`. */
export async function connectTo({ name, path }: { name: string; path: string }): Promise<RemoteRelay> {
  const socket = await open(path).catch(() => {
    throw failure(`the relay ${name} has ended`);
  });
  return remote(name, path, socket);
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

function remote(name: string, path: string, socket: Socket): RemoteRelay {
  const ended = new AbortController();
  const waiting: { resolve: (response: Response) => void; reject: (error: UserError) => void }[] = [];
  let received = '';
  let why = failure(`the relay ${name} has ended`);
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    received += text;
    for (let end = received.indexOf('\n'); end >= 0; end = received.indexOf('\n')) {
      const response = parseResponse(received.slice(0, end));
      received = received.slice(end + 1);
      if (response === undefined) socket.destroy();
      else waiting.shift()?.resolve(response);
    }
    if (waiting.length === 0) socket.setTimeout(0);
    if (received.length > MAX_RESPONSE_CHARACTERS) socket.destroy();
  });
  socket.on('error', () => undefined);
  // A late answer would be taken for that of the next question: nothing more is asked.
  socket.on('timeout', () => {
    why = new NoAnswer(name);
    socket.destroy();
  });
  socket.on('close', () => {
    ended.abort();
    for (const { reject } of waiting) reject(why);
  });
  const ask = async <Kind extends Request['do']>(request: Request & { do: Kind }): Promise<Answers[Kind]> => {
    const response = await new Promise<Response>((resolve, reject) => {
      if (socket.destroyed) reject(why);
      waiting.push({ resolve, reject });
      socket.setTimeout(
        request.do === 'execute' || request.do === 'reload' ? COMMAND_SILENCE_MS : SILENCE_MS,
      );
      socket.write(`${JSON.stringify(request)}\n`);
    });
    if ('error' in response)
      throw failure(
        response.error === NOT_A_REQUEST
          ? `the relay ${name} does not know '${request.do}': it is of another version`
          : response.error,
      );
    return response.result as Answers[Kind];
  };
  return {
    name,
    path,
    ended: ended.signal,
    execute: (line) => ask({ do: 'execute', line }),
    complete: (line) => ask({ do: 'complete', line }),
    stats: () => ask({ do: 'stats' }),
    reload: () => ask({ do: 'reload' }),
    close: () => {
      socket.destroy();
    },
  };
}
