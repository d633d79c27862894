/** Packets of one size at one rate, for tests that count them. */
import type { Guest } from './guest.ts';
import type { UdpResult, UdpStream } from './measure.ts';

export type { UdpResult, UdpStream };

/** Sends streams side by side and counts what arrives. Beside each goes iperf3's own control connection. */
export async function sendUdp(guest: Guest, streams: readonly UdpStream[]): Promise<UdpResult[]> {
  const servers = [];
  for (const stream of streams) {
    const argv = ['iperf3', '-s', '-1', '-p', String(stream.port)] as const;
    servers.push(await guest.request('spawn', { argv, ns: stream.toNs }));
  }
  await guest.request('sleep', { ms: 500 });
  const clients = [];
  for (const stream of streams) {
    clients.push(await guest.request('spawn', { argv: clientArgv(stream), ns: stream.fromNs }));
  }
  const results: UdpResult[] = [];
  for (const { job } of clients) {
    const { stdout } = await guest.request('wait', { job });
    const { end, error } = JSON.parse(stdout) as Iperf3Report;
    if (end?.sum === undefined) throw new Error(`iperf3 failed: ${error ?? stdout}`);
    const { packets, lost_packets: lost } = end.sum;
    results.push({ sent: packets, received: packets - lost });
  }
  for (const { job } of servers) await guest.request('wait', { job });
  return results;
}

interface Iperf3Report {
  end?: { sum?: { packets: number; lost_packets: number } };
  error?: string;
}

function clientArgv(stream: UdpStream): [string, ...string[]] {
  const bitPerSec = Math.round(stream.packetsPerSec * stream.payloadBytes * 8);
  const packets = Math.round((stream.packetsPerSec * stream.durationMs) / 1000);
  return [
    ...['iperf3', '-c', stream.toAddress, '-p', String(stream.port), '-u', '--json'],
    ...['-l', String(stream.payloadBytes), '-b', String(bitPerSec), '-k', String(packets)],
  ] as [string, ...string[]];
}
