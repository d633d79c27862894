/**
 * How far a client's kernel may be ahead of what we forward: a program that uploads is told "sent" by its own kernel. What we
 * do not read waits in our receive buffer, and the sender keeps some multiple of that window in its own send buffer, so the
 * window is small where the limit is low. Listening sockets are told so, and each connection begins with it.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { KERNELS_OWN, type ListenerOptions, setListenerOptions } from '../../system/exec/socketOptions.ts';

/** A window is worth so much of the limit, in ms: the sender's kernel then keeps less than 2 s with cubic or Reno. */
const WINDOW_MS = 200;
/** With less the kernel sends less than whole segments. */
const LEAST_BYTES = 4096;
/** From here on the kernel's own is not more than that (64 KiB, tcp_rmem). */
const KERNELS_BYTES = 65_536;
/** Above this limit a loopback's segments of 64 KiB, of which a sender keeps at least twenty, are sent within 2 s. */
const SEGMENTS_BYTES_PER_SEC = 2_000_000;
/** What Ethernet's segments carry: no less than everywhere else. */
const SEGMENT_BYTES = 1460;

/** The options for a limit from client to server, in bytes per second; Infinity is none. Windows are powers of two. */
export function optionsFor(limitBytesPerSec: number): ListenerOptions {
  if (limitBytesPerSec > SEGMENTS_BYTES_PER_SEC) return KERNELS_OWN;
  const wantedBytes = Math.max(LEAST_BYTES, (limitBytesPerSec * WINDOW_MS) / 1000);
  const receiveBytes = 2 ** Math.floor(Math.log2(wantedBytes));
  return {
    receiveBytes: receiveBytes >= KERNELS_BYTES ? undefined : receiveBytes,
    segmentBytes: SEGMENT_BYTES,
  };
}

/** A listening socket and the limit for what its clients send, in bytes per second; Infinity is none. */
export type Tuned = readonly [server: Server, limitBytesPerSec: number];

/** A socket's options are not changed more often than this, in ms, however often its limit is. */
const AGAIN_MS = 1000;

/** Keeps the options of listening sockets as their limits want them, in as few programs as it can. */
export class ListenerTuner {
  readonly #wanted: () => readonly Tuned[];
  readonly #log: Log;
  readonly #set: typeof setListenerOptions;
  readonly #known = new WeakMap<Server, string>();
  #changed = false;
  #work: Promise<void> | undefined;
  /** The program that is under way: it holds the sockets too, and their ports. */
  #setting: Promise<boolean> | undefined;
  #holds = 0;
  #stopped = false;
  #told = false;

  /** `wanted` is asked for all listening sockets as they are then. */
  constructor(wanted: () => readonly Tuned[], log: Log, set = setListenerOptions) {
    this.#wanted = wanted;
    this.#log = log;
    this.#set = set;
  }

  /** There are new sockets, or other limits. */
  changed(): void {
    this.#changed = true;
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
      if (this.#due) this.changed();
    });
  }

  /** Resolves when all is as it was wanted last. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Resolves when nobody else holds a socket, and nobody will until what it gives is called: a port that is let go is free. */
  async hold(): Promise<() => void> {
    this.#holds++;
    await this.#setting;
    return () => {
      this.#holds--;
      if (this.#due) this.changed();
    };
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    // Several changes in a row are one.
    await setImmediate();
    while (this.#due) {
      this.#changed = false;
      this.#setting = this.#apply();
      if (await this.#setting) await setTimeout(AGAIN_MS, undefined, { ref: false });
    }
  }

  get #due(): boolean {
    return this.#changed && !this.#stopped && this.#holds === 0;
  }

  /** True if one of the sockets had options of ours already. */
  async #apply(): Promise<boolean> {
    let again = false;
    const groups = new Map<string, { options: ListenerOptions; servers: Server[] }>();
    for (const [server, limitBytesPerSec] of this.#wanted()) {
      const options = optionsFor(limitBytesPerSec);
      const key = JSON.stringify(options);
      const known = this.#known.get(server);
      if (known === key || descriptorOf(server) === undefined) continue;
      again ||= known !== undefined;
      this.#known.set(server, key);
      const group = groups.get(key) ?? { options, servers: [] };
      group.servers.push(server);
      groups.set(key, group);
    }
    for (const { options, servers } of groups.values()) {
      await this.#setAll(servers, options);
    }
    return again;
  }

  async #setAll(servers: readonly Server[], options: ListenerOptions): Promise<void> {
    try {
      // As they are now: a number that was closed meanwhile may be somebody else's.
      const descriptors = servers.flatMap((server) => descriptorOf(server) ?? []);
      await this.#set(descriptors, options, kernelsReceiveBytes());
    } catch (error) {
      if (this.#told) return;
      this.#told = true;
      this.#log.info({ err: error }, 'uploads are told to be sent long before they are, urgent data is lost');
    }
  }
}

/** Node has it for its own use; a future one without it does without the options. */
function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as { _handle?: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

/** The default of tcp_rmem (tcp(7)), halved: the kernel doubles what it is told. */
function kernelsReceiveBytes(): number {
  try {
    const [, bytes] = readFileSync('/proc/sys/net/ipv4/tcp_rmem', 'utf8').trim().split(/\s+/);
    return Math.floor(Number(bytes) / 2) || KERNELS_BYTES;
  } catch {
    return KERNELS_BYTES;
  }
}
