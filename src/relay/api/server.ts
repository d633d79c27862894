/** The HTTP API that toxiproxy's client libraries drive: its paths, methods, JSON and status codes. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { failure } from '../../core/errors.ts';
import { VERSION } from '../../core/version.ts';
import { isOurs } from '../../service/metricsServer.ts';
import { ApiError, Proxies } from './proxies.ts';
import type { Relay } from '../forwarding/relay.ts';

/** The version of toxiproxy whose API this is; clients compare it. */
const COMPATIBLE_WITH = '2.9.0';
/** More than a hundred thousand proxies in one request. */
const MAX_BODY_BYTES = 16_777_216;

export interface ApiSettings {
  readonly host: string;
  readonly port: number;
  /** What has to come in `Authorization: Bearer`; undefined is nothing. */
  readonly token: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** Serves the API; resolves to its port and to what closes it. Throws a `UserError` where it cannot listen. */
export async function serveApi(
  relay: Relay,
  { host, port, token }: ApiSettings,
): Promise<{ port: number; close: () => void; proxies: Proxies }> {
  const proxies = new Proxies(relay);
  // One after the other: two that change the same forwarder at the same time would undo each other's work.
  let work: Promise<unknown> = Promise.resolve();
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let answer: Answer;
    try {
      await refuseStrangers(request, host, token);
      const body = await readBody(request);
      const turn = work.then(() => handle(proxies, request, body));
      work = turn.catch(() => undefined);
      answer = await turn;
    } catch (error) {
      const known = error instanceof ApiError;
      if (!known) relay.log.error({ err: error }, 'the API failed');
      const status = known ? error.status : 500;
      answer = { status, body: { error: known ? error.message : 'this is a bug', status } };
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body === undefined ? undefined : `${JSON.stringify(answer.body)}\n`);
  };
  const server = createServer((request, response) => {
    void respond(request, response);
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        failure(
          `cannot serve the API on ${host} port ${port}: ${error.code ?? error.message}`,
          'choose another address or port with --api',
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    proxies,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** No page in a browser reaches it: not by a name of its own, not from another place, not as toxiproxy knows browsers. */
async function refuseStrangers(
  { headers }: IncomingMessage,
  host: string,
  token: string | undefined,
): Promise<void> {
  if (!(await isOurs(headers.host, host, () => Promise.resolve(undefined))))
    throw new ApiError(421, 'ask by an address, localhost or the name of this machine');
  if (headers.origin !== undefined || headers['user-agent']?.startsWith('Mozilla/') === true)
    throw new ApiError(403, 'User agent not allowed');
  if (token === undefined) return;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`)))
    throw new ApiError(401, 'a token is needed: Authorization: Bearer TOKEN');
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new ApiError(413, 'bad request body: too large');
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new ApiError(400, 'bad request body: not JSON');
  }
}

type Fields = Readonly<Record<string, unknown>>;

function fields(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError(400, 'bad request body: not an object');
  return body as Fields;
}

/** The proxies of a populate, or of a file for it. Throws an `ApiError`. */
export function proxyList(body: unknown): Fields[] {
  if (!Array.isArray(body)) throw new ApiError(400, 'bad request body: not a list of proxies');
  return body.map(fields);
}

async function handle(
  proxies: Proxies,
  { method = '', url = '/' }: IncomingMessage,
  body: unknown,
): Promise<Answer> {
  const parts = new URL(url, 'http://localhost').pathname.split('/').filter((part) => part !== '');
  const [top, name, toxics, toxic, more] = parts.map(decoded);
  // Older clients change with POST.
  const verb = method === 'PATCH' ? 'POST' : method;
  if (more !== undefined) throw new ApiError(404, 'not found');
  const what = [top, name === undefined ? '' : ' proxy', toxics === undefined ? '' : ` ${toxics}`];
  switch (`${verb} ${what.join('')}${toxic === undefined ? '' : ' toxic'}`) {
    case 'GET version':
      return { status: 200, body: { version: COMPATIBLE_WITH, iprelay: VERSION } };
    case 'POST reset':
      await proxies.reset();
      return { status: 204 };
    case 'POST populate':
      return { status: 201, body: { proxies: await proxies.populate(proxyList(body)) } };
    case 'GET proxies':
      return { status: 200, body: Object.fromEntries(proxies.all()) };
    case 'POST proxies':
      return { status: 201, body: await proxies.create(fields(body)) };
    case 'GET proxies proxy':
      return { status: 200, body: proxies.show(name ?? '') };
    case 'POST proxies proxy':
      return { status: 200, body: await proxies.update(name ?? '', fields(body)) };
    case 'DELETE proxies proxy':
      await proxies.delete(name ?? '');
      return { status: 204 };
    case 'GET proxies proxy toxics':
      return { status: 200, body: proxies.toxics(name ?? '') };
    case 'POST proxies proxy toxics':
      return { status: 200, body: proxies.addToxic(name ?? '', fields(body)) };
    case 'GET proxies proxy toxics toxic':
      return { status: 200, body: proxies.toxic(name ?? '', toxic ?? '') };
    case 'POST proxies proxy toxics toxic':
      return { status: 200, body: proxies.changeToxic(name ?? '', toxic ?? '', fields(body)) };
    case 'DELETE proxies proxy toxics toxic':
      proxies.removeToxic(name ?? '', toxic ?? '');
      return { status: 204 };
    default:
      throw new ApiError(404, 'not found');
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ApiError(400, 'bad request: not a path');
  }
}
