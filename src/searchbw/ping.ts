/**
 * The only module that touches the `ping` package. It starts one ping per call: with more, iputils waits for the
 * last answer only twice the slowest one so far, so that an answer delayed by a filling queue would count as
 * lost, just where it matters; and the package shows nothing before the end and cannot be aborted.
 *
 * Quirks handled here: the host is put on ping's command line without `--`; the locale is taken from our
 * environment, where LC_ALL wins over the LANG it sets; the configuration object is changed; an unknown host is
 * no error; figures come as strings.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ping from 'ping';
import { failure, missing, noPrivilege, usageError } from '../errors.ts';
import { hostError } from './host.ts';

export type PingReply =
  | { kind: 'answer'; from: string; rttMs: number }
  | { kind: 'lost' }
  /** A router on the way said so, or our own kernel has no route. */
  | { kind: 'unreachable'; from: string | null; reason: string }
  /** The router at this hop, when the TTL was limited. */
  | { kind: 'ttl-exceeded'; from: string };

export interface PingOptions {
  /** Give up on an answer after this many whole seconds; longer than any modem's buffer. */
  timeoutSec?: number;
  /** 1 to 255; reaches that many hops far. */
  ttl?: number;
  /** Send through this device whatever the routing table says. */
  device?: string;
  signal?: AbortSignal;
}

/** Modem buffers of more than 4 s have not been seen; an answer after 5 s is as good as none. */
export const PING_TIMEOUT_SEC = 5;

export type PingOnce = (host: string, options?: PingOptions) => Promise<PingReply>;

/**
 * Sends one ping. Throws a `UserError` for a malformed or unknown host, a missing program or privilege, and the
 * signal's reason when aborted (the ping process then ends by itself within its time-out).
 */
export const pingOnce: PingOnce = async (host, options = {}) => {
  const problem = hostError(host);
  if (problem !== undefined) throw usageError(`ping host '${host}' ${problem}`);
  options.signal?.throwIfAborted();
  process.env['LC_ALL'] = 'C';
  const extra = isIP(host.split('%')[0] ?? '') === 6 ? ['-6'] : [];
  if (options.ttl !== undefined) extra.push('-t', String(options.ttl));
  if (options.device !== undefined) extra.push('-I', options.device);
  const probing = ping.promise
    .probe(host, {
      timeout: options.timeoutSec ?? PING_TIMEOUT_SEC,
      min_reply: 1,
      v6: false,
      extra,
    })
    .catch((error: unknown) => {
      throw missing(
        'ping could not be run',
        `install it with: apt-get install iputils-ping (${String(error)})`,
      );
    });
  const response = await abortable(probing, options.signal);
  const rttMs = Number(response.time);
  if (response.alive && Number.isFinite(rttMs)) {
    return { kind: 'answer', from: response.numeric_host ?? host, rttMs };
  }
  return readFailure(host, response.output);
};

/** What ping's output says where there was no answer (iputils and BusyBox, C locale). Throws as `pingOnce`. */
export function readFailure(host: string, output: string): PingReply {
  const from = (line: string): string | null =>
    /[Ff]rom ([0-9a-fA-F.:]+(?:%\S+?)?)[: ]/.exec(line)?.[1] ?? null;
  for (const line of output.split('\n')) {
    if (/Time to live exceeded|Time exceeded|Hop limit/i.test(line)) {
      const router = from(line);
      if (router !== null) return { kind: 'ttl-exceeded', from: router };
    }
    if (
      /Name or service not known|name resolution|unknown host|bad address|No address associated/i.test(line)
    ) {
      throw failure(`host '${host}' does not resolve`);
    }
    if (/Operation not permitted|Permission denied/i.test(line)) {
      throw noPrivilege(`ping may not send: ${line.trim()}`, 'run as root');
    }
    if (/unknown iface|No such device|Cannot assign requested address/i.test(line)) {
      throw failure(`ping could not use the device: ${line.trim()}`);
    }
    if (/unreachable|prohibited|filtered|No route to host/i.test(line)) {
      return { kind: 'unreachable', from: from(line), reason: line.replace(/^.*icmp_seq=\d+ /, '').trim() };
    }
    if (/usage:|invalid|unrecognized/i.test(line)) throw failure(`ping was not understood: ${line.trim()}`);
  }
  return { kind: 'lost' };
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The address of a host, so that no name is looked up through the full line. Throws a `UserError`. */
export async function resolveHost(host: string): Promise<string> {
  const problem = hostError(host);
  if (problem !== undefined) throw usageError(`ping host '${host}' ${problem}`);
  if (isIP(host.split('%')[0] ?? '') !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw failure(`host '${host}' does not resolve`, undefined, { cause: error });
  }
}
