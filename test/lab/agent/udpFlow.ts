/**
 * Bulk transfers over UDP with loss-based congestion control, as QUIC has it: acknowledgements, loss detection,
 * probes and pacing after RFC 9002, the window after NewReno (RFC 9002, 7) or CUBIC (RFC 9438). No receive window,
 * no encryption, no streams: what is left is what a shaper sees of QUIC. The server sends, the client acknowledges.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { clockMs } from './jobs.ts';
import { SenderFlow, type LossBased } from './udpSender.ts';

export interface UdpServerSettings {
  port: number;
  congestion: LossBased;
}

export interface UdpClientSettings {
  port: number;
  serverAddress: string;
  count: number;
}

/** What Chromium sends: 1350 bytes of UDP payload. */
const PAYLOAD_BYTES = 1350;
/** Packet number and place in the stream of data. */
const HEADER_BYTES = 8;
/** An acknowledgement names the last packets that came, so that a lost one costs nothing. */
const ACK_NUMBERS = 8;
/** RFC 9000, 13.2.1 and 18.2. */
const ACK_EVERY_PACKETS = 2;
const MAX_ACK_DELAY_MS = 25;
const TICK_MS = 5;

/** Runs until it is killed. Says `ready` once it can be sent to. */
export function runUdpServer(settingsText: string): void {
  const { port, congestion } = JSON.parse(settingsText) as UdpServerSettings;
  const flows = new Map<string, SenderFlow>();
  const socket = createSocket({ type: 'udp6' });
  socket.on('message', (packet, from) => {
    const key = `${from.address} ${from.port}`;
    let flow = flows.get(key);
    if (flow === undefined) flows.set(key, (flow = makeFlow(socket, from, congestion)));
    const numbers = Array.from({ length: packet.length >> 2 }, (_, index) => packet.readUInt32LE(index * 4));
    flow.acknowledge(numbers, clockMs());
  });
  socket.bind(port, () => process.stdout.write('ready\n'));
  setInterval(() => {
    for (const flow of flows.values()) flow.tick(clockMs());
  }, TICK_MS);
}

function makeFlow(socket: Socket, to: RemoteInfo, congestion: LossBased): SenderFlow {
  return new SenderFlow(
    { congestion, packetBytes: PAYLOAD_BYTES, maxAckDelayMs: MAX_ACK_DELAY_MS },
    (packet) => {
      const data = Buffer.alloc(PAYLOAD_BYTES);
      data.writeUInt32LE(packet.number, 0);
      data.writeUInt32LE(packet.place, 4);
      socket.send(data, to.port, to.address);
    },
  );
}

/** Runs until it is killed. Each line on its standard input is answered by the user data received, per flow. */
export function runUdpClient(settingsText: string): void {
  const { port, serverAddress, count } = JSON.parse(settingsText) as UdpClientSettings;
  const received = Array.from({ length: count }, () => receive(serverAddress, port));
  process.stdin.on('data', () => {
    process.stdout.write(`${JSON.stringify(received.map((each) => each.bytes()))}\n`);
  });
}

function receive(address: string, port: number): { bytes: () => number } {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const places = new Set<number>();
  let last: number[] = [];
  let unacknowledged = 0;
  let timer: NodeJS.Timeout | undefined;
  const acknowledge = (): void => {
    clearTimeout(timer);
    timer = undefined;
    unacknowledged = 0;
    const packet = Buffer.alloc(last.length * 4);
    last.forEach((number, index) => packet.writeUInt32LE(number, index * 4));
    socket.send(packet, port, address);
  };
  socket.on('message', (packet) => {
    clearInterval(hello);
    const number = packet.readUInt32LE(0);
    // Out of order: at once (RFC 9000, 13.2.1).
    const gap = last.length > 0 && number !== (last.at(-1) ?? 0) + 1;
    last = [...last, number].slice(-ACK_NUMBERS);
    places.add(packet.readUInt32LE(4));
    unacknowledged += 1;
    if (gap || unacknowledged >= ACK_EVERY_PACKETS) acknowledge();
    else timer ??= setTimeout(acknowledge, MAX_ACK_DELAY_MS);
  });
  // An empty acknowledgement begins the flow; it may be lost.
  const hello = setInterval(acknowledge, 1000);
  acknowledge();
  return { bytes: () => places.size * (PAYLOAD_BYTES - HEADER_BYTES) };
}
