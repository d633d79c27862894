/**
 * One direction of a connection: takes what is read from one socket, hands it on to the other.
 *
 * Without limits and faults each chunk is written as it is read (`direct`). Otherwise it waits here until
 * the scheduler grants it, and while two turns of single segments (else four) wait, nothing is read: the kernel's window closes and the
 * sender feels it. A read is no larger than a turn, so that this begins with the first bytes. A lane holds at most
 * about 192 KiB whatever the two sides do (plus what is under way while latency is set), without a limit 256 KiB.
 *
 * Nor is more written ahead than a peer takes: see backlog.ts.
 */
import type { Socket } from 'node:net';
import type { Direction } from '../settings/direction.ts';
import { type Backlog, type BacklogWatch, keysOf, type Watcher } from '../socket/backlog.ts';
import { DelayLine, type DelayMemory } from '../faults/delayLine.ts';
import type { Faults } from '../settings/faults.ts';
import { Meter } from './meter.ts';
import type { Pump } from './pump.ts';
import { type ChunkMemory, READ_BYTES, type SocketReader } from '../socket/reader.ts';
import { SEGMENT_BYTES } from '../scheduler/quantum.ts';
import type { Flow } from '../scheduler/flows.ts';
import { slice } from '../faults/toxics.ts';

/** So much waits for the scheduler before reading stops: a turn of a fast lane and what is read meanwhile. */
const QUEUE_BYTES = 131_072;
/** With many connections, or a low limit, so many turns are enough; of single segments two. */
const QUEUE_TURNS = 4;
const QUEUE_SEGMENT_TURNS = 2;
/** And for a timer or a read that comes late, so much worth of the limit in ms beside one turn. */
const LATE_MS = 50;
/** Above this limit the kernel's buffers are emptied within seconds, and nobody looks at them. */
const WATCHED_BYTES_PER_SEC = 2_000_000;
/** What may be on its way to a program on this machine, in turns, besides what it may take until the next look. */
const LOCAL_AHEAD_TURNS = 2;
/** And to another machine, in ms and in bytes: as much as the longest round trips need. */
const REMOTE_AHEAD_MS = 1000;
const REMOTE_AHEAD_BYTES = 16_384;
/** A peer that takes nothing for so long, in ms, may wait for more before it reads: it is given a turn more. */
const STUCK_MS = 5000;
/** What a lane needs to know of its surroundings; looked at on every change, so always as it is now. */
export interface LaneContext {
  readonly pump: Pump;
  readonly backlogs: BacklogWatch;
  readonly delayed: DelayMemory;
  /** True if a limit of the process, the forwarder or the connection is set for this direction. */
  limited: (direction: Direction) => boolean;
  faults: (direction: Direction) => Faults;
  /** True while a stall or an outage lets nothing pass. */
  held: (direction: Direction) => boolean;
  /** Bytes went through. */
  moved: (direction: Direction, chunk: Buffer, nowMs: number) => void;
  /** The fault `reset` is due. */
  resetDue: () => void;
  /** So is a close after bytes. */
  closeDue: () => void;
}

export class Lane implements Watcher {
  readonly direction: Direction;
  readonly source: SocketReader;
  readonly sink: Socket;
  readonly flow: Flow;
  readonly meter = new Meter();
  readonly #context: LaneContext;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  readonly #delayLine: DelayLine;
  #closeTimer: NodeJS.Timeout | undefined;
  #direct = false;
  /** The sink's kernel buffer is full. */
  #blocked = false;
  /** What may be sent until the peer of the sink is found to have taken more. */
  #mayBytes = Infinity;
  #keys: Watcher['keys'];
  /** What was on its way when it was last looked at, and all that had been sent then. */
  #looked = { bytes: 0, totalBytes: 0 };
  /** When the peer was last seen to take something. */
  #takenMs = performance.now();
  /** The sink still writes from the reader's own memory: nothing may be read over it. */
  #lent = false;
  /** The source has sent its end, and all before it has left the latency. */
  #ended = false;
  #closed = false;

  constructor(direction: Direction, source: SocketReader, sink: Socket, flow: Flow, context: LaneContext) {
    this.direction = direction;
    this.source = source;
    this.sink = sink;
    this.flow = flow;
    this.#context = context;
    this.#delayLine = new DelayLine((delayed) => {
      this.#released(delayed);
    }, context.delayed);
    context.pump.register(flow, (maxBytes) => this.#send(maxBytes));
  }

  /** Begins to read; `first` was read already. */
  start(first?: Buffer): void {
    this.source.taker = (chunk, memory) => this.#take(chunk, memory);
    if (first !== undefined) this.#accept(first);
    this.refresh();
    this.source.socket.on('end', () => {
      this.#sourceEnded();
    });
    this.sink.on('drain', () => {
      this.#drained();
    });
  }

  /** A limit or a fault has changed: decides anew whether chunks go straight through. */
  refresh(): void {
    if (this.#closed || this.#resetIfDue()) return;
    const { limited, faults, held } = this.#context;
    const straight = !limited(this.direction) && !held(this.direction) && isCalm(faults(this.direction));
    // What waits goes first: the order of the bytes is worth more than the speed of a change.
    this.#direct = straight && this.#queuedBytes === 0 && this.#delayLine.empty;
    this.source.lends = this.#direct;
    this.source.readBytes = this.#direct
      ? READ_BYTES
      : Math.min(READ_BYTES, Math.max(SEGMENT_BYTES, this.#turnBytes));
    if (this.#direct) this.#mayBytes = Infinity;
    this.#updateReady();
    this.#pull();
  }

  /** True while bytes wait only for the limit, a stall or a latency, not for a peer that does not read. */
  get heldBack(): boolean {
    return (this.#queuedBytes > 0 && !this.#blocked && this.#mayBytes > 0) || !this.#delayLine.empty;
  }

  /** Bytes kept in this process for the lane. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#delayLine.bytes + this.sink.writableLength;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#closeTimer);
    const { pump } = this.#context;
    pump.schedulers[this.direction].removeFlow(this.flow);
    pump.unregister(this.flow);
    this.#context.backlogs.delete(this);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#delayLine.clear();
  }

  /** Reading goes on if there is room. */
  #pull(): void {
    if (!this.#closed && !this.#full) this.source.resume();
  }

  /** Called by the reader; false stops it until `#pull`. */
  #take(chunk: Buffer, memory: ChunkMemory): boolean {
    if (this.#closed) return false;
    if (this.#direct) {
      this.#write(memory === 'shared' ? Buffer.from(chunk) : chunk, performance.now());
      this.#lent = memory === 'lent' && this.#blocked;
    } else this.#accept(memory === 'given' ? chunk : Buffer.from(chunk));
    return !this.#full;
  }

  get #full(): boolean {
    if (this.#direct || this.#lent) return this.#blocked;
    return this.#queuedBytes >= this.#queueLimit || this.#delayFull;
  }

  get #delayFull(): boolean {
    return (
      !this.#delayLine.empty &&
      this.#delayLine.full(this.#context.faults(this.direction), this.#rateBytesPerSec)
    );
  }

  get #queueLimit(): number {
    const turnBytes = this.#turnBytes;
    const turns = turnBytes > SEGMENT_BYTES ? QUEUE_TURNS : QUEUE_SEGMENT_TURNS;
    const late = turnBytes + (this.#rateBytesPerSec * LATE_MS) / 1000;
    return Math.min(QUEUE_BYTES, Math.max(turns * turnBytes, late));
  }

  get #turnBytes(): number {
    return this.#context.pump.schedulers[this.direction].turnOf(this.flow);
  }

  get #rateBytesPerSec(): number {
    return this.#context.pump.schedulers[this.direction].rateOf(this.flow);
  }

  get keys(): Watcher['keys'] {
    return (this.#keys ??= keysOf(this.sink));
  }

  /** Sends no more than the peer takes and a little ahead of it; wants to be told until it has taken all. */
  backlogIs({ unsentBytes, unreadBytes }: Backlog, nowMs: number, sinceMs: number): boolean {
    if (this.#closed || this.#rateBytesPerSec > WATCHED_BYTES_PER_SEC) {
      this.#mayBytes = Infinity;
      this.#updateReady();
      return false;
    }
    const bytes = unsentBytes + (unreadBytes ?? 0);
    const ahead = (ms: number): number => (this.#rateBytesPerSec * ms) / 1000;
    const allowedBytes =
      unreadBytes === undefined
        ? Math.max(REMOTE_AHEAD_BYTES, ahead(REMOTE_AHEAD_MS))
        : LOCAL_AHEAD_TURNS * this.#turnBytes + ahead(sinceMs);
    const { totalBytes } = this.meter;
    const takenBytes = this.#looked.bytes + totalBytes - this.#looked.totalBytes - bytes;
    if (takenBytes > 0) this.#takenMs = nowMs;
    this.#looked = { bytes, totalBytes };
    // It will take as much as it has taken.
    this.#mayBytes = bytes === 0 ? Infinity : allowedBytes - bytes + Math.max(0, takenBytes);
    if (this.#mayBytes <= 0 && nowMs - this.#takenMs >= STUCK_MS) {
      this.#mayBytes = this.#turnBytes;
      this.#takenMs = nowMs;
    }
    this.#updateReady();
    return bytes > 0;
  }

  #accept(chunk: Buffer): void {
    const faults = this.#context.faults(this.direction);
    if (faults.drops) return;
    if (faults.slices !== undefined) {
      for (const part of slice(chunk, faults.slices, Math.random))
        this.#delayLine.add(part, faults, faults.slices.delayMs);
    } else if (faults.latencyMs > 0 || faults.jitterMs > 0 || !this.#delayLine.empty)
      this.#delayLine.add(chunk, faults);
    else this.#enqueue(chunk);
  }

  #enqueue(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    this.#updateReady();
  }

  /** The latency of a chunk, or of the end, is over. */
  #released(delayed: Buffer | undefined): void {
    if (delayed === undefined) this.#end();
    else this.#enqueue(delayed);
    this.#pull();
  }

  /** Called by the scheduler: sends up to `maxBytes`, never more. */
  #send(maxBytes: number): number {
    const nowMs = performance.now();
    let leftBytes = maxBytes;
    const sliced = this.#context.faults(this.direction).slices !== undefined;
    const several = !sliced && (this.#queue[0]?.length ?? 0) < maxBytes && this.#queue.length > 1;
    if (several) this.sink.cork();
    while (leftBytes > 0 && !this.#blocked && !this.#closed) {
      const chunk = this.#queue[0];
      if (chunk === undefined) break;
      const part = chunk.length <= leftBytes ? chunk : chunk.subarray(0, leftBytes);
      if (part === chunk) this.#queue.shift();
      else this.#queue[0] = chunk.subarray(leftBytes);
      this.#queuedBytes -= part.length;
      leftBytes -= part.length;
      this.#write(part, nowMs, several);
    }
    if (several) {
      this.sink.uncork();
      this.#blocked = this.sink.writableLength > 0;
    }
    this.#afterSending();
    return maxBytes - leftBytes;
  }

  #afterSending(): void {
    if (this.#closed) return;
    this.#updateReady();
    if (this.#resetIfDue()) return;
    if (this.#queuedBytes === 0) {
      if (this.#ended) this.#finish();
      this.refresh();
    } else this.#pull();
  }

  /** Also where so many bytes have passed before the fault was set: nothing would be sent any more. */
  #resetIfDue(): boolean {
    const { resetAfterBytes = Infinity, closeAfterBytes = Infinity } = this.#context.faults(this.direction);
    const { totalBytes } = this.meter;
    if (totalBytes < resetAfterBytes && totalBytes < closeAfterBytes) return false;
    if (totalBytes >= resetAfterBytes) this.#context.resetDue();
    else this.#context.closeDue();
    return true;
  }

  #write(chunk: Buffer, nowMs: number, corked = false): void {
    if (this.sink.destroyed || this.sink.writableEnded) return;
    this.sink.write(chunk);
    // What the kernel took at once is gone; only what stays here means that the other side is slow.
    if (!corked) this.#blocked = this.sink.writableLength > 0;
    this.meter.add(chunk.length, nowMs);
    this.#context.moved(this.direction, chunk, nowMs);
    this.#mayBytes -= chunk.length;
    if (!this.#direct && this.#rateBytesPerSec <= WATCHED_BYTES_PER_SEC) this.#context.backlogs.add(this);
  }

  #drained(): void {
    if (!this.#blocked || this.#closed) return;
    this.#blocked = false;
    this.#lent = false;
    this.#updateReady();
    this.#pull();
  }

  #sourceEnded(): void {
    if (this.#closed) return;
    if (this.#delayLine.empty) this.#end();
    else this.#delayLine.add(undefined, this.#context.faults(this.direction));
  }

  #end(): void {
    this.#ended = true;
    if (this.#queuedBytes === 0) this.#finish();
  }

  #finish(): void {
    const { slowCloseMs } = this.#context.faults(this.direction);
    if (this.#closeTimer !== undefined) return;
    if (slowCloseMs > 0) this.#closeTimer = setTimeout(() => this.sink.end(), slowCloseMs);
    else this.sink.end();
  }

  /** Tells the scheduler how much could be sent this moment. */
  #updateReady(): void {
    const { pump, held, faults } = this.#context;
    let readyBytes = this.#blocked || this.#mayBytes <= 0 || held(this.direction) ? 0 : this.#queuedBytes;
    const { resetAfterBytes = Infinity, closeAfterBytes = Infinity } = faults(this.direction);
    const mostBytes = Math.min(resetAfterBytes, closeAfterBytes);
    if (mostBytes !== Infinity)
      readyBytes = Math.min(readyBytes, Math.max(0, mostBytes - this.meter.totalBytes));
    if (readyBytes === this.flow.readyBytes) return;
    const wasReady = this.flow.readyBytes > 0;
    pump.schedulers[this.direction].setReady(this.flow, readyBytes, performance.now());
    if (readyBytes > 0 && !wasReady) pump.schedule();
  }
}

/** No fault that concerns the bytes on their way (an end that is slow does not). */
function isCalm(faults: Faults): boolean {
  const { latencyMs, jitterMs, resetAfterBytes, drops, closeAfterBytes, slices } = faults;
  const whole = resetAfterBytes === undefined && closeAfterBytes === undefined && !drops;
  return latencyMs === 0 && jitterMs === 0 && whole && slices === undefined;
}
