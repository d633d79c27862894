/**
 * The only module that touches the `ping` package: its argument builder and its parser. The program itself is run
 * as all others are (system/exec/run.ts): the package's own `probe` cannot be aborted, waits for ever for a ping that
 * hangs, keeps whatever it prints, and throws where nobody can catch it if that is not what it expects (found by
 * the fuzzer: a ping that was killed while it printed its first line).
 *
 * One ping per call: with more, iputils waits for the last answer only twice the slowest one so far, so that an
 * answer delayed by a filling queue would count as lost, just where it matters; and nothing is shown before the end.
 *
 * Quirks handled here: the host is put on ping's command line without `--`; the configuration object is changed; an
 * unknown host is no error; figures come as strings.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import builders from 'ping/lib/builder/factory.js';
import parsers from 'ping/lib/parser/factory.js';
import { failure, noPrivilege, usageError } from '../../core/errors.ts';
import { ProgramError, run, type RunResult } from '../../system/exec/run.ts';
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
const PING_TIMEOUT_SEC = 5;

const NAME_HINT = 'give its address, or see that names are looked up: getent hosts NAME';

export type PingOnce = (host: string, options?: PingOptions) => Promise<PingReply>;

/**
 * Sends one ping. Throws a `UserError` for a malformed or unknown host, a missing program or privilege, and the
 * signal's reason when aborted.
 */
export const pingOnce: PingOnce = async (host, options = {}) => {
  const problem = hostError(host);
  if (problem !== undefined) throw usageError(`ping host '${host}' ${problem}`);
  options.signal?.throwIfAborted();
  const timeoutSec = options.timeoutSec ?? PING_TIMEOUT_SEC;
  const extra = isIP(host.split('%')[0] ?? '') === 6 ? ['-6'] : [];
  if (options.ttl !== undefined) extra.push('-t', String(options.ttl));
  if (options.device !== undefined) extra.push('-I', options.device);
  const words = builders
    .createBuilder('linux')
    .getCommandArguments(host, { timeout: timeoutSec, min_reply: 1, v6: false, extra });
  const { stdout, stderr } = await runPing(words, timeoutSec, options.signal);
  const output = stdout + stderr;
  return readAnswer(host, output) ?? readFailure(host, output);
};

/** A ping that does not end by itself is ended after its time-out and this. */
const SPARE_SEC = 5;

async function runPing(
  words: readonly string[],
  timeoutSec: number,
  signal: AbortSignal | undefined,
): Promise<RunResult> {
  try {
    return await run(['ping', ...words], {
      timeoutMs: (timeoutSec + SPARE_SEC) * 1000,
      // 1: no answer, 2: another error, which the output tells.
      okCodes: [1, 2],
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof ProgramError ? error.toUserError() : error;
  }
}

/** The answer in ping's output, if there is one. */
export function readAnswer(host: string, output: string): PingReply | undefined {
  const parser = parsers.createParser(host, 'linux', {});
  try {
    for (const line of output.split('\n')) parser.eat(line);
  } catch {
    // The parser takes the first line for granted; what is there instead is read as a failure.
    return undefined;
  }
  const { alive, time, numeric_host: from } = parser.getResult();
  const rttMs = Number(time);
  if (!alive || !Number.isFinite(rttMs) || rttMs < 0) return undefined;
  return {
    kind: 'answer',
    from: from === undefined || isIP(from.split('%')[0] ?? '') === 0 ? host : from,
    rttMs,
  };
}

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
      throw failure(`host '${host}' does not resolve`, NAME_HINT);
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
    if (/usage:|invalid|unrecognized/i.test(line))
      throw failure(
        `ping does not take its arguments: ${line.trim()}`,
        'is it the one of iputils? See: ping -V',
      );
  }
  return { kind: 'lost' };
}

/** The address of a host, so that no name is looked up through the full line. Throws a `UserError`. */
export async function resolveHost(host: string): Promise<string> {
  const problem = hostError(host);
  if (problem !== undefined) throw usageError(`ping host '${host}' ${problem}`);
  if (isIP(host.split('%')[0] ?? '') !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw failure(`host '${host}' does not resolve`, NAME_HINT, { cause: error });
  }
}
