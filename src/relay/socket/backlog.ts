/**
 * What a peer has not taken yet of what we have written: the kernel's own count, from /proc/net/tcp (proc(5)). Node
 * hears of back-pressure only when the kernel's buffers are full, on one machine after some MB, which at a low limit is
 * after half an hour; until then a peer that reads slowly is served, and counted, as if it took all it is offered.
 * Behind a second relay on the same machine its limit would so take a half of ours, whatever it lets through.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { plainAddress } from '../settings/spec.ts';
import { addressBytes } from '../clients/address.ts';

/** Bytes on their way to a peer. */
export interface Backlog {
  /** Written by us and not yet acknowledged by its kernel. */
  readonly unsentBytes: number;
  /** In its kernel and not yet read by its program; undefined if the peer is on another machine. */
  readonly unreadBytes: number | undefined;
}

/** How often the tables are read while somebody needs them, in ms. */
const EVERY_MS = 250;
/** A machine so busy that it takes longer is not waited for: what may be ahead would have no bounds. */
const MOST_MS = 2000;
/** Reading them takes no more of the time than one in so many parts: with 10 000 sockets they are 1.5 MB. */
const REST = 20;

/** The queues of each socket, by its two ends: `tx` is unsent, `rx` is unread. */
export type SocketTable = ReadonlyMap<string, { readonly tx: number; readonly rx: number }>;

/** Reads the text of /proc/net/tcp or /proc/net/tcp6. */
function parseSocketTable(text: string): SocketTable {
  const table = new Map<string, { tx: number; rx: number }>();
  for (const line of text.split('\n').slice(1)) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || queues === undefined) continue;
    const [tx = '', rx = ''] = queues.split(':');
    const key = `${plainHex(local)} ${plainHex(remote)}`;
    table.set(key, { tx: Number.parseInt(tx, 16), rx: Number.parseInt(rx, 16) });
  }
  return table;
}

/** An IPv4 address in an IPv6 socket as the IPv4 address that it is. */
const plainHex = (end: string): string => (end.startsWith('0000000000000000FFFF0000') ? end.slice(24) : end);

/** An end of a connection as the kernel prints it: words of 32 bits, the bytes of each in the machine's order. */
export function hexEnd(address: string, port: number): string {
  const bytes = addressBytes(plainAddress(address));
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.subarray(at, at + 4);
    words.push((BIG_ENDIAN ? word : Buffer.from(word).reverse()).toString('hex'));
  }
  return `${words.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

const BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** The socket's key in the table and that of its peer, if the peer is on this machine; undefined if it is closed. */
export function keysOf(socket: Socket): { own: string; peer: string } | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (
    localAddress === undefined ||
    localPort === undefined ||
    remoteAddress === undefined ||
    remotePort === undefined
  )
    return undefined;
  const [local, remote] = [hexEnd(localAddress, localPort), hexEnd(remoteAddress, remotePort)];
  return { own: `${local} ${remote}`, peer: `${remote} ${local}` };
}

/** Who wants to know; told until it says no, with the time since the look before. */
export interface Watcher {
  readonly keys: { readonly own: string; readonly peer: string } | undefined;
  /** True if it wants to be told again. */
  backlogIs: (backlog: Backlog, nowMs: number, sinceMs: number) => boolean;
}

export class BacklogWatch {
  readonly #watchers = new Set<Watcher>();
  readonly #read: () => Promise<readonly SocketTable[]>;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #lookedMs = -Infinity;

  constructor(read = readTables) {
    this.#read = read;
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#timer === undefined && !this.#stopped) this.#arm(EVERY_MS);
  }

  delete(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#watchers.clear();
  }

  #arm(inMs: number): void {
    this.#timer = setTimeout(() => void this.#look(), inMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const fromMs = performance.now();
    const tables = await this.#read().catch(() => []);
    const nowMs = performance.now();
    const sinceMs = Math.min(MOST_MS, Math.max(EVERY_MS, nowMs - this.#lookedMs));
    this.#lookedMs = nowMs;
    for (const watcher of [...this.#watchers]) {
      const { keys } = watcher;
      const find = (key: string | undefined): { tx: number; rx: number } | undefined =>
        key === undefined
          ? undefined
          : tables.map((table) => table.get(key)).find((found) => found !== undefined);
      // Who cannot be found (no /proc, another network namespace) is taken for one that has taken all.
      const unsentBytes = find(keys?.own)?.tx ?? 0;
      const more = watcher.backlogIs({ unsentBytes, unreadBytes: find(keys?.peer)?.rx }, nowMs, sinceMs);
      if (!more) this.#watchers.delete(watcher);
    }
    this.#timer = undefined;
    if (this.#watchers.size > 0 && !this.#stopped) {
      this.#arm(Math.max(EVERY_MS, (performance.now() - fromMs) * REST));
    }
  }
}

const readTables = (): Promise<readonly SocketTable[]> =>
  Promise.all(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map(async (file) =>
      parseSocketTable(await readFile(file, 'latin1').catch(() => '')),
    ),
  );
