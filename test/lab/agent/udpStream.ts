/**
 * Packets of one size at one rate, and nothing beside them: what a limit counts are these alone. Both ends are programs of their own,
 * each in its network namespace.
 */
import { createSocket, type SocketType } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UdpResult, UdpStream } from '../measure.ts';
import { saidReady } from './interactive.ts';
import { clockMs, signalJob, startJob, type Job } from './jobs.ts';

type SenderSettings = Pick<UdpStream, 'toAddress' | 'port' | 'payloadBytes' | 'packetsPerSec'> & {
  count: number;
};
type ReceiverSettings = Pick<UdpStream, 'toAddress' | 'port'>;

const TICK_MS = 2;
/** Far longer than the fullest buffer of any line here takes to empty. */
const LATE_MS = 5000;

/** Sends to the end, and counts what has come. */
export async function stream(options: UdpStream): Promise<UdpResult> {
  const { fromNs, toNs, toAddress, port, payloadBytes, packetsPerSec, durationMs } = options;
  const count = Math.round((packetsPerSec * durationMs) / 1000);
  const receiver = startEnd('udp-receiver', toNs, { toAddress, port } satisfies ReceiverSettings);
  try {
    await saidReady(receiver);
    const settings = { toAddress, port, payloadBytes, packetsPerSec, count } satisfies SenderSettings;
    const sent = await countOf(startEnd('udp-sender', fromNs, settings));
    await sleep(LATE_MS);
    signalJob(receiver, 'SIGTERM');
    return { sent, received: await countOf(receiver) };
  } finally {
    signalJob(receiver, 'SIGKILL');
  }
}

/** This very program in another role. */
const startEnd = (role: string, ns: string, settings: object): Job =>
  startJob({ argv: [process.execPath, process.argv[1] ?? '', role, JSON.stringify(settings)], ns });

/** The last that it says. */
async function countOf(job: Job): Promise<number> {
  const { stdout, stderr, code } = await job.ended;
  const last = /(\d+)\n$/.exec(stdout)?.[1];
  if (code !== 0 || last === undefined) throw new Error(`an end of a stream ended with ${code}: ${stderr}`);
  return Number(last);
}

const typeOf = (address: string): SocketType => (address.includes(':') ? 'udp6' : 'udp4');

export function runUdpSender(settingsText: string): void {
  const { toAddress, port, payloadBytes, packetsPerSec, count } = JSON.parse(settingsText) as SenderSettings;
  const socket = createSocket(typeOf(toAddress));
  const packet = Buffer.alloc(payloadBytes);
  const startMs = clockMs();
  let [given, sent] = [0, 0];
  const done = (error: Error | null): void => {
    if (error !== null) throw error;
    sent += 1;
    if (sent < count) return;
    socket.close();
    process.stdout.write(`${sent}\n`);
  };
  const timer = setInterval(() => {
    const due = Math.min(count, Math.ceil(((clockMs() - startMs) / 1000) * packetsPerSec));
    for (; given < due; given++) socket.send(packet, port, toAddress, done);
    if (given === count) clearInterval(timer);
  }, TICK_MS);
}

/** Says `ready` once it can be sent to, and ends with what has come when it is told to. */
export function runUdpReceiver(settingsText: string): void {
  const { toAddress, port } = JSON.parse(settingsText) as ReceiverSettings;
  const socket = createSocket(typeOf(toAddress));
  let received = 0;
  socket.on('message', () => (received += 1));
  process.once('SIGTERM', () => {
    socket.close();
    process.stdout.write(`${received}\n`);
  });
  socket.bind(port, toAddress, () => process.stdout.write('ready\n'));
}
