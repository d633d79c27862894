/** Changes on their way: read here, decided and made by the privileged side, whose answer goes back to whoever asked. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { changeToken, pathOf, TOO_LARGE } from '../answers/guard.ts';
import { changedAnswer, errorAnswer, type Answer } from '../answers/answers.ts';
import { changePlace, MOST_BODY_BYTES } from '../feed/change.ts';
import type { ChangedLine, ChangeLine } from '../feed/snapshot.ts';

/** One is made at a time; so many may wait for an answer. */
const MOST_WAITING = 8;

type Send = (answer: Answer, more?: Readonly<Record<string, string>>) => void;

export class Changes {
  readonly #ask: (line: ChangeLine) => void;
  readonly #waiting = new Map<number, { line: ChangeLine; send: Send }>();
  #lastId = 0;

  /** @param ask hands a change to the privileged side */
  constructor(ask: (line: ChangeLine) => void) {
    this.#ask = ask;
  }

  /** Of a request that the guard lets through. */
  receive(request: IncomingMessage, response: ServerResponse, send: Send): void {
    const { method = '', url = '', headers, socket } = request;
    const place = changePlace(pathOf(url));
    const token = changeToken({ method, url, headers });
    // Nothing that the guard lets through.
    if (place === undefined || token === undefined) throw new Error('a change without a place or a token');
    readBody(request, (text) => {
      if (text === undefined) {
        send(errorAnswer(TOO_LARGE.status, TOO_LARGE.message), { connection: 'close' });
        return;
      }
      const body = parsed(text);
      if (body === undefined) send(errorAnswer(400, 'the body is no JSON'));
      else if (this.#waiting.size >= MOST_WAITING)
        send(errorAnswer(429, 'too many changes are asked for at once'), { 'retry-after': '1' });
      else {
        const id = ++this.#lastId;
        const from = socket.remoteAddress ?? 'the socket';
        const line: ChangeLine = { kind: 'change', id, from, token, ...place, body: body.value };
        this.#waiting.set(id, { line, send });
        response.once('close', () => this.#waiting.delete(id));
        this.#ask(line);
      }
    });
  }

  answer(changed: ChangedLine): void {
    const asked = this.#waiting.get(changed.id);
    if (asked === undefined) return;
    this.#waiting.delete(changed.id);
    asked.send(changedAnswer(asked.line, changed), headersOf(changed));
  }
}

function headersOf({ status, afterSec }: ChangedLine): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer realm="inetgw changes"' };
  return afterSec === undefined ? {} : { 'retry-after': String(afterSec) };
}

/** Undefined is told of a body that is too large; what is cut off is told to nobody. */
function readBody(request: IncomingMessage, done: (text: string | undefined) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MOST_BODY_BYTES) chunks.push(chunk);
    else if (length - chunk.length <= MOST_BODY_BYTES) done(undefined);
  });
  request.once('end', () => {
    if (length <= MOST_BODY_BYTES) done(Buffer.concat(chunks).toString());
  });
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
