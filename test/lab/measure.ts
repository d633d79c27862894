/** What is measured on the line, as the agent is asked for it and answers: plain data, times virtual. */

/** Flows of one kind. They send as much as they may from before the warm-up until after the window. */
export interface FlowGroup {
  label: string;
  /** Seen from the gateway: `down` is received by the client, `up` is sent by it. */
  direction: 'down' | 'up';
  count: number;
  /**
   * `quic`: HTTP/3 by ngtcp2, a client for each; `udp`: flows of our own with loss-based congestion control, downloads only.
   * TCP by default.
   */
  transport?: 'tcp' | 'udp' | 'quic';
  /** Needed for `quic`. */
  quic?: QuicPrograms;
  /** The sender's congestion control; no BBR over UDP. */
  congestion: 'cubic' | 'bbr' | 'reno';
  clientNs: string;
  serverNs: string;
  serverAddress: string;
  /** Differentiated services code point of both directions, 0–63; 0 by default. */
  dscp?: number;
}

/** Files that server and clients read, in the guest's namespaces as on this machine. */
export interface QuicPrograms {
  server: string;
  client: string;
  libraryPath: string;
  keyFile: string;
  certificateFile: string;
}

export interface MeasureOptions {
  flows: readonly FlowGroup[];
  /** From the start of the flows to the start of the window. */
  warmUpMs: number;
  /** The window lasts `pings × pingIntervalMs`; everything is measured in it. */
  pings: number;
  pingIntervalMs: number;
  pingNs: string;
  pingTarget: string;
  /** A call, key strokes and short transfers between these two, beside the others. */
  interactive?: { clientNs: string; serverNs: string; serverAddress: string };
  /** Run after the flows have started and half the warm-up has passed. Each must succeed. */
  meanwhile?: readonly { ns: string; argv: readonly [string, ...string[]] }[];
}

export interface GroupResult {
  label: string;
  direction: 'down' | 'up';
  /**
   * User data (TCP payload in order, over UDP each byte once) that reached the receivers, per second of the window. A hole that is
   * filled at last counts with all that waited behind it, so a short window may show more than the line
   * carries; over a minute that evens out. Of `quic` it is all IP that came in where it is received, headers included.
   */
  bitPerSec: number;
  flowsBitPerSec: number[];
}

export interface MeasureResult {
  /** Length of the window. */
  windowMs: number;
  ping: { sent: number; timesMs: number[] };
  groups: GroupResult[];
  /** Sums over the groups. */
  downBitPerSec: number;
  upBitPerSec: number;
  /** 50 packets of 200 bytes (IP) per second each way, as a call sends; one-way delays. */
  voip?: { up: OneWay; down: OneWay };
  /** A key stroke each 250 ms over one TCP connection, echoed by the other side. */
  echo?: { sent: number; timesMs: number[] };
  /**
   * Short transfers of 10 KB from the server, one after another, at most one a second: from the first SYN to the
   * last byte. `unfinishedMs`: how long the last one had been under way when the window ended.
   */
  pages?: { timesMs: number[]; unfinishedMs: number; bytes: number };
  /** Share of the window in which the emulated processor had nothing to do. */
  idleFraction: number;
}

interface OneWay {
  sent: number;
  delaysMs: number[];
}

export interface Summary {
  count: number;
  min: number;
  mean: number;
  median: number;
  p95: number;
  p99: number;
  max: number;
}

/** Figures of a sample; quantiles by the nearest rank. All are NaN for an empty one. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((one, other) => one - other);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return {
    count: sorted.length,
    min: rank(0),
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    median: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
    max: rank(1),
  };
}

/** Packets of one size at one rate. */
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
