/** Packets of one size at one rate, for tests that count them. */
import type { Guest } from './guest.ts';

export interface UdpStream {
  fromNs: string;
  toNs: string;
  toAddress: string;
  port: number;
  /** UDP payload; the IP packet has 28 bytes more, 48 over IPv6. */
  payloadBytes: number;
  packetsPerSec: number;
  durationMs: number;
}

export interface UdpResult {
  sent: number;
  received: number;
}

/**
 * Sends streams side by side and counts what arrives. Packets go out in the rhythm of the guest's clock; a
 * timer that comes late is made up for, so the number sent is exact.
 */
export async function sendUdp(guest: Guest, streams: readonly UdpStream[]): Promise<UdpResult[]> {
  const receivers = await Promise.all(
    streams.map((stream) =>
      guest.request('spawn', { argv: ['node', '-e', RECEIVER, JSON.stringify(stream)], ns: stream.toNs }),
    ),
  );
  // The receivers listen within less than this.
  await guest.request('sleep', { ms: 3000 });
  const senders = [];
  for (const stream of streams) {
    senders.push(
      await guest.request('spawn', {
        argv: ['node', '-e', SENDER, JSON.stringify(stream)],
        ns: stream.fromNs,
      }),
    );
  }
  const results: UdpResult[] = [];
  for (const [n, sender] of senders.entries()) {
    const sent = await guest.request('wait', { job: sender.job });
    const receiver = receivers[n];
    if (receiver === undefined) throw new Error('a stream has no receiver');
    const received = await guest.request('wait', { job: receiver.job });
    results.push({ sent: Number(sent.stdout), received: Number(received.stdout) });
  }
  return results;
}

const SENDER = `
  const s = JSON.parse(process.argv[1]);
  const socket = require('node:dgram').createSocket(s.toAddress.includes(':') ? 'udp6' : 'udp4');
  const data = Buffer.alloc(s.payloadBytes);
  const total = Math.round(s.packetsPerSec * s.durationMs / 1000);
  const start = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor((performance.now() - start) * s.packetsPerSec / 1000));
    for (; sent < due; sent++) socket.send(data, s.port, s.toAddress);
    if (sent === total) { clearInterval(timer); setTimeout(() => { console.log(sent); socket.close(); }, 100); }
  }, 2);`;

/** Ends 2.5 s after the last packet: longer than the line's buffer holds one. */
const RECEIVER = `
  const s = JSON.parse(process.argv[1]);
  const socket = require('node:dgram').createSocket(s.toAddress.includes(':') ? 'udp6' : 'udp4');
  let received = 0;
  const end = () => { console.log(received); process.exit(); };
  let timer = setTimeout(end, 20000);
  socket.on('message', () => { received++; clearTimeout(timer); timer = setTimeout(end, 2500); });
  socket.bind(s.port);`;
