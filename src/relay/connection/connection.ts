/**
 * One client and its server: two lanes and the truth about endings. A half-close passes as a half-close, a
 * reset as a reset. An ending that neither side has asked for (a server that cannot be reached, a time-out, `kill`) is a
 * reset too: a clean end would be taken for the whole of a file, words of ours for the server's.
 */
import type { LookupFunction, Socket } from 'node:net';
import { type Direction, DIRECTIONS } from '../settings/direction.ts';
import type { Lane } from './lane.ts';
import { type End, type Ends, type ProxyVersion, readHeader, writeHeader } from '../clients/proxyProtocol.ts';
import { SocketReader } from '../socket/reader.ts';
import { ConnectionToxics } from '../faults/connectionToxics.ts';
import { formatEndpoint, plainAddress, type ProxySpec } from '../settings/spec.ts';

/** How long a client may take to read why the connection failed before it is closed. */
const FAREWELL_MS = 2000;
/** How long one of several addresses may take to answer; on a loaded line it takes seconds. */
const ATTEMPT_MS = 5000;

/** How long a PROXY header may take to come, in ms: it is sent with the first bytes. */
const HEADER_MS = 5000;

export interface ConnectionEvents {
  opened: (connection: Connection) => void;
  failed: (connection: Connection, reason: string) => void;
  /** Both sockets are closed; it is gone. */
  closed: (connection: Connection, how: string) => void;
}

export interface ConnectSettings {
  /** Source address of the outgoing connection; undefined lets the kernel choose. */
  readonly sourceAddress: string | undefined;
  readonly timeoutMs: number;
  readonly lookup: LookupFunction;
  /** Why it must not be tried at all, where that is known before the look-up. */
  readonly refused: string | undefined;
  /** When the kernel asks a silent peer whether it is there; 0 never. */
  readonly keepAliveMs: number;
  /** Tells the client in words that the server cannot be reached, as the original did, instead of a reset. */
  readonly inWords: boolean;
  /** The server is told of the client by a PROXY header of this version. */
  readonly sendProxy: ProxyVersion | undefined;
}

export type ConnectionState = 'connecting' | 'open' | 'closed';

export class Connection {
  readonly id: number;
  readonly forwarder: number;
  readonly spec: ProxySpec;
  /** Who connects, or who is named by the PROXY header. */
  client: End;
  /** Where to, as the client sees it; known with a PROXY header only. */
  #destination: End | undefined;
  /** What came after the PROXY header. */
  #first: Buffer | undefined;
  readonly startedMs = performance.now();
  lastMovedMs = performance.now();
  state: ConnectionState = 'connecting';
  lanes: Readonly<Record<Direction, Lane>> | undefined;
  /** The toxics of its forwarder that it has met, and those that it has not. */
  readonly toxics: ConnectionToxics = new ConnectionToxics();
  readonly #client: Socket;
  readonly #clientReader: SocketReader;
  #server: Socket | undefined;
  readonly #events: ConnectionEvents;
  #openSockets = 1;
  #how = 'closed';
  #inWords = false;
  #connectTimer: NodeJS.Timeout | undefined;
  #farewellTimer: NodeJS.Timeout | undefined;

  constructor(id: number, forwarder: number, spec: ProxySpec, client: Socket, events: ConnectionEvents) {
    this.id = id;
    this.forwarder = forwarder;
    this.spec = spec;
    this.client = { address: plainAddress(client.remoteAddress ?? '?'), port: client.remotePort ?? 0 };
    this.#clientReader = SocketReader.accepted(client);
    this.#client = this.#clientReader.socket;
    this.#events = events;
    this.#watch(this.#client);
  }

  /** `CONN000001`, as it is typed in `kill`. */
  get name(): string {
    return connectionName(this.id);
  }

  get clientName(): string {
    return formatEndpoint(this.client.address, this.client.port);
  }

  get serverName(): string {
    return formatEndpoint(this.spec.remoteHost, this.spec.remotePort);
  }

  /** Reads the PROXY header first; what is none, does not come in time or is too long is a reset. */
  readProxyHeader(named: () => void, refused: (why: string) => void): void {
    let bytes = Buffer.alloc(0);
    const refuse = (why: string): void => {
      refused(why);
      this.reset(`bad PROXY header: ${why}`);
    };
    const ended = (): void => {
      refuse('it ends within it');
    };
    this.#connectTimer = setTimeout(() => {
      refuse(`not whole after ${HEADER_MS / 1000} s`);
    }, HEADER_MS);
    this.#client.once('end', ended);
    this.#clientReader.taker = (chunk) => {
      if (this.state !== 'connecting') return false;
      bytes = Buffer.concat([bytes, chunk]);
      const result = readHeader(bytes);
      if (result.kind === 'more') return true;
      clearTimeout(this.#connectTimer);
      this.#client.removeListener('end', ended);
      if (result.kind === 'wrong') {
        refuse(result.why);
        return false;
      }
      this.client = result.ends?.source ?? this.client;
      this.#destination = result.ends?.destination;
      if (bytes.length > result.bytes) this.#first = bytes.subarray(result.bytes);
      // Nothing more is read before the server side is there.
      setImmediate(() => {
        if (this.state === 'connecting') named();
      });
      return false;
    };
    this.#clientReader.resume();
  }

  /** Looks up the name anew for each connection and connects to the first address that answers. */
  connect(
    settings: ConnectSettings,
    makeLane: (direction: Direction, from: SocketReader, to: Socket) => Lane,
  ): void {
    const { sourceAddress } = settings;
    this.#inWords = settings.inWords;
    if (settings.refused !== undefined) {
      this.#connectFailed(settings.refused);
      return;
    }
    const reader = SocketReader.connect({
      host: this.spec.remoteHost,
      port: this.spec.remotePort,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: settings.keepAliveMs > 0,
      keepAliveInitialDelay: settings.keepAliveMs,
      lookup: settings.lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptMs(settings.timeoutMs),
      ...(sourceAddress === undefined
        ? {}
        : { localAddress: sourceAddress, family: sourceAddress.includes(':') ? 6 : 4 }),
    });
    const server = reader.socket;
    if (settings.keepAliveMs > 0) this.#client.setKeepAlive(true, settings.keepAliveMs);
    this.#server = server;
    this.#openSockets++;
    this.#connectTimer = setTimeout(() => {
      server.destroy(new Error('timed out'));
    }, settings.timeoutMs);
    this.#watch(server);
    server.on('connect', () => {
      clearTimeout(this.#connectTimer);
      if (this.state !== 'connecting') return;
      this.state = 'open';
      if (settings.sendProxy !== undefined) server.write(writeHeader(settings.sendProxy, this.#ends));
      this.lanes = {
        up: makeLane('up', this.#clientReader, server),
        down: makeLane('down', reader, this.#client),
      };
      this.lanes.up.start(this.#first);
      this.lanes.down.start();
      this.#first = undefined;
      this.#events.opened(this);
    });
  }

  get #ends(): Ends {
    const { localAddress = '0.0.0.0', localPort = 0 } = this.#client;
    return {
      source: this.client,
      destination: this.#destination ?? { address: localAddress, port: localPort },
    };
  }

  /** True while bytes wait only for a limit or a fault. */
  get heldBack(): boolean {
    return this.lanes !== undefined && (this.lanes.up.heldBack || this.lanes.down.heldBack);
  }

  /** Resets both sides at once. */
  reset(how: string): void {
    this.#leaveOff(how);
    resetSocket(this.#client);
    if (this.#server !== undefined) resetSocket(this.#server);
  }

  /** Closes both sides after what the kernel has: who still has something unread on the way gets a reset, as from any program. */
  close(how: string): void {
    this.#leaveOff(how);
    for (const socket of [this.#client, this.#server]) socket?.destroySoon();
  }

  #leaveOff(how: string): void {
    if (this.state !== 'closed') this.#how = how;
    this.state = 'closed';
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#farewellTimer);
    this.toxics.stop();
    for (const direction of DIRECTIONS) this.lanes?.[direction].close();
  }

  #watch(socket: Socket): void {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#broke(socket, error);
    });
    socket.on('close', () => {
      if (--this.#openSockets > 0) {
        // Closed without an error before the other: if it was not the regular end, the other must not linger.
        if (this.state === 'connecting') this.reset('closed by the client');
        return;
      }
      this.#leaveOff(this.#how);
      this.#events.closed(this, this.#how);
    });
  }

  /** One side reset the connection, or vanished: the other side gets a reset too, not a clean end. */
  #broke(socket: Socket, error: NodeJS.ErrnoException): void {
    if (this.state === 'closed') return;
    if (this.state === 'connecting') {
      // A reset is no failure to connect: the server had answered, and hung up at once.
      if (socket === this.#server && error.code === 'ECONNRESET') this.reset('reset by the server');
      else if (socket === this.#server) this.#connectFailed(reasonOf(error));
      else this.reset('reset by the client');
      return;
    }
    this.reset(`reset by the ${socket === this.#client ? 'client' : 'server'}`);
  }

  #connectFailed(reason: string): void {
    this.state = 'closed';
    this.#how = 'not connected';
    clearTimeout(this.#connectTimer);
    this.#events.failed(this, reason);
    const client = this.#client;
    if (!this.#inWords) {
      resetSocket(client);
      return;
    }
    client.end(`Failed to connect to: ${this.serverName}\n`);
    // What the client sends meanwhile is read away: closing over unread bytes would be a reset, and a reset
    // may reach the client before it has read the words.
    this.#clientReader.taker = () => true;
    this.#clientReader.resume();
    client.on('end', () => client.destroy());
    this.#farewellTimer = setTimeout(() => client.destroy(), FAREWELL_MS);
    client.on('close', () => {
      clearTimeout(this.#farewellTimer);
    });
  }
}

/**
 * Ends a socket with a reset. While its end is just being sent (shutdown(2) asked for, not yet done) libuv refuses
 * a reset with EINVAL (uv_tcp_close_reset), and Node then leaves the descriptor open for good and never emits
 * `close`: 15 of 80000 connections were lost so in 16 minutes of churn. That moment is waited for.
 */
export function resetSocket(socket: Socket): void {
  const endIsUnderWay = (): boolean => socket.writableEnded && !socket.writableFinished;
  const reset = (): void => {
    // With bytes still to be sent the end has not been asked for yet, and never may be: no reason to wait.
    if (endIsUnderWay() && socket.writableLength === 0) socket.once('finish', reset);
    else if (!socket.destroyed) socket.resetAndDestroy();
  };
  // Only after the poll does the stream know which bytes the kernel has taken.
  if (endIsUnderWay()) setImmediate(reset);
  else reset();
}

/**
 * How long an address is waited for before the next one is tried. Node's own 250 ms give up for good what answers
 * later; half of the time there is leaves some for the next one.
 */
export function attemptMs(timeoutMs: number): number {
  // Node wants at least 10.
  return Math.max(10, Math.min(ATTEMPT_MS, Math.floor(timeoutMs / 2)));
}

/** The connection's name: `CONN000001`. */
function connectionName(id: number): string {
  return `CONN${String(id).padStart(6, '0')}`;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  // Happy eyeballs (several addresses tried) reports all attempts; the first one says it.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : error.message;
}
