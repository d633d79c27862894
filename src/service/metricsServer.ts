import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { failure } from '../core/errors.ts';
import { hostOf } from '../core/hostHeader.ts';
import { run } from '../system/exec/run.ts';

/** Answers GET /metrics on an address; resolves to what closes it. */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
  render: () => string,
): Promise<() => void> {
  const ending = new AbortController();
  const fullName = fullNameAsker(ending.signal);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A page in a browser may reach us by a name of its own that it points here (DNS rebinding).
    if (!(await isOurs(request.headers.host, host, fullName))) {
      response.writeHead(421, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('ask by an address, localhost or the name of this machine\n');
      return;
    }
    const found = request.method === 'GET' && (request.url === '/metrics' || request.url === '/');
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(found ? render() : 'GET /metrics\n');
  };
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  server.maxConnections = 16;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        failure(
          `cannot serve metrics on ${host} port ${port}: ${error.code ?? error.message}`,
          'choose another address or port with --metrics',
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  return () => {
    ending.abort();
    server.close();
    server.closeAllConnections();
  };
}

/**
 * True for a Host header that no foreign page can bring: an address, localhost, this machine's short or full name, the one
 * listened on. The full name is asked for only where the header begins as it would.
 */
export async function isOurs(
  header: string | undefined,
  listenHost: string,
  fullName: () => Promise<string | undefined>,
): Promise<boolean> {
  const host = hostOf(header);
  if (isIP(host) !== 0) return true;
  const own = hostname().toLowerCase();
  if (host === 'localhost' || host === listenHost.toLowerCase() || host === own) return true;
  return host.startsWith(`${own}.`) && host === (await fullName());
}

/** A resolver that takes longer has no full name for us. */
const ASK_MS = 5000;
/** An answer is used again so long: a flood of requests is not a flood of look-ups. */
const REUSE_MS = 10_000;

/** Asks for the canonical name of this machine's own, as `hostname --fqdn` does; nobody else waits for the answer. */
export function fullNameAsker(signal: AbortSignal): () => Promise<string | undefined> {
  let former: { answer: Promise<string | undefined>; askedMs: number } | undefined;
  const ask = async (): Promise<string | undefined> => {
    const argv = ['getent', 'ahosts', '--', hostname()] as const;
    const answer = await run(argv, { timeoutMs: ASK_MS, signal }).catch(() => undefined);
    return canonicalName(answer?.stdout ?? '');
  };
  return () => {
    const nowMs = performance.now();
    if (former === undefined || nowMs - former.askedMs > REUSE_MS) former = { answer: ask(), askedMs: nowMs };
    return former.answer;
  };
}

/** The canonical name in the first line of `getent ahosts`. */
export function canonicalName(text: string): string | undefined {
  return /^\S+[ \t]+STREAM[ \t]+(\S+)/.exec(text)?.[1]?.toLowerCase();
}
