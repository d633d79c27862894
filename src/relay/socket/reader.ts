/**
 * Reads a socket into memory that is used again, while Node's streams take a new 64 KiB for every read: half the
 * processor time per byte (docs/benchmarks/iprelay.md). `onread` is Node's documented way for sockets that
 * connect; an accepted socket cannot be given it any more, so its handle moves to a new one, as Node itself
 * does between processes. Where a future Node has no such handle, the socket is read as any other.
 *
 * All sockets share one piece of memory, so a connection that carries little costs nothing here. Only a
 * transfer at full speed has memory of its own, from which is written without copying.
 */
import { connect, type OnReadOpts, Socket, type TcpNetConnectOpts } from 'node:net';

/** High-water mark of both sockets: whatever the kernel does not take of a write at once is "full". */
export const STREAM_BYTES = 1;
/** What is read at once into the shared memory at most: what libuv suggests. */
export const READ_BYTES = 65_536;
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES);
/** Before it is known what the reader has room for. */
const FIRST_READ_BYTES = 1448;
/** The memory of one transfer at full speed; more is faster still, but each transfer keeps so much. */
const OWN_BYTES = 262_144;
/** A read this large is a transfer. */
const LARGE_READ_BYTES = SHARED.length / 2;
/** After so many reads in a row of less than `SMALL_READ_BYTES` it is none any more. */
const SMALL_READS = 16;
const SMALL_READ_BYTES = 4096;

/**
 * Whose memory a chunk is: `given` is the taker's, `shared` must be copied before the taker returns, `lent`
 * stays as it is until the taker lets reading go on.
 */
export type ChunkMemory = 'given' | 'shared' | 'lent';

/** Returns false when it wants no more until it calls `resume`. */
export type ChunkTaker = (chunk: Buffer, memory: ChunkMemory) => boolean;

export class SocketReader {
  readonly socket: Socket;
  /** Who gets the bytes; until somebody does they are thrown away. */
  taker: ChunkTaker = () => true;
  /** True if the taker can make use of `lent` chunks. */
  lends = false;
  /**
   * How much is read at once, up to `READ_BYTES`. As much as will be sent soon: the kernel lets the sender go on by what was
   * read, and offers a larger window after each large read. Takes effect with the read after the next.
   */
  readBytes = FIRST_READ_BYTES;
  #own: Buffer | undefined;
  #smallReads = 0;
  #wanted = true;
  #ended = false;
  #afterPoll: NodeJS.Immediate | undefined;

  constructor(makeSocket: (onread: OnReadOpts) => Socket) {
    this.socket = makeSocket({
      buffer: () => this.#own ?? SHARED.subarray(0, this.readBytes),
      callback: (bytes, memory) => this.#read(bytes, memory),
    });
    this.socket.on('end', () => {
      this.#ended = true;
    });
    this.socket.on('close', () => {
      clearImmediate(this.#afterPoll);
      this.#own = undefined;
    });
  }

  /** Begins to connect; reads as soon as it is connected. */
  static connect(options: TcpNetConnectOpts): SocketReader {
    return new SocketReader((onread) => connect({ ...options, onread, ...{ highWaterMark: STREAM_BYTES } }));
  }

  /** For a socket as a server has accepted it, with `pauseOnConnect`; reads after the first `resume`. */
  static accepted(socket: Socket): SocketReader {
    const holder = socket as { _handle?: object | null };
    const handle = holder._handle;
    if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) {
      const reader = new SocketReader(() => socket);
      socket.on('data', (chunk: Buffer) => {
        if (!reader.taker(chunk, 'given')) socket.pause();
      });
      return reader.pause();
    }
    holder._handle = null;
    socket.destroy();
    return new SocketReader(
      (onread) =>
        new Socket({
          allowHalfOpen: true,
          ...{ handle, onread, pauseOnCreate: true, highWaterMark: STREAM_BYTES },
        }),
    );
  }

  /** Reading goes on; memory that was lent may be overwritten from now on. */
  resume(): void {
    this.#wanted = true;
    if (this.#afterPoll === undefined && !this.#ended) this.socket.resume();
  }

  pause(): this {
    this.#wanted = false;
    this.socket.pause();
    return this;
  }

  /**
   * After a read that did not fill the memory, reading stops until the poll is over: libuv would otherwise
   * report a reset that came together with these bytes as a clean end (uv__stream_io takes POLLHUP after a
   * partial read for one).
   */
  #read(bytes: number, memory: Uint8Array): boolean {
    this.#wanted = this.taker(
      Buffer.from(memory.buffer, memory.byteOffset, bytes),
      memory === this.#own ? 'lent' : 'shared',
    );
    this.#chooseMemory(bytes);
    if (bytes === memory.length) return this.#wanted;
    this.#afterPoll ??= setImmediate(() => {
      this.#afterPoll = undefined;
      if (this.#wanted) this.resume();
    });
    return false;
  }

  #chooseMemory(bytes: number): void {
    this.#smallReads = bytes < SMALL_READ_BYTES ? this.#smallReads + 1 : 0;
    if (!this.lends || this.#smallReads >= SMALL_READS) this.#own = undefined;
    else if (bytes >= LARGE_READ_BYTES) this.#own ??= Buffer.allocUnsafeSlow(OWN_BYTES);
  }
}
