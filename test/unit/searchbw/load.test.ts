/** Loads against a real HTTP server on loopback. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import dns from 'node:dns';
import { getDefaultAutoSelectFamilyAttemptTimeout, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { until } from '../../hang.ts';
import { CONNECT_ATTEMPT_MS, startLoad, type Load } from '../../../src/searchbw/load.ts';

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
  startLoad('down', { downloadUrls: [url], uploadUrls: [], streams });

describe('downloads', () => {
  it('runs as many as asked for in parallel, begins again when they end, and counts every byte', async () => {
    let served = 0;
    let open = 0;
    let mostOpen = 0;
    const url = await serve((_request, response) => {
      mostOpen = Math.max(mostOpen, ++open);
      response.on('close', () => open--);
      const body = Buffer.alloc(200_000);
      served += body.length;
      setTimeout(() => response.end(body), 20);
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

describe('a host with several addresses', () => {
  it('has time to answer over a full line before the next address is tried', () => {
    // An ADSL line with a full buffer takes 1.8 s.
    expect(CONNECT_ATTEMPT_MS).toBeGreaterThan(2000);
    load = down('http://127.0.0.1:1/', 1);
    expect(getDefaultAutoSelectFamilyAttemptTimeout()).toBe(CONNECT_ATTEMPT_MS);
  });

  it('says why it cannot be reached when every address fails', async () => {
    // Nobody listens there any more.
    const { port } = new URL(await serve(() => undefined));
    await new Promise((resolve) => server?.close(resolve));
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      _options: object,
      done: (error: null, addresses: dns.LookupAddress[]) => void,
    ) => {
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]);
    }) as typeof dns.lookup);
    load = down(`http://two.example:${port}/`, 1);
    await until(() => load?.status().lastError !== null);
    lookup.mockRestore();
    expect(load?.status().lastError).toBe(
      `http://two.example:${port}/: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });
});

describe('uploads', () => {
  it('sends until stopped and counts about what arrives', async () => {
    let arrived = 0;
    const url = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => (arrived += chunk.length));
      request.on('end', () => response.end());
    });
    load = startLoad('up', { downloadUrls: [], uploadUrls: [url], streams: 2 });
    await until(() => arrived > 20e6);
    await load?.stop();
    const sent = load?.status().bytes ?? 0;
    expect(sent).toBeGreaterThanOrEqual(arrived);
    // What is still in socket buffers of two streams.
    expect(sent - arrived).toBeLessThan(16e6);
  });

  it('says when the server refuses', async () => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(413).end();
    });
    load = startLoad('up', { downloadUrls: [], uploadUrls: [url], streams: 1 });
    await until(() => (load?.status().failures ?? 0) > 0);
    expect(load?.status().lastError).toBeTruthy();
  });
});

it('is nobody’s business without a URL', () => {
  expect(
    startLoad('up', { downloadUrls: ['http://127.0.0.1/'], uploadUrls: [], streams: 1 }),
  ).toBeUndefined();
});
