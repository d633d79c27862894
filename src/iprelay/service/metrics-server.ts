import { createServer } from 'node:http';
import { failure } from '../../errors.ts';

/** Answers GET /metrics on an address; resolves to what closes it. */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
  render: () => string,
): Promise<() => void> {
  const server = createServer((request, response) => {
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
