/**
 * One end of the interactive flows: a call (50 packets per second each way, UDP), key strokes that the server
 * echoes and short transfers from the server (TCP). Both ends are in one kernel, so they share a clock and one-way delays are exact.
 *
 * Says `ready`, reads the window's length from its standard input, and writes its result at the end.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { clockMs } from './jobs.ts';

export interface PeerSettings {
  role: 'client' | 'server';
  serverAddress: string;
}

export interface PeerResult {
  /** Packets of the call that this end sent, and the delays of those that it received. */
  sent: number;
  delaysMs: number[];
  /** The client's key strokes. */
  echo?: { sent: number; timesMs: number[] };
  pages?: { timesMs: number[]; unfinishedMs: number; bytes: number };
}

const VOIP_PORT = 5004;
/** Not sshd's own port: the guest shares nothing but files with the host, yet this keeps captures readable. */
const ECHO_PORT = 2222;
/** G.711 with 20 ms per packet: 160 bytes of sound and 12 of RTP; 200 with UDP and IP (RFC 3551). */
const VOIP_BYTES = 172;
const VOIP_INTERVAL_MS = 20;
/** One key stroke in an SSH connection: padded block and authentication code (RFC 4253). */
const KEY_BYTES = 36;
const KEY_INTERVAL_MS = 250;
const PAGE_PORT = 8080;
/** A small object of a page; at one a second 5 % of a line of 1.75 Mbit/s. */
const PAGE_BYTES = 10_000;
const PAGE_INTERVAL_MS = 1000;
/** Packets that are this late are of no use to anyone; nothing on the line takes longer. */
const GRACE_MS = 5000;
const HELLO = -1;

export function runPeer(settingsText: string): void {
  const { role, serverAddress } = JSON.parse(settingsText) as PeerSettings;
  const result: PeerResult = { sent: 0, delaysMs: [] };
  const client = role === 'client';
  const udp = createSocket(serverAddress.includes(':') ? 'udp6' : 'udp4');
  let other = client ? { address: serverAddress, port: VOIP_PORT } : undefined;
  const sendCall = (stampMs: number): void => {
    if (other === undefined) return;
    const packet = Buffer.alloc(VOIP_BYTES);
    packet.writeDoubleLE(stampMs);
    udp.send(packet, other.port, other.address);
  };

  udp.on('message', (packet, from) => {
    const stampMs = packet.readDoubleLE();
    if (stampMs !== HELLO) result.delaysMs.push(clockMs() - stampMs);
    else if (!client) {
      other = from;
      sendCall(HELLO);
    } else if (keys !== undefined) process.stdout.write('ready\n');
  });

  let keys: Socket | undefined;
  if (client) {
    result.echo = { sent: 0, timesMs: [] };
    keys = connectKeys(serverAddress, result.echo, () => {
      sendCall(HELLO);
    });
  } else {
    // To the address itself: what the kernel would answer from is the link's, and NAT lets nothing of that in.
    udp.bind(VOIP_PORT, serverAddress);
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(Buffer.alloc(PAGE_BYTES)));
    }).listen(PAGE_PORT);
    createServer((socket) => socket.setNoDelay().pipe(socket)).listen(ECHO_PORT, () => {
      process.stdout.write('ready\n');
    });
  }

  process.stdin.once('data', (text) => {
    const windowMs = Number(text.toString());
    every(VOIP_INTERVAL_MS, windowMs, () => {
      result.sent += 1;
      sendCall(clockMs());
    });
    if (keys !== undefined) typeKeys(keys, windowMs, result.echo);
    if (client) {
      result.pages = { timesMs: [], unfinishedMs: 0, bytes: 0 };
      loadPages(serverAddress, clockMs() + windowMs, result.pages);
    }
    setTimeout(() => {
      process.stdout.write(JSON.stringify(result), () => process.exit(0));
    }, windowMs + GRACE_MS);
  });
}

function connectKeys(address: string, echo: NonNullable<PeerResult['echo']>, onReady: () => void): Socket {
  const socket = connect(ECHO_PORT, address, onReady).setNoDelay();
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= KEY_BYTES; rest = rest.subarray(KEY_BYTES)) {
      echo.timesMs.push(clockMs() - rest.readDoubleLE());
    }
  });
  return socket;
}

function typeKeys(socket: Socket, windowMs: number, echo: PeerResult['echo']): void {
  every(KEY_INTERVAL_MS, windowMs, () => {
    if (echo !== undefined) echo.sent += 1;
    const key = Buffer.alloc(KEY_BYTES);
    key.writeDoubleLE(clockMs());
    socket.write(key);
  });
}

/** One transfer after another until the window ends. */
function loadPages(address: string, endMs: number, pages: NonNullable<PeerResult['pages']>): void {
  const startMs = clockMs();
  if (startMs >= endMs) return;
  const socket = connect(PAGE_PORT, address, () => socket.write('page'));
  const timer = setTimeout(() => {
    pages.unfinishedMs = clockMs() - startMs;
    socket.destroy();
  }, endMs - startMs);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    pages.bytes += chunk.length;
    if (bytes < PAGE_BYTES) return;
    clearTimeout(timer);
    pages.timesMs.push(clockMs() - startMs);
    socket.destroy();
    setTimeout(
      () => {
        loadPages(address, endMs, pages);
      },
      Math.max(0, startMs + PAGE_INTERVAL_MS - clockMs()),
    );
  });
  // A refused or reset connection counts as unfinished: the timer ends it.
  socket.on('error', () => undefined);
}

/** Calls at multiples of the interval from now on; a late call does not shift the following ones. */
function every(intervalMs: number, forMs: number, action: () => void): void {
  const startMs = clockMs();
  const next = (index: number): void => {
    if (index * intervalMs >= forMs) return;
    action();
    setTimeout(
      () => {
        next(index + 1);
      },
      Math.max(0, startMs + (index + 1) * intervalMs - clockMs()),
    );
  };
  next(0);
}
