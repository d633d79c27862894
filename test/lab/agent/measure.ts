/** One measurement, from the start of the flows to their end, without the host's doing anything meanwhile. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowGroup, GroupResult, MeasureOptions, MeasureResult, QuicPrograms } from '../measure.ts';
import { clockMs, exec, signalJob, startJob, type Job } from './jobs.ts';
import { saidReady, startInteractive, type Interactive } from './interactive.ts';
import type { UdpClientSettings, UdpServerSettings } from './udpFlow.ts';

const FIRST_PORT = 5201;
/** As HTTP/3 has it: shapers go by it. */
const QUIC_PORT = 443;

interface Flow {
  group: FlowGroup;
  port: number;
  server: Job;
  /** Undefined until it is started. */
  client?: Job;
}

export async function measure(options: MeasureOptions): Promise<MeasureResult> {
  const started: Job[] = [];
  let interactive: Interactive | undefined;
  try {
    if (options.interactive !== undefined) {
      interactive = await startInteractive(options.interactive);
      started.push(...interactive.jobs);
    }
    const flows = await startFlows(options.flows, started);
    await passWarmUp(options);
    const windowMs = options.pings * options.pingIntervalMs;
    const before = await sampleFlows(flows);
    const idleBefore = processorTimes();
    interactive?.go(windowMs);
    const ping = runPings(options);
    await sleep(windowMs);
    const idleAfter = processorTimes();
    const after = await sampleFlows(flows);
    const groups = flows.map((flow, index) => groupResult(flow, before[index], after[index]));
    const total = (direction: 'down' | 'up'): number =>
      groups.reduce((sum, group) => sum + (group.direction === direction ? group.bitPerSec : 0), 0);
    return {
      windowMs,
      ping: { sent: options.pings, timesMs: await ping },
      groups,
      downBitPerSec: total('down'),
      upBitPerSec: total('up'),
      ...(await interactive?.results()),
      idleFraction: (idleAfter.idle - idleBefore.idle) / (idleAfter.total - idleBefore.total),
    };
  } finally {
    for (const job of started) signalJob(job, 'SIGKILL');
    await Promise.all(started.map((job) => job.ended));
  }
}

/** First all servers, then all clients: so the flows begin together. */
async function startFlows(groups: readonly FlowGroup[], started: Job[]): Promise<Flow[]> {
  const quicServers = groups.filter(({ transport }) => transport === 'quic').map(({ serverNs }) => serverNs);
  if (new Set(quicServers).size < quicServers.length)
    throw new Error('QUIC: one group for each host that serves');
  const flows = groups.map((group, index): Flow => {
    const port = group.transport === 'quic' ? QUIC_PORT : FIRST_PORT + index;
    const server = startEnd(serverArgv(group, port), group.serverNs, started);
    return { group, port, server };
  });
  for (const flow of flows) {
    if (flow.group.transport === 'udp') await saidReady(flow.server);
    else await listening(flow, flow.group.transport === 'quic' ? UDP_BOUND : TCP_LISTENS);
  }
  for (const flow of flows) {
    flow.client = startEnd(clientArgv(flow.group, flow.port), flow.group.clientNs, started);
  }
  return flows;
}

function startEnd(argv: readonly [string, ...string[]], ns: string, started: Job[]): Job {
  const job = startJob({ argv, ns }, { keepInput: true });
  started.push(job);
  return job;
}

function serverArgv(group: FlowGroup, port: number): [string, ...string[]] {
  const { transport, congestion, direction } = group;
  if (transport === 'quic') {
    const { server, keyFile, certificateFile } = quicOf(group);
    const words = ['-q', '--no-quic-dump', '--no-http-dump', '--max-dyn-length=4G', `--cc=${congestion}`];
    return withLibraries(group, [server, ...words, '*', String(port), keyFile, certificateFile]);
  }
  if (transport !== 'udp') return ['iperf3', '-s', '-p', String(port)];
  if (congestion === 'bbr' || direction === 'up')
    throw new Error('over UDP: downloads with Reno or CUBIC only');
  return agentArgv('udp-server', { port, congestion } satisfies UdpServerSettings);
}

function clientArgv(group: FlowGroup, port: number): [string, ...string[]] {
  const { transport, serverAddress, count } = group;
  if (transport === 'quic') return quicClientArgv(group, port);
  if (transport === 'udp') {
    return agentArgv('udp-client', { port, serverAddress, count } satisfies UdpClientSettings);
  }
  return [
    ...(['iperf3', '-c', serverAddress, '-p', String(port), '-P', String(count)] as const),
    ...['-t', '3600', '-C', group.congestion, ...(group.direction === 'down' ? ['-R'] : [])],
    ...(group.dscp === undefined ? [] : ['--dscp', String(group.dscp)]),
  ];
}

/**
 * Each is a program of its own, as each tab or television is. The server makes up as many bytes as it is asked for, a client sends
 * a file of zeros.
 */
function quicClientArgv(group: FlowGroup, port: number): [string, ...string[]] {
  const { serverAddress, count, congestion, direction } = group;
  const host = serverAddress.includes(':') ? `[${serverAddress}]` : serverAddress;
  const upload = direction === 'up' ? [`--cc=${congestion}`, '-m', 'POST', '-d', UPLOADED_FILE] : [];
  const words = ['-q', '--no-quic-dump', '--no-http-dump', ...upload, serverAddress, String(port)];
  const path = direction === 'up' ? '/' : '/4000000000';
  const each = [quicOf(group).client, ...words, `https://${host}:${port}${path}`].join(' ');
  const before = direction === 'up' ? `truncate -s 1G ${UPLOADED_FILE}; ` : '';
  return withLibraries(group, ['sh', '-c', `${before}${`${each} >/dev/null 2>&1 & `.repeat(count)}wait`]);
}

const UPLOADED_FILE = '/run/quic-upload';

function quicOf({ quic }: FlowGroup): QuicPrograms {
  if (quic === undefined) throw new Error('QUIC: with the programs for it');
  return quic;
}

const withLibraries = (group: FlowGroup, argv: readonly string[]): [string, ...string[]] => [
  'env',
  `LD_LIBRARY_PATH=${quicOf(group).libraryPath}`,
  ...argv,
];

/** This very program in another role. */
function agentArgv(role: string, settings: object): [string, ...string[]] {
  return [process.execPath, process.argv[1] ?? '', role, JSON.stringify(settings)];
}

async function passWarmUp({ warmUpMs, meanwhile = [] }: MeasureOptions): Promise<void> {
  await sleep(warmUpMs / 2);
  for (const { ns, argv } of meanwhile) {
    const result = await exec({ ns, argv });
    if (result.code !== 0) throw new Error(`'${argv.join(' ')}' ended with ${result.code}: ${result.stderr}`);
  }
  await sleep(warmUpMs / 2);
}

/** The tables of sockets in /proc/net, and the state in which one takes connections. */
const TCP_LISTENS = { tables: ['tcp', 'tcp6'], state: '0A' } as const;
const UDP_BOUND = { tables: ['udp', 'udp6'], state: '07' } as const;

/** Waits until the server listens: its port stands in the table of its own namespace. */
async function listening(
  { port, server }: Flow,
  { tables: names, state }: typeof TCP_LISTENS | typeof UDP_BOUND,
): Promise<void> {
  const wanted = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ ${state} `);
  const pid = server.child.pid ?? 0;
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const tables = [...names].map((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8'));
    if (tables.some((table) => wanted.test(table))) return;
    await sleep(10);
  }
  throw new Error(`nobody listens on port ${port}`);
}

interface Sample {
  atMs: number;
  /** Bytes received so far, by the connection's two ends. */
  received: Map<string, number>;
}

/** What each receiver has got so far, of the connections that carry data. */
async function sampleFlows(flows: readonly Flow[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const { group, port, client } of flows) {
    if (group.transport === 'udp' && client !== undefined) {
      const counts = JSON.parse(await ask(client)) as number[];
      const received = new Map(counts.map((bytes, index) => [String(index), bytes]));
      samples.push({ atMs: clockMs(), received });
      continue;
    }
    if (group.transport === 'quic') {
      samples.push({
        atMs: clockMs(),
        received: new Map([
          ['all', await ipBytesReceived(group.direction === 'up' ? group.serverNs : group.clientNs)],
        ]),
      });
      continue;
    }
    const [ns, side] = group.direction === 'down' ? [group.clientNs, 'dport'] : [group.serverNs, 'sport'];
    const { stdout } = await exec({ argv: ['ss', '-N', ns, '-tinHO', side, '=', `:${port}`] });
    const received = new Map<string, number>();
    for (const line of stdout.split('\n')) {
      const ends = line.split(/\s+/).slice(3, 5).join(' ');
      if (ends !== '') received.set(ends, Number(/ bytes_received:(\d+)/.exec(line)?.[1] ?? 0));
    }
    samples.push({ atMs: clockMs(), received });
  }
  return samples;
}

/** IpExt InOctets of a namespace: ngtcp2 tells of no bytes while it runs. */
async function ipBytesReceived(ns: string): Promise<number> {
  const { stdout } = await exec({ ns, argv: ['cat', '/proc/net/netstat'] });
  const [names = [], values = []] = stdout
    .split('\n')
    .filter((line) => line.startsWith('IpExt:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('InOctets')]);
}

/** A line to the job, and the line that it answers. */
function ask(job: Job): Promise<string> {
  return new Promise((resolve, reject) => {
    job.child.stdout?.once('data', (chunk: Buffer) => {
      resolve(chunk.toString());
    });
    job.child.stdin?.write('?\n');
    void job.ended.then(({ stderr }) => {
      reject(new Error(`an end of the UDP flows failed: ${stderr}`));
    });
  });
}

function groupResult({ group }: Flow, before?: Sample, after?: Sample): GroupResult {
  const seconds = ((after?.atMs ?? 0) - (before?.atMs ?? 0)) / 1000;
  const flowsBitPerSec = [...(after?.received ?? [])]
    .map(([ends, bytes]) => ((bytes - (before?.received.get(ends) ?? 0)) * 8) / seconds)
    .sort((one, other) => other - one)
    // iperf3's control connection is the one more; it carries next to nothing.
    .slice(0, group.count);
  if (flowsBitPerSec.length < (group.transport === 'quic' ? 1 : group.count)) {
    throw new Error(`${group.label}: only ${flowsBitPerSec.length} of ${group.count} flows are connected`);
  }
  const bitPerSec = flowsBitPerSec.reduce((sum, rate) => sum + rate, 0);
  return { label: group.label, direction: group.direction, bitPerSec, flowsBitPerSec };
}

async function runPings(options: MeasureOptions): Promise<number[]> {
  const { stdout } = await exec({
    ns: options.pingNs,
    argv: [
      ...(['ping', '-n', '-c', String(options.pings), '-i', String(options.pingIntervalMs / 1000)] as const),
      ...['-W', '10', options.pingTarget],
    ],
  });
  return stdout
    .split('\n')
    .filter((line) => !line.includes('DUP!'))
    .flatMap((line) => / time=([\d.]+) ms/.exec(line)?.slice(1, 2) ?? [])
    .map(Number);
}

/** Jiffies of the one processor since the start (proc(5)): user nice system idle iowait irq softirq. */
function processorTimes(): { idle: number; total: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = readFileSync(
    '/proc/stat',
    'utf8',
  )
    .slice(5)
    .trim()
    .split(/\s+/, 7)
    .map(Number);
  return { idle: idle + iowait, total: user + nice + system + idle + iowait + irq + softirq };
}
