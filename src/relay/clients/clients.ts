/**
 * The clients of a relay, by address or network: what they share, what limits them, and what each has carried. How many are counted
 * by name is bounded, however many come.
 */
import { type Direction, DIRECTIONS } from '../settings/direction.ts';
import type { Group, Share } from '../scheduler/flows.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';

/** So many are counted by name; a name is given away when its client has no connection any more and another one comes. */
export const MOST_NAMED = 100;

export interface ClientCounts {
  openConnections: number;
  totalConnections: number;
  readonly bytes: Record<Direction, number>;
}

const noCounts = (): ClientCounts => ({ openConnections: 0, totalConnections: 0, bytes: { up: 0, down: 0 } });

export interface Client {
  readonly name: string;
  /** Its own, or those of all that have no name. */
  readonly counts: ClientCounts;
  openConnections: number;
  readonly shares: Readonly<Record<Direction, Share>>;
  /** Its limit. */
  readonly groups: Readonly<Record<Direction, Group>>;
}

export class Clients {
  readonly #schedulers: Readonly<Record<Direction, Scheduler>>;
  readonly #open = new Map<string, Client>();
  /** Those that are counted by name; the one that came or went last is the last. */
  readonly #named = new Map<string, ClientCounts>();
  /** All others together. */
  readonly others = noCounts();

  constructor(schedulers: Readonly<Record<Direction, Scheduler>>) {
    this.#schedulers = schedulers;
  }

  get named(): ReadonlyMap<string, ClientCounts> {
    return this.#named;
  }

  get open(): Iterable<Client> {
    return this.#open.values();
  }

  /** A connection of this client begins; bytes per second of its limit. */
  enter(name: string, limit: number | undefined): Client {
    const client = this.#open.get(name) ?? this.#make(name, limit);
    client.openConnections++;
    client.counts.openConnections++;
    client.counts.totalConnections++;
    return client;
  }

  /** One of its connections is gone. */
  leave(client: Client): void {
    client.openConnections--;
    client.counts.openConnections--;
    if (client.openConnections > 0) return;
    this.#open.delete(client.name);
    if (this.#named.delete(client.name)) this.#named.set(client.name, client.counts);
  }

  setLimit(limit: number | undefined): void {
    const nowMs = performance.now();
    for (const { groups } of this.#open.values())
      for (const direction of DIRECTIONS)
        this.#schedulers[direction].setGroupLimit(groups[direction], limit, nowMs);
  }

  #make(name: string, limit: number | undefined): Client {
    const nowMs = performance.now();
    const { up, down } = this.#schedulers;
    const client: Client = {
      name,
      counts: this.#countsOf(name),
      openConnections: 0,
      shares: { up: up.addShare(), down: down.addShare() },
      groups: { up: up.addGroup(nowMs), down: down.addGroup(nowMs) },
    };
    for (const direction of DIRECTIONS)
      this.#schedulers[direction].setGroupLimit(client.groups[direction], limit, nowMs);
    this.#open.set(name, client);
    return client;
  }

  #countsOf(name: string): ClientCounts {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    if (this.#named.size >= MOST_NAMED && !this.#forgetOne()) return this.others;
    const counts = noCounts();
    this.#named.set(name, counts);
    return counts;
  }

  /** The one that has been gone for longest is one of the others from now on. False if none is gone. */
  #forgetOne(): boolean {
    for (const [name, { openConnections, totalConnections, bytes }] of this.#named) {
      if (openConnections > 0) continue;
      this.#named.delete(name);
      this.others.totalConnections += totalConnections;
      for (const direction of DIRECTIONS) this.others.bytes[direction] += bytes[direction];
      return true;
    }
    return false;
  }
}
