/**
 * One HTTP transfer of the load, by curl: it alone here can bind to a device (Node has no SO_BINDTODEVICE), and it brings
 * what Node's fetch lacks as well: HTTP/2, proxies, an answer to an upload before the upload, errors that name their cause.
 */
import { STATUS_CODES } from 'node:http';
import { printableLine } from '../../core/printable.ts';
import { ProgramError, run, type Runner } from '../../system/exec/run.ts';
import { formatSize } from '../../core/units.ts';
import { VERSION } from '../../core/version.ts';
import type { Direction } from '../samples/measurement.ts';

export interface TransferRequest {
  url: string;
  direction: Direction;
  /** Nothing of it goes by another one; undefined: by whatever the routing table says, as what goes to a proxy does. */
  device: string | undefined;
  /** Undefined: none, whatever the environment says. */
  proxy: string | undefined;
  /** What is sent: a file of `UPLOAD_BYTES`. */
  uploadFile: string;
  /** Told of bytes as they arrive; for an upload at its end, of those that were sent. */
  count: (bytes: number) => void;
  signal: AbortSignal;
}

export interface TransferEnd {
  /** Body bytes that arrived or were sent. */
  bytes: number;
  /** Undefined: it ended as it should. Else what the server or curl said, in one line. */
  error: string | undefined;
  /** The server asks to be left alone for so long. */
  retryAfterSec: number | undefined;
  /** What came, for a person: `2.1 kB of text/html from http://192.168.1.1/login`. */
  what: string;
}

/** One upload; long enough that slow start does not show, short enough for most servers' limits. */
export const UPLOAD_BYTES = 50_000_000;

/** How long one address of a host may take. curl's 200 ms are less than a full line takes to answer. */
const CONNECT_ATTEMPT_MS = 5000;
const CONNECT_LIMIT_SEC = 20;
/** A transfer that moves nothing for so long is begun again. */
const STALL_SEC = 30;
/** A day: a download as long as that is begun again. */
const LONGEST_MS = 24 * 3_600_000;
const MAX_REDIRECTS = 5;

/** What curl writes at the end, on a line of its own; a tab is in none of the values. */
const MARK = '@searchbw';
const WRITE_OUT = `%{stderr}\\n${MARK}\\t%{http_code}\\t%{content_type}\\t%{size_download}\\t%{size_upload}\\t%{url_effective}\\t%header{retry-after}\\n`;

/** The variables that say which certificates to trust; proxies are said as arguments. */
const ENVIRONMENT = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'CURL_CA_BUNDLE'] as const;

/** curl's exit codes below its first that stands for a signal. */
const OK_CODES = Array.from({ length: 126 }, (_, code) => code);

/** Runs a transfer to its end. Throws a `UserError` where there is no curl, and the signal's reason when aborted. */
export async function transfer(request: TransferRequest, runner: Runner = run): Promise<TransferEnd> {
  const { direction, count, signal } = request;
  let arrived = 0;
  try {
    const { code, stderr } = await runner(curlArguments(request), {
      timeoutMs: LONGEST_MS,
      okCodes: OK_CODES,
      signal,
      env: environment(process.env),
      ...(direction === 'down'
        ? {
            onOutput: (bytes: number) => {
              arrived += bytes;
              count(bytes);
            },
          }
        : {}),
    });
    const end = readEnd(code, stderr, request);
    if (direction === 'up') count(end.bytes);
    return end;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProgramError)) throw error;
    return { bytes: arrived, error: error.message, retryAfterSec: undefined, what: '' };
  }
}

function curlArguments(request: TransferRequest): [string, ...string[]] {
  const { url, direction, device, proxy, uploadFile } = request;
  const upload = ['--request', 'POST', '--upload-file', uploadFile, '--output', '/dev/null'];
  return [
    'curl',
    // First: no file of somebody's home counts.
    ...['--disable', '--silent', '--show-error', '--globoff', '--proto', '=http,https'],
    ...['--location', '--max-redirs', String(MAX_REDIRECTS)],
    // `if!`: a device, and never a host of that name.
    ...(device === undefined ? [] : ['--interface', `if!${device}`]),
    ...(proxy === undefined ? ['--noproxy', '*'] : ['--proxy', proxy]),
    ...['--connect-timeout', String(CONNECT_LIMIT_SEC)],
    ...['--happy-eyeballs-timeout-ms', String(CONNECT_ATTEMPT_MS)],
    ...['--speed-limit', '1', '--speed-time', String(STALL_SEC)],
    ...['--user-agent', `searchbw/${VERSION}`, '--header', 'Cache-Control: no-cache'],
    ...(direction === 'down'
      ? ['--output', '-', '--no-buffer']
      : [...upload, '--header', 'Content-Type: application/octet-stream']),
    ...['--write-out', WRITE_OUT, '--url', url],
  ];
}

function environment(all: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    ENVIRONMENT.flatMap((name) => {
      const value = all[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What curl's exit code and standard error tell. Pure. */
function readEnd(
  code: number,
  stderr: string,
  { direction, url }: Pick<TransferRequest, 'direction' | 'url'>,
): TransferEnd {
  const lines = stderr.split('\n');
  const written = lines.find((line) => line.startsWith(`${MARK}\t`))?.split('\t') ?? [];
  const [, status = '0', type = '', received = '0', sent = '0', last = url, after = ''] = written;
  const bytes = Number(direction === 'down' ? received : sent);
  const said = lines
    .map((line) => /^curl: \((\d+)\) (.+)$/.exec(line)?.[2])
    .find((text) => text !== undefined);
  const retryAfterSec = /^\d{1,6}$/.test(after) ? Number(after) : undefined;
  return {
    bytes,
    error: errorOf({ code, status: Number(status), bytes, direction, said, retryAfterSec }),
    retryAfterSec,
    what: printableLine(
      `${formatSize(bytes)} of ${type === '' ? 'no said type' : (type.split(';')[0] ?? type)} from ${last}`,
    ),
  };
}

interface Ending {
  code: number;
  /** 0: there was no answer. */
  status: number;
  bytes: number;
  direction: Direction;
  said: string | undefined;
  retryAfterSec: number | undefined;
}

function errorOf({ code, status, bytes, direction, said, retryAfterSec }: Ending): string | undefined {
  const name = STATUS_CODES[status];
  const answer = `the server answered ${status}${name === undefined ? '' : ` ${name}`}`;
  if (status >= 400) {
    const wait = retryAfterSec === undefined ? '' : ` and asks to be left alone for ${retryAfterSec} s`;
    const taken = direction === 'up' && bytes > 0 ? `, after ${formatSize(bytes)}` : '';
    return `${answer}${wait}${taken}`;
  }
  // What is half sent when the answer comes was not taken by anybody.
  if (direction === 'up' && status >= 200 && bytes < UPLOAD_BYTES)
    return `${answer} before it had taken the upload: ${formatSize(bytes)} of ${formatSize(UPLOAD_BYTES)}`;
  if (code === 0) return undefined;
  return said ?? `curl ended with exit code ${code}`;
}
