/** Loads for the line in the words of a test: so many downloads, so many uploads, from here to there. */
import type { Guest } from './guest.ts';
import { FAR, SERVER, type LanNamespace } from './line.ts';
import type { FlowGroup, MeasureOptions, MeasureResult } from './measure.ts';

export interface FlowOptions {
  label?: string;
  transport?: FlowGroup['transport'];
  quic?: FlowGroup['quic'];
  congestion?: FlowGroup['congestion'];
  /** Where the client runs; `lan` needs a line with a LAN. */
  client?: 'gw' | LanNamespace;
  /** The other end: the host at the provider, or the far one. */
  server?: 'isp' | 'far';
  ipVersion?: 4 | 6;
  dscp?: number;
}

export const downloads = (count: number, options: FlowOptions = {}): FlowGroup =>
  flows('down', count, options);
export const uploads = (count: number, options: FlowOptions = {}): FlowGroup => flows('up', count, options);

function flows(direction: 'down' | 'up', count: number, options: FlowOptions): FlowGroup {
  const server = options.server ?? 'isp';
  const host = server === 'isp' ? SERVER : FAR;
  return {
    label: options.label ?? direction,
    direction,
    count,
    transport: options.transport ?? 'tcp',
    ...(options.quic === undefined ? {} : { quic: options.quic }),
    congestion: options.congestion ?? 'cubic',
    clientNs: options.client ?? 'gw',
    serverNs: server,
    serverAddress: options.ipVersion === 6 ? host.ipv6 : host.ipv4,
    ...(options.dscp === undefined ? {} : { dscp: options.dscp }),
  };
}

export interface LoadOptions extends Partial<Omit<MeasureOptions, 'interactive'>> {
  /** Adds the call, the key strokes and the short transfers. */
  interactive?: boolean;
}

/**
 * Loads the line, waits, and measures everything in one window; 80 pings in 16 s by default.
 */
export function measure(guest: Guest, options: LoadOptions): Promise<MeasureResult> {
  const { interactive, ...rest } = options;
  const pingNs = rest.pingNs ?? 'gw';
  return guest.request('measure', {
    flows: [],
    warmUpMs: rest.flows === undefined ? 0 : 10_000,
    pings: 80,
    pingIntervalMs: 200,
    pingTarget: SERVER.ipv4,
    ...rest,
    pingNs,
    ...(interactive === true
      ? { interactive: { clientNs: pingNs, serverNs: 'isp', serverAddress: SERVER.ipv4 } }
      : {}),
  });
}

/** An HTTP server at the provider that sends without end; gives its URL. */
export async function serveDownloads(guest: Guest): Promise<string> {
  const script = `require('http').createServer((ask, answer) => {
    const more = () => { while (answer.write(Buffer.alloc(16384))); };
    answer.on('drain', more); more();
  }).listen(8080)`;
  await guest.request('spawn', { argv: [process.execPath, '-e', script], ns: 'isp', timeoutMs: 36_000_000 });
  const wait =
    'for i in $(seq 300); do ss -ltnH sport = :8080 | grep -q . && exit 0; sleep 0.1; done; exit 1';
  await guest.run(['sh', '-c', wait], { ns: 'isp' });
  return `http://${SERVER.ipv4}:8080/`;
}

export interface FullLine {
  end: () => Promise<void>;
}

/**
 * Fills one direction for whoever measures it from outside: 4 downloads or 2 uploads, running until `end`, or
 * until the line is taken down.
 * @param settleMs how long they have to find their rates before this returns
 */
export async function keepFull(
  guest: Guest,
  direction: 'DOWN' | 'UP',
  { client = 'gw', settleMs = 5000 }: { client?: 'gw' | 'lan'; settleMs?: number } = {},
): Promise<FullLine> {
  const way = direction === 'DOWN' ? ['-R', '-P', '4'] : ['-P', '2'];
  const load = await keepIperf(guest, { client, server: 'isp', address: SERVER.ipv4, words: way });
  await guest.request('sleep', { ms: settleMs });
  return load;
}

/**
 * iperf3 between two hosts, running until `end`, or until the line is taken down.
 * @param words its client's options, besides whom to connect to and for how long
 */
export async function keepIperf(
  guest: Guest,
  { client, server, address, words, port = 5201 }: IperfEnds,
): Promise<FullLine> {
  const timeoutMs = 36_000_000;
  const onPort = ['-p', String(port)];
  const serving = await guest.request('spawn', {
    argv: ['iperf3', '-s', ...onPort],
    ns: server,
    timeoutMs,
  });
  await guest.request('sleep', { ms: 500 });
  const argv = ['iperf3', '-c', address, ...onPort, '-t', '30000', ...words] as const;
  const running = await guest.request('spawn', { argv, ns: client, timeoutMs });
  return {
    end: async () => {
      for (const { job } of [running, serving]) await guest.request('stop', { job, signal: 'SIGKILL' });
    },
  };
}

interface IperfEnds {
  client: string;
  server: string;
  /** The server's. */
  address: string;
  words: readonly string[];
  port?: number;
}
