import { createServer } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { failure } from '../../errors.ts';

/** Answers GET /metrics on an address; resolves to what closes it. */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
  render: () => string,
): Promise<() => void> {
  const server = createServer((request, response) => {
    // A page in a browser may reach us by a name of its own that it points here (DNS rebinding).
    if (!isOurs(request.headers.host, host)) {
      response.writeHead(421, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('ask by an address, localhost or the name of this machine\n');
      return;
    }
    const found = request.method === 'GET' && (request.url === '/metrics' || request.url === '/');
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(found ? render() : 'GET /metrics\n');
  });
  server.maxConnections = 16;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(failure(`cannot serve metrics on ${host} port ${port}: ${error.code ?? error.message}`));
    });
    server.listen(port, host, resolve);
  });
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** True for a Host header that no foreign page can bring: an address, localhost, this machine's name, the one listened on. */
export function isOurs(header: string | undefined, listenHost: string): boolean {
  const host = (header ?? '')
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (isIP(host) !== 0) return true;
  const own = hostname().toLowerCase();
  return (
    host === 'localhost' || host === listenHost.toLowerCase() || host === own || host.startsWith(`${own}.`)
  );
}
