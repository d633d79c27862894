/**
 * Load made by the tool itself: parallel downloads and uploads over HTTP(S), begun again when they end. What
 * arrives is counted and thrown away, so memory stays bounded whatever the server sends.
 */
import { printableLine } from '../printable.ts';
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Direction } from './measurement.ts';

export interface LoadSettings {
  downloadUrls: readonly string[];
  uploadUrls: readonly string[];
  /** Parallel transfers per URL. */
  streams: number;
}

export interface LoadStatus {
  bytes: number;
  /** Transfers that ended as they should and were begun again. */
  completed: number;
  failures: number;
  /** What the last failure said; null if none. */
  lastError: string | null;
  /** Transfers that move data at this moment. */
  active: number;
}

/** A running load. `stop` resolves when every connection is closed. */
export interface Load {
  status(): LoadStatus;
  stop(): Promise<void>;
}

/** How long one address of a host may take. Node's 250 ms are less than a full line takes to answer. */
export const CONNECT_ATTEMPT_MS = 5000;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;
/** One upload; long enough that slow start does not show, short enough for most servers' limits. */
const UPLOAD_BYTES = 50_000_000;
const CHUNK = Buffer.alloc(64 * 1024, 'inetgw load ');

/** Starts the load of one direction; undefined if there is no URL for it: then it is the user's own. */
export function startLoad(direction: Direction, settings: LoadSettings): Load | undefined {
  const urls = direction === 'down' ? settings.downloadUrls : settings.uploadUrls;
  if (urls.length === 0) return undefined;
  // fetch has no option for it, but follows this.
  setDefaultAutoSelectFamilyAttemptTimeout(CONNECT_ATTEMPT_MS);
  const status: LoadStatus = { bytes: 0, completed: 0, failures: 0, lastError: null, active: 0 };
  const ending = new AbortController();
  const transfer = direction === 'down' ? download : upload;
  const streams = urls.flatMap((url) =>
    Array.from({ length: settings.streams }, () => keepRunning(url, transfer, status, ending.signal)),
  );
  return {
    status: () => ({ ...status }),
    async stop() {
      ending.abort();
      await Promise.all(streams);
    },
  };
}

type Transfer = (url: string, count: (bytes: number) => void, signal: AbortSignal) => Promise<void>;

/** One stream: transfer after transfer until the signal; after an error it waits, longer each time. */
async function keepRunning(
  url: string,
  transfer: Transfer,
  status: LoadStatus,
  signal: AbortSignal,
): Promise<void> {
  let backoffMs = FIRST_BACKOFF_MS;
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    let moved = 0;
    const startMs = performance.now();
    status.active++;
    try {
      await transfer(
        url,
        (bytes) => {
          moved += bytes;
          status.bytes += bytes;
        },
        signal,
      );
      status.completed++;
    } catch (error) {
      if (stopped()) break;
      status.failures++;
      // The server chooses the words of its status line.
      status.lastError = printableLine(`${url}: ${causeOf(error)}`);
    } finally {
      status.active--;
    }
    // A transfer that was over at once (empty file, refused) would otherwise become a flood of requests.
    const useful = moved > 0 && performance.now() - startMs > FIRST_BACKOFF_MS;
    if (useful) backoffMs = FIRST_BACKOFF_MS;
    else if (moved >= CHUNK.length) await pause(20, signal);
    else {
      await pause(backoffMs, signal);
      backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2);
    }
  }
}

const download: Transfer = async (url, count, signal) => {
  const response = await fetch(url, {
    signal,
    headers: { 'accept-encoding': 'identity', 'cache-control': 'no-cache' },
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
  }
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) count(chunk.length);
};

const upload: Transfer = async (url, count, signal) => {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < UPLOAD_BYTES && !signal.aborted; sent += CHUNK.length) {
      yield CHUNK;
      // The next chunk is asked for when this one was taken over by the connection.
      count(CHUNK.length);
      await Promise.resolve();
    }
  }
  const response = await fetch(url, {
    method: 'POST',
    body: body(),
    duplex: 'half',
    signal,
    headers: { 'content-type': 'application/octet-stream' },
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
};

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; the cause knows more.
  const { cause } = error;
  // A host of several addresses fails once for each, and says nothing for all.
  if (cause instanceof AggregateError && cause.errors.length > 0) return messageOf(cause.errors[0]);
  return cause instanceof Error ? messageOf(cause) : error.message;
}

function messageOf(error: unknown): string {
  return (error instanceof Error && error.message) || String(error);
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
