/**
 * Load made by the tool itself: parallel downloads and uploads over HTTP(S), begun again when they end. What
 * arrives is counted and thrown away, so memory stays bounded whatever the server sends.
 */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { UserError } from '../../core/errors.ts';
import { printableLine } from '../../core/printable.ts';
import type { Direction } from '../samples/measurement.ts';
import { describeProxy, proxyFor } from './proxy.ts';
import { transfer, UPLOAD_BYTES } from './transfer.ts';

export interface LoadSettings {
  downloadUrls: readonly string[];
  uploadUrls: readonly string[];
  /** Parallel transfers per URL. */
  streams: number;
}

export interface LoadStatus {
  /** Downloads: what has arrived. Uploads: what was sent in those that have ended. */
  bytes: number;
  /** Transfers that ended as they should and were begun again. */
  completed: number;
  failures: number;
  /** What the last failure said; null if none. */
  lastError: string | null;
  /** Transfers that move data at this moment. */
  active: number;
  /** What a transfer brought that was too small to be a load, while none has brought more; null: there was none. */
  tooSmall: string | null;
  /** There can be no load at all: curl is missing. */
  fatal: UserError | null;
}

/** A running load. `stop` resolves when every connection is closed. */
export interface Load {
  status(): LoadStatus;
  stop(): Promise<void>;
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;
/** A server that asks for more is not waited for as long as that. */
const LONGEST_RETRY_AFTER_SEC = 60;
/** What is smaller fills no line. */
const SMALL_BYTES = 64 * 1024;

/**
 * Starts the load of one direction; undefined if there is no URL for it: then it is the user's own.
 * @param device all of it goes through this one, unless it goes to a proxy; undefined: by the routing table
 */
export function startLoad(
  direction: Direction,
  settings: LoadSettings,
  device: string | undefined,
): Load | undefined {
  const urls = direction === 'down' ? settings.downloadUrls : settings.uploadUrls;
  if (urls.length === 0) return undefined;
  const status: LoadStatus = {
    ...{ bytes: 0, completed: 0, failures: 0, active: 0 },
    ...{ lastError: null, tooSmall: null, fatal: null },
  };
  const ending = new AbortController();
  const file = uploadFile(direction);
  const running = file.then(({ path }) =>
    Promise.all(
      urls.flatMap((url) =>
        Array.from({ length: settings.streams }, () =>
          keepRunning({ url, direction, device, uploadFile: path }, status, ending.signal),
        ),
      ),
    ),
  );
  running.catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    status.fatal = error;
  });
  return {
    status: () => ({ ...status }),
    async stop() {
      ending.abort();
      await running.catch(() => undefined);
      await file.then(({ remove }) => remove());
    },
  };
}

/** What goes through a proxy, for the user; undefined: nothing. */
export function proxyNotice(urls: readonly string[]): string | undefined {
  const proxies = [...new Set(urls.map((url) => proxyFor(url, process.env)))].filter(
    (proxy) => proxy !== undefined,
  );
  if (proxies.length === 0) return undefined;
  return (
    `the environment names a proxy, so the load comes from ${proxies.map(describeProxy).join(', ')},` +
    ' by the way that leads there'
  );
}

/** A file without a byte on the disk, from which uploads are read: so they have a length that servers can be told. */
async function uploadFile(direction: Direction): Promise<{ path: string; remove: () => Promise<void> }> {
  if (direction === 'down') return { path: '', remove: () => Promise.resolve() };
  const folder = await mkdtemp(join(tmpdir(), 'searchbw-'));
  const path = join(folder, 'upload');
  await writeFile(path, '');
  await truncate(path, UPLOAD_BYTES);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

interface Stream {
  url: string;
  direction: Direction;
  device: string | undefined;
  uploadFile: string;
}

/** One stream: transfer after transfer until the signal; after an error it waits, longer each time. */
async function keepRunning(stream: Stream, status: LoadStatus, signal: AbortSignal): Promise<void> {
  const { url } = stream;
  const proxy = proxyFor(url, process.env);
  const device = proxy === undefined ? stream.device : undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    const startMs = performance.now();
    status.active++;
    const count = (bytes: number): void => {
      status.bytes += bytes;
    };
    const end = await transfer({ ...stream, device, proxy, count, signal })
      .catch((error: unknown) => {
        if (stopped()) return undefined;
        throw error;
      })
      .finally(() => status.active--);
    if (end === undefined) break;
    if (end.error === undefined) status.completed++;
    else {
      status.failures++;
      // The server chooses some of the words.
      status.lastError = printableLine(`${url}: ${end.error}`);
    }
    if (end.bytes >= SMALL_BYTES) status.tooSmall = null;
    else if (end.error === undefined) status.tooSmall = end.what;
    // A transfer that was over at once (empty file, refused) would otherwise become a flood of requests.
    const useful = end.bytes > 0 && performance.now() - startMs > FIRST_BACKOFF_MS;
    if (end.error === undefined && useful) backoffMs = FIRST_BACKOFF_MS;
    else if (end.error === undefined && end.bytes >= SMALL_BYTES) await pause(20, signal);
    else {
      const askedMs = Math.min(LONGEST_RETRY_AFTER_SEC, end.retryAfterSec ?? 0) * 1000;
      await pause(Math.max(askedMs, backoffMs), signal);
      backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
