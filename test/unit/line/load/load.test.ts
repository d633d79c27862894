/** Loads against a real HTTP server on loopback. */
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { until } from '../../../hang.ts';
import { startLoad, type Load } from '../../../../src/line/load/load.ts';

let server: Server | undefined;
let load: Load | undefined;

afterEach(async () => {
  await load?.stop();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  load = undefined;
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const down = (url: string, streams: number) =>
  startLoad('down', { downloadUrls: [url], uploadUrls: [], streams }, undefined);
const up = (url: string, streams: number) =>
  startLoad('up', { downloadUrls: [], uploadUrls: [url], streams }, undefined);

describe('downloads', () => {
  it('runs as many as asked for in parallel, begins again when they end, and counts every byte', async () => {
    let served = 0;
    let mostOpen = 0;
    // Answered once all three have asked, however long their programs take to start: a fourth would be seen beside them.
    const open: ServerResponse[] = [];
    const url = await serve((_request, response) => {
      mostOpen = Math.max(mostOpen, open.push(response));
      if (open.length < 3) return;
      setTimeout(() => {
        for (const each of open.splice(0)) {
          const body = Buffer.alloc(200_000);
          served += body.length;
          each.end(body);
        }
      }, 20);
    });
    load = down(url, 3);
    await until(() => (load?.status().completed ?? 0) >= 9);
    await load?.stop();
    const status = load?.status();
    expect(mostOpen).toBe(3);
    expect(status?.failures).toBe(0);
    expect(status?.bytes).toBeGreaterThanOrEqual(9 * 200_000);
    expect(status?.bytes).toBeLessThanOrEqual(served);
  });

  it('waits longer and longer after errors instead of flooding the server, and says what it answered', async () => {
    const askedMs: number[] = [];
    const url = await serve((_request, response) => {
      askedMs.push(performance.now());
      response.writeHead(404).end();
    });
    load = down(url, 2);
    await until(() => askedMs.length >= 6);
    // Each of two streams at 0 s, 0.5 s, 1.5 s at the earliest; a timer may be early by a millisecond.
    const [firstMs = 0, , thirdMs = 0, , fifthMs = 0] = askedMs;
    expect(thirdMs - firstMs).toBeGreaterThan(490);
    expect(fifthMs - firstMs).toBeGreaterThan(1480);
    expect(load?.status()).toMatchObject({
      bytes: 0,
      lastError: `${url}: the server answered 404 Not Found`,
    });
  });

  it('goes on after a connection that broke', async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      response.write(Buffer.alloc(50_000));
      if (++requests === 1) setTimeout(() => response.destroy(), 20);
      else response.end();
    });
    load = down(url, 1);
    await until(() => (load?.status().completed ?? 0) >= 1);
    expect(load?.status()).toMatchObject({ failures: 1 });
  });

  it('keeps memory bounded while gigabytes could arrive', async () => {
    const chunk = Buffer.alloc(1 << 20);
    const url = await serve((_request, response) => {
      const fill = (): void => {
        while (response.write(chunk));
      };
      response.on('drain', fill);
      fill();
    });
    const before = process.memoryUsage().rss;
    load = down(url, 2);
    await until(() => (load?.status().bytes ?? 0) > 500e6);
    expect(process.memoryUsage().rss - before).toBeLessThan(250e6);
  });

  it('ends every transfer when stopped, also one that is stuck', async () => {
    let closed = 0;
    const url = await serve((_request, response) => {
      response.on('close', () => closed++);
      response.write('x');
    });
    load = down(url, 4);
    await until(() => (load?.status().bytes ?? 0) === 4);
    await load?.stop();
    await until(() => closed === 4);
    expect(load?.status().active).toBe(0);
  });
});

it('comes over HTTP/2 from a server that speaks nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inetgw-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  await execa('openssl', [...made, ...subject]);
  const secure = createSecureServer({ key: await readFile(key), cert: await readFile(cert) });
  vi.stubEnv('CURL_CA_BUNDLE', cert);
  try {
    secure.on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(500_000));
    });
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    load = down(`https://127.0.0.1:${(secure.address() as AddressInfo).port}/`, 1);
    await until(() => (load?.status().completed ?? 0) >= 1);
    expect(load?.status()).toMatchObject({ failures: 0 });
    await load?.stop();
  } finally {
    vi.unstubAllEnvs();
    secure.close();
    await rm(folder, { recursive: true });
  }
});

describe('what the server says', () => {
  const said = async (
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    direction: 'up' | 'down' = 'down',
  ): Promise<string> => {
    const url = await serve(handler);
    load = direction === 'down' ? down(url, 1) : up(url, 1);
    await until(() => (load?.status().lastError ?? load?.status().tooSmall ?? null) !== null);
    const { lastError, tooSmall } = load?.status() ?? {};
    return (lastError ?? tooSmall ?? '').replaceAll(url, 'URL');
  };

  it.each([
    [429, { 'retry-after': '30' }, '429 Too Many Requests and asks to be left alone for 30 s'],
    [503, {}, '503 Service Unavailable'],
    [511, {}, '511 Network Authentication Required'],
  ])('%i is told in its words', async (status, headers, words) => {
    const text = await said((_request, response) => response.writeHead(status, headers).end('busy'));
    expect(text).toBe(`URL: the server answered ${words}`);
  });

  it('redirects are followed, and why one is not is told', async () => {
    const follow = await said((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/file' }).end();
      else response.writeHead(200, { 'content-type': 'text/plain' }).end('here');
    });
    expect(follow).toBe('4 B of text/plain from URLfile');
    await load?.stop();
    const round = await said((_request, response) => response.writeHead(302, { location: '/' }).end());
    expect(round).toBe('URL: Maximum (5) redirects followed');
    await load?.stop();
    const odd = await said((_request, response) =>
      response.writeHead(302, { location: 'ftp://192.0.2.1/' }).end(),
    );
    expect(odd).toMatch(/^URL: Protocol "ftp" /);
  });

  it('a page of a captive portal is no load, and is named', async () => {
    const text = await said((_request, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end('<html>log in</html>'.padEnd(2048)),
    );
    expect(text).toMatch(/^2\S* kB of text\/html from URL$/);
  });

  it('a server that is not there is named with its port', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    load = down(url, 1);
    await until(() => load?.status().lastError !== null);
    expect(load?.status().lastError).toMatch(/Failed to connect to 127\.0\.0\.1(?: port |:)\d+/);
  });

  it.each([
    [411, 'Length Required'],
    [413, 'Payload Too Large'],
  ])('%i to an upload, before it is sent, counts no byte of it', async (status, name) => {
    let arrived = 0;
    const url = await serve(() => undefined);
    server?.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      request.on('data', (chunk: Buffer) => (arrived += chunk.length));
      response.writeHead(status, { connection: 'close' }).end();
    });
    load = up(url, 1);
    await until(() => (load?.status().failures ?? 0) >= 2);
    expect(load?.status()).toMatchObject({
      ...{ bytes: 0, completed: 0 },
      lastError: `${url}: the server answered ${status} ${name}`,
    });
    expect(arrived).toBe(0);
  });

  it('200 before the upload has been taken is no upload', async () => {
    const url = await serve(() => undefined);
    server?.on('checkContinue', (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, { connection: 'close', 'content-length': '0' }).end();
    });
    load = up(url, 1);
    await until(() => (load?.status().failures ?? 0) >= 1);
    expect(load?.status().completed).toBe(0);
    expect(load?.status().lastError).toMatch(
      /: the server answered 200 OK before it had taken the upload: .* of 50 MB$/,
    );
  });
});

describe('uploads', () => {
  it('counts what was sent of those that have ended, no more than has arrived', async () => {
    let arrived = 0;
    const url = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => (arrived += chunk.length));
      request.on('end', () => response.end());
    });
    load = up(url, 2);
    await until(() => (load?.status().completed ?? 0) >= 2);
    await load?.stop();
    const { bytes, completed, failures } = load?.status() ?? {};
    expect(bytes).toBe(50_000_000 * (completed ?? 0));
    expect(bytes).toBeLessThanOrEqual(arrived);
    expect(failures).toBe(0);
  });

  it('leaves no file behind', async () => {
    const files = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('searchbw-')).length;
    const before = await files();
    load = up(await serve((request) => request.resume()), 1);
    await until(async () => (await files()) === before + 1);
    await load?.stop();
    expect(await files()).toBe(before);
  });
});

it('is nobody’s business without a URL', () => {
  expect(
    startLoad('up', { downloadUrls: ['http://127.0.0.1/'], uploadUrls: [], streams: 1 }, undefined),
  ).toBeUndefined();
});
